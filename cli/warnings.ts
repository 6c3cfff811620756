import { issueLine } from "../components/text/code-frame.ts";
import type { Issue } from "../components/text/issue.ts";
import { readApp } from "../components/manifest/read.ts";
import type { Changes } from "../components/plan/changes.ts";
import { loadEnvironment } from "../components/plan/load.ts";
import type { Plan, SitePlan } from "../components/plan/plan.ts";
import { platforms } from "../components/platforms/registry.ts";
import { sizeText } from "../components/plan/size-text.ts";

/**
 * The changes with more for a reviewer: the plan's warnings, and for each changed site what its environment overrides
 * in the manifest. They can't contain a secret: planning sees none.
 * @param root the directory that was planned
 */
export function withWarnings(changes: Changes, root: string, plan: Plan, warnings: readonly Issue[]): Changes {
  const touched = new Set(changes.changes.filter(({ subject }) => subject === "site").map(({ name }) => name));
  const decided = plan.sites.filter(({ name }) => touched.has(name)).flatMap((site) => overrides(root, plan.environment, site));
  const lines = [...warnings.map(issueLine), ...decided];
  return lines.length === 0 ? changes : { ...changes, warnings: lines };
}

function overrides(root: string, environment: string, site: SitePlan): string[] {
  const manifest = readApp(root, site.app).value;
  if (manifest === undefined || !platforms[site.platform].hasProcesses) return [];
  const origins = loadEnvironment(root, environment).value?.sites[site.name]?.origins ?? {};
  const line = (key: "processes" | "memory", is: string, asked: string) => {
    const { file, line: at } = origins[`limits.${key}`] ?? { file: `stacks/${environment}.yaml` };
    const place = at === undefined ? file : `${file}:${at}`;
    return is === asked ? [] : [`${site.name}: ${key} ${is}, set by ${place}; ${manifest.file} says ${asked}`];
  };
  return [
    ...line("processes", String(site.processes.count), String(manifest.processes.count)),
    ...line("memory", sizeText(site.processes.memoryBytes), sizeText(manifest.processes.memoryBytes)),
  ];
}
