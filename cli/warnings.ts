import { issueLine } from "../components/text/code-frame.ts";
import type { Issue } from "../components/text/issue.ts";
import { readApp } from "../components/manifest/read.ts";
import type { Changes } from "../components/plan/changes.ts";
import { loadEnvironment } from "../components/plan/load.ts";
import type { Plan, SitePlan } from "../components/plan/plan.ts";
import { platforms } from "../components/platforms/registry.ts";
import { sizeText } from "../components/text/size-text.ts";

/** A directory that was planned, and what came of it. */
export interface Planned {
  root: string;
  plan: Plan;
  warnings: readonly Issue[];
}

/** A remark for a person, and what it says without its place, which moves with every line above it. */
interface Remark {
  line: string;
  says: string;
}

/**
 * The changes with more for a reviewer: the plan's warnings, and for each changed site what its environment overrides
 * in the manifest. They can't contain a secret: planning sees none.
 * @param before what the changes begin with: what was remarked on there is left out. Default: nothing
 */
export function withWarnings(changes: Changes, now: Planned, before?: Planned): Changes {
  const touched = new Set(changes.changes.filter(({ subject }) => subject === "site").map(({ name }) => name));
  const standing = new Set(before && remarks(before, touched).map(({ says }) => says));
  const lines = remarks(now, touched).flatMap(({ line, says }) => (standing.has(says) ? [] : [line]));
  const all = [...unprotected(now, before), ...lines];
  return all.length === 0 ? changes : { ...changes, warnings: all };
}

/** Nothing runs because of it, and the next change may remove what this one could not. */
function unprotected(now: Planned, before: Planned | undefined): string[] {
  if (before?.plan.isProtected !== true || now.plan.isProtected === true) return [];
  return [`${now.plan.environment} is protected no longer: after this change its nodes, and whatever has data, can be removed`];
}

function remarks({ root, plan, warnings }: Planned, touched: ReadonlySet<string>): Remark[] {
  return [
    ...warnings.map((issue) => ({ line: issueLine(issue), says: `${issue.place.file} ${issue.code} ${issue.message}` })),
    ...plan.sites.filter(({ name }) => touched.has(name)).flatMap((site) => overrides(root, plan.environment, site)),
  ];
}

function overrides(root: string, environment: string, site: SitePlan): Remark[] {
  const manifest = readApp(root, site.app).value;
  if (manifest === undefined || !platforms[site.platform].hasProcesses) return [];
  const origins = loadEnvironment(root, environment).value?.sites[site.name]?.origins ?? {};
  const override = (key: "processes" | "memory" | "body", is: string, asked: string): Remark[] => {
    const { file, line: at } = origins[`limits.${key}`] ?? { file: `stacks/${environment}.yaml` };
    const line = (place: string) => `${site.name}: ${key} ${is}, set by ${place}; ${manifest.file} says ${asked}`;
    return is === asked ? [] : [{ line: line(at === undefined ? file : `${file}:${at}`), says: line(file) }];
  };
  return [
    ...override("processes", String(site.processes.count), String(manifest.processes.count)),
    ...override("memory", sizeText(site.processes.memoryBytes), sizeText(manifest.processes.memoryBytes)),
    ...override("body", sizeText(site.limits.bodyBytes), sizeText(manifest.limits.bodyBytes)),
  ];
}
