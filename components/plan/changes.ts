import { isMade, tellMachine } from "../environment/kinds/registry.ts";
import type { BrokenSite, NodePlan, Plan, SitePlan } from "./plan.ts";
import { locationText } from "./location.ts";
import { compareVersions } from "./version.ts";
import { bytesOf, changed, lists, maps, siteDetails, type Detail } from "./changes-site.ts";

/** A plan, and the id of each site's release as it is rendered. */
export interface Rendered {
  plan: Plan;
  releases: Readonly<Record<string, string>>;
}

/** A site or a node for which something runs. */
export interface Change {
  subject: "site" | "node";
  name: string;
  kind: "added" | "removed" | "replaced" | "changed";
  /** Of a site its release, of a node its system. */
  from?: string;
  to?: string;
  /** What is to be known of it as a whole: `upgrade`. */
  notes: string[];
  details: Detail[];
  /** What makes it run besides its own facts. */
  why: string[];
  /** Services whose data is left behind. */
  data: string[];
  /** Names of the commands that run. */
  runs: string[];
}

/** What happens to an environment. */
export interface Changes {
  environment: string;
  /** Nodes first, each by name. */
  changes: Change[];
  /** Sites for which nothing runs, by name. */
  untouched: string[];
  /** Sites of which something is wrong, by name: they stay as they are. */
  broken: BrokenSite[];
  /** What a person should know besides, a line each. */
  warnings?: readonly string[];
}

/** Words that no change passes with unless a person accepts them. */
export const blockingWords = ["DATA", "REPLACED", "RETIRED"] as const;
export type BlockingWord = (typeof blockingWords)[number];

/** What stops a change: data left behind, a machine made anew, a site or a node that is no longer served. */
export function blockedBy({ kind, data }: Change): BlockingWord[] {
  return [
    ...(data.length > 0 ? (["DATA"] as const) : []),
    ...(kind === "replaced" ? (["REPLACED"] as const) : []),
    ...(kind === "removed" ? (["RETIRED"] as const) : []),
  ];
}

/** Whether something runs and nobody can say why. */
export function isUnexplained({ kind, details, why }: Change): boolean {
  return kind === "changed" && details.length === 0 && why.length === 0;
}

/** All that two states of an environment differ in, and what runs because of it. Pure. */
export function planChanges(before: Rendered | undefined, after: Rendered): Changes {
  const nodes = pairs(before?.plan.nodes ?? [], after.plan.nodes).flatMap(([one, other]) => nodeChange(one, other));
  const why = sshWhys(before?.plan, after.plan);
  if (why.length > 0) for (const { name } of after.plan.nodes) rerun(nodes, "node", name, [`${name}-state`], why);
  const moved = new Map(nodes.filter(isMoved).map(({ name, kind }) => [name, kind === "replaced" ? "is replaced" : "moves"]));
  const { broken } = after.plan;
  const isBroken = new Set(broken.map(({ name }) => name));
  const wasBroken = new Set(before?.plan.broken.map(({ name }) => name));
  const sites = pairs(before?.plan.sites ?? [], after.plan.sites).flatMap(([one, other]) => {
    // Left out of the plan, it is not taken out of the environment.
    if (other === undefined && isBroken.has(one?.name ?? "")) return [];
    const ids = [one && before?.releases[one.name], other && after.releases[other.name]] as const;
    if (other !== undefined && wasBroken.has(other.name))
      return [{ ...blank("site", other.name, [`${other.name}-rollout`]), to: ids[1] ?? "", why: ["it was broken before"] }];
    const own = siteChange(one, other, ids);
    // A release that its nodes no longer hold is brought to them again.
    const whys = [...why, ...(other?.nodes ?? []).flatMap((node) => (moved.has(node) ? [`${node} ${moved.get(node)}`] : []))];
    if (own !== undefined) return own.kind === "changed" ? [{ ...own, why: whys }] : [own];
    if (other === undefined || whys.length === 0) return [];
    return [{ ...blank("site", other.name, [`${other.name}-rollout`]), from: ids[0] ?? "", to: ids[1] ?? "", why: whys }];
  });
  const touched = new Set(sites.map(({ name }) => name));
  const untouched = after.plan.sites.map(({ name }) => name).filter((name) => !touched.has(name));
  return { environment: after.plan.environment, changes: [...byName(nodes), ...byName(sites)], untouched, broken };
}

/** What the two releases of a site say by themselves. Each release id is `<bundle>.<8 hex>`, each version as the manifest has it. */
export function releaseNotes(from: { release: string; version?: string }, to: { release: string; version?: string }): string[] {
  if (from.release === to.release) return ["same release, set up again"];
  if (bundleOf(from.release) === bundleOf(to.release)) return ["same bytes: new processes, no migration"];
  if (from.version === undefined || to.version === undefined) return [];
  const order = compareVersions(from.version, to.version);
  if (order === undefined || order === 0) return order === 0 ? ["same version, other bytes"] : [];
  return [order < 0 ? "▲ upgrade" : "▼ downgrade"];
}

/** Id of the bundle in a release. */
export function bundleOf(release: string): string {
  return release.slice(0, release.lastIndexOf("."));
}

/** Adds a run to the change of this name, or makes one. */
function rerun(changes: Change[], subject: Change["subject"], name: string, runs: string[], why: string[]): void {
  const known = changes.find((change) => change.name === name);
  if (known === undefined) changes.push({ ...blank(subject, name, runs), why });
  else if (known.kind === "changed") known.why.push(...why);
}

function siteChange(
  one: SitePlan | undefined,
  other: SitePlan | undefined,
  [from, to]: readonly [string | undefined, string | undefined],
): Change | undefined {
  const name = (other ?? one)?.name ?? "";
  const base = blank("site", name, [`${name}-rollout`]);
  const services = (site: SitePlan | undefined) => site?.services ?? [];
  if (other === undefined) {
    const data = services(one).map((setUp) => setUp.name);
    return { ...base, kind: "removed", ...(from === undefined ? {} : { from }), data };
  }
  if (one === undefined)
    return { ...base, kind: "added", ...(to === undefined ? {} : { to }), details: siteDetails(undefined, other) };
  const details = siteDetails(one, other);
  if (from === undefined || to === undefined || (from === to && details.length === 0)) return undefined;
  const kept = new Map(services(other).map((setUp) => [setUp.name, setUp.type]));
  const data = services(one).filter((setUp) => kept.get(setUp.name) !== setUp.type);
  const notes = releaseNotes({ ...one, release: from }, { ...other, release: to });
  return { ...base, from, to, notes, details, data: data.map((setUp) => setUp.name) };
}

function nodeChange(one: NodePlan | undefined, other: NodePlan | undefined): Change[] {
  const name = (other ?? one)?.name ?? "";
  const both = blank("node", name, [`${name}-machine`, `${name}-state`]);
  if (one === undefined) return [{ ...both, kind: "added", to: other?.os ?? "", details: nodeDetails(undefined, other) }];
  if (other === undefined) return [{ ...both, kind: "removed", from: one.os }];
  const details = nodeDetails(one, other.kept === true ? { ...other, sites: one.sites, routes: one.routes } : other);
  if (details.length === 0) return [];
  const made = [one, other].some(({ machine }) => isMade(machine));
  const systems = { from: one.os, to: other.os };
  if (made && (one.os !== other.os || one.machine.kind !== other.machine.kind))
    return [{ ...both, ...systems, kind: "replaced", details }];
  const reached = details.some(({ about }) => about === "machine" || about === "os");
  return [{ ...(reached ? both : blank("node", name, [`${name}-state`])), ...systems, details }];
}

function nodeDetails(one: NodePlan | undefined, other: NodePlan | undefined): Detail[] {
  const routes = (node: NodePlan | undefined) =>
    Object.fromEntries((node?.routes ?? []).map((route) => [locationText(route), `to ${route.site}`]));
  return [
    ...(one === undefined ? [] : changed("os", one.os, other?.os)),
    ...changed("machine", one && tellMachine(one.machine), other && tellMachine(other.machine)),
    ...lists("roles", one?.roles ?? [], other?.roles ?? []),
    ...lists("sites", one?.sites ?? [], other?.sites ?? []),
    ...maps("route", routes(one), routes(other)),
  ];
}

function isMoved({ kind, details }: Change): boolean {
  return kind === "replaced" || (kind === "changed" && details.some(({ about }) => about === "machine"));
}

function sshWhys(one: Plan | undefined, other: Plan): string[] {
  if (one === undefined || bytesOf(one.ssh) === bytesOf(other.ssh)) return [];
  return ["nodes are reached another way (ssh)"];
}

function blank(subject: Change["subject"], name: string, runs: string[]): Change {
  return { subject, name, kind: "changed", notes: [], details: [], why: [], data: [], runs };
}

/** What has one name on both sides, by name. */
function pairs<T extends { name: string }>(before: readonly T[], after: readonly T[]): [T | undefined, T | undefined][] {
  const [old, now] = [before, after].map((all) => new Map(all.map((each) => [each.name, each])));
  const names = new Set([...before, ...after].map(({ name }) => name));
  return [...names].sort().map((name) => [old?.get(name), now?.get(name)]);
}

function byName(changes: Change[]): Change[] {
  return changes.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}
