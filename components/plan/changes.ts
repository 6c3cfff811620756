import { isMade, tellMachine } from "../environment/kinds/registry.ts";
import type { BrokenSite, NodePlan, Plan, SitePlan } from "./plan.ts";
import { httpsText } from "./https.ts";
import { sourceText } from "./apt.ts";
import { locationText, urlText } from "./location.ts";
import { compareVersions } from "./version.ts";
import { droppedFrom, judgeLosses, judgeUnknown, standingOf, type Loss } from "./losses.ts";
import { takenLocations } from "./takes.ts";
import { bundleOf } from "./release-id.ts";
import { bytesOf, changed, lists, maps, siteDetails, type Detail } from "./changes-site.ts";
import { servicesWithData } from "../services/registry.ts";
import { sizeText } from "../text/size-text.ts";

/** A plan, and the id of each site's rendered release. */
export interface Rendered {
  plan: Plan;
  releases: Readonly<Record<string, string>>;
}

/** A site or a node for which commands run. */
export interface Change {
  subject: "site" | "node";
  name: string;
  kind: "added" | "removed" | "replaced" | "changed";
  /** A site's release, or a node's system. */
  from?: string;
  to?: string;
  /** A remark about it as a whole: `upgrade`. */
  notes: string[];
  details: Detail[];
  /** Reasons to run besides its own facts. */
  why: string[];
  /** Services whose data it leaves behind. */
  data: string[];
  /** Names of the commands that run. */
  runs: string[];
  /** What would be lost: a site's services are in `data`, too. Absent when nothing is. */
  losses?: Loss[];
  /** Where a site answers; absent where that is known only once its machine is there. */
  urls?: string[];
}

/** What happens to an environment. */
export interface Changes {
  environment: string;
  /** Nodes first, each by name. */
  changes: Change[];
  /** Sites for which nothing runs, by name. */
  untouched: string[];
  /** Broken sites, by name: they stay unchanged. */
  broken: BrokenSite[];
  /** Other remarks for a person, one line each. */
  warnings?: readonly string[];
  /** Parts of the program that differ and whose effect is unknown here; absent when none. */
  notJudged?: readonly string[];
  /** Why what was before can't be told by git, one line each: then the changes are those that Pulumi sees. Absent when it can. */
  unread?: readonly string[];
  /** Why Pulumi's preview failed, one line each: then the changes are those in git. Absent when it did not. */
  failed?: readonly string[];
  /** The commits that were compared; without `head`, the files here. Absent when nothing was. */
  commits?: { base: string; head?: string };
}

/** Warnings that a person must accept before the change. */
export const blockingWords = ["DATA", "REPLACED", "RETIRED", "PROGRAM"] as const;
export type BlockingWord = (typeof blockingWords)[number];

/** What blocks a change: data left behind, a machine recreated, a site or a node no longer served. */
export function blockedBy({ kind, data }: Change): BlockingWord[] {
  return [
    ...(data.length > 0 ? (["DATA"] as const) : []),
    ...(kind === "replaced" ? (["REPLACED"] as const) : []),
    ...(kind === "removed" ? (["RETIRED"] as const) : []),
  ];
}

/** Whether something runs without a known reason. */
export function isUnexplained({ kind, details, why, losses = [] }: Change): boolean {
  return kind === "changed" && details.length === 0 && why.length === 0 && losses.length === 0;
}

/** All differences between two states of an environment, and what runs because of them. Pure. */
export function planChanges(before: Rendered | undefined, after: Rendered): Changes {
  const byNode = pairs(before?.plan.nodes ?? [], after.plan.nodes).map(([one, other]) => [one, asItWillBe(one, other)] as const);
  const nodes = byNode.flatMap(([one, other]) => nodeChange(one, other));
  for (const [one, other] of byNode)
    if (one?.kept === true && other !== undefined && other.kept !== true)
      rerun(nodes, "node", other.name, keptRuns(other), [keptUntilNow]);
  const why = sshWhys(before?.plan, after.plan);
  if (why.length > 0) for (const { name } of after.plan.nodes) rerun(nodes, "node", name, [`${name}-state`], why);
  const moved = new Map(byNode.map(([one, other]) => [other?.name, one && other && movedText(one, other)]));
  const nodesAfter = byNode.flatMap(([, other]) => other ?? []);
  const { broken } = after.plan;
  const isBroken = new Set(broken.map(({ name }) => name));
  const wasBroken = new Set(before?.plan.broken.map(({ name }) => name));
  const sites = pairs(before?.plan.sites ?? [], after.plan.sites).flatMap(([one, other]) => {
    // Missing from the plan, but not removed from the environment.
    if (other === undefined && isBroken.has(one?.name ?? "")) return [];
    const ids = [one && before?.releases[one.name], other && after.releases[other.name]] as const;
    if (other !== undefined && wasBroken.has(other.name))
      return [{ ...blank("site", other.name, [`${other.name}-rollout`]), to: ids[1] ?? "", why: ["it was broken before"] }];
    const found = siteChange(one, other, ids);
    const takes = found && takenLocations(found.name, before?.plan.nodes ?? [], nodesAfter);
    const own = found && { ...found, details: [...found.details, ...(takes ?? [])] };
    // A release that its nodes no longer have is sent again.
    const whys = [...why, ...(other?.nodes ?? []).flatMap((node) => moved.get(node) ?? [])];
    if (own !== undefined) return own.kind === "changed" ? [{ ...own, why: whys }] : [own];
    if (other === undefined || whys.length === 0) return [];
    return [{ ...blank("site", other.name, [`${other.name}-rollout`]), from: ids[0] ?? "", to: ids[1] ?? "", why: whys }];
  });
  // Nothing else is known of it.
  const lost = [...wasBroken].filter((name) => !isBroken.has(name) && !after.plan.sites.some((site) => site.name === name));
  for (const name of lost)
    sites.push({ ...blank("site", name, [`${name}-rollout`]), kind: "removed", why: ["it was broken before"] });
  const isProtected = [before?.plan, after.plan].some((plan) => plan?.isProtected === true);
  const circumstances = { isProtected, broken: [...isBroken] };
  const losses =
    before === undefined
      ? []
      : [
          ...judgeLosses(standingOf(before.plan), standingOf(after.plan), circumstances),
          ...judgeUnknown(before.plan, after.plan),
        ];
  const losing = withLosses("site", sites, losses);
  const touched = new Set(losing.map(({ name }) => name));
  const untouched = after.plan.sites.map(({ name }) => name).filter((name) => !touched.has(name));
  const changes = [...byName(withLosses("node", nodes, losses)), ...byName(losing)].map((change) => withUrls(change, after.plan));
  return { environment: after.plan.environment, changes, untouched, broken };
}

/** The changes of sites or of nodes with what each would lose; one for which nothing else runs is one of them then. */
export function withLosses(subject: Change["subject"], changes: readonly Change[], losses: readonly Loss[]): Change[] {
  const byName = Map.groupBy(
    losses.filter((loss) => loss.subject === subject),
    ({ name }) => name,
  );
  const others = [...byName.keys()].filter((name) => !changes.some((change) => change.name === name));
  return [...changes, ...others.map((name) => blank(subject, name, []))].map((change) => {
    const own = byName.get(change.name) ?? [];
    if (own.length === 0) return change;
    return {
      ...change,
      losses: [...(change.losses ?? []), ...own],
      data: [...new Set([...change.data, ...own.flatMap(({ data }) => data)])],
    };
  });
}

/**
 * The change of a site with the places where a browser finds it.
 * @param made addresses of the machines that the project made, by node. Default: none is known
 */
export function withUrls(
  change: Change,
  { sites, nodes }: Pick<Plan, "sites" | "nodes">,
  made: Readonly<Record<string, string>> = {},
): Change {
  const site = change.subject === "site" ? sites.find(({ name }) => name === change.name) : undefined;
  const on = nodes.filter(({ name }) => site?.nodes.includes(name));
  const addresses = on.flatMap(({ name, machine }) => (machine.kind === "host" ? machine.host : made[name]) ?? []);
  // Without a host name of its own a site is found by the addresses of its nodes.
  const urls = (site?.routes ?? []).flatMap((route) =>
    (route.host === "*" ? addresses : [""]).map((to) => urlText(route, to, site?.isHttps === true)),
  );
  return urls.length === 0 ? change : { ...change, urls };
}

/** What a site's two release ids show by themselves. Each is `<bundle>.<8 hex>`, each version as in the manifest. */
export function releaseNotes(from: { release: string; version?: string }, to: { release: string; version?: string }): string[] {
  if (from.release === to.release) return ["same release, set up again"];
  if (bundleOf(from.release) === bundleOf(to.release)) return ["same bytes: new processes, no migration"];
  if (from.version === undefined || to.version === undefined) return [];
  const order = compareVersions(from.version, to.version);
  if (order === undefined || order === 0) return order === 0 ? ["same version, other bytes"] : [];
  return [order < 0 ? "▲ upgrade" : "▼ downgrade"];
}

/** Adds a run to the change of this name, or makes one. */
function rerun(changes: Change[], subject: Change["subject"], name: string, runs: string[], why: string[]): void {
  const known = changes.find((change) => change.name === name);
  if (known === undefined) changes.push({ ...blank(subject, name, runs), why });
  else if (known.kind === "changed") {
    known.why.push(...why);
    known.runs = [...new Set([...runs, ...known.runs])];
  }
}

function siteChange(
  one: SitePlan | undefined,
  other: SitePlan | undefined,
  [from, to]: readonly [string | undefined, string | undefined],
): Change | undefined {
  const name = (other ?? one)?.name ?? "";
  const base = blank("site", name, [`${name}-rollout`]);
  if (other === undefined) {
    return {
      ...base,
      kind: "removed",
      ...(from === undefined ? {} : { from }),
      data: servicesWithData(one?.services).map((setUp) => setUp.name),
    };
  }
  if (one === undefined)
    return { ...base, kind: "added", ...(to === undefined ? {} : { to }), details: siteDetails(undefined, other) };
  const details = siteDetails(one, other);
  if (from === undefined || to === undefined || (from === to && details.length === 0)) return undefined;
  const data = droppedFrom(servicesWithData(one.services), servicesWithData(other.services)).map((setUp) => setUp.name);
  // Their ids have a part of the digest, and somebody may have made up two that begin alike.
  const isAlike = one.bundle.id === other.bundle.id && one.bundle.digest !== other.bundle.digest;
  const notes = isAlike ? ["same version, other bytes"] : releaseNotes({ ...one, release: from }, { ...other, release: to });
  return { ...base, from, to, notes, details, data };
}

/** What a node kept of its state, and a machine that the project makes of who signs its certificates. */
const keptRuns = ({ name, machine }: NodePlan): string[] => [...(isMade(machine) ? [`${name}-machine`] : []), `${name}-state`];

const keptUntilNow = "it kept what it had while a site was broken: what was declared meanwhile comes now, too";

/** A node that keeps its last declared state may get another machine, and nothing else of what is declared. */
function asItWillBe(one: NodePlan | undefined, other: NodePlan | undefined): NodePlan | undefined {
  if (one === undefined || other?.kept !== true) return other;
  return { ...one, machine: other.machine, os: other.os, kept: true };
}

function nodeChange(one: NodePlan | undefined, other: NodePlan | undefined): Change[] {
  const name = (other ?? one)?.name ?? "";
  const both = blank("node", name, [`${name}-machine`, `${name}-state`]);
  if (one === undefined) return [{ ...both, kind: "added", to: other?.os ?? "", details: nodeDetails(undefined, other) }];
  if (other === undefined) return [{ ...both, kind: "removed", from: one.os }];
  const details = nodeDetails(one, other);
  if (details.length === 0) return [];
  const systems = { from: one.os, to: other.os };
  if (one.os !== other.os || identity(one) !== identity(other)) return [{ ...both, ...systems, kind: "replaced", details }];
  // A machine that the project makes gets the authority that signs.
  const signed = isMade(other.machine) && one.https?.authority !== other.https?.authority;
  const reached = signed || details.some(({ about }) => about === "machine" || about === "os");
  return [{ ...(reached ? both : blank("node", name, [`${name}-state`])), ...systems, details }];
}

function nodeDetails(one: NodePlan | undefined, other: NodePlan | undefined): Detail[] {
  const routes = (node: NodePlan | undefined) =>
    Object.fromEntries((node?.routes ?? []).map((route) => [locationText(route), `to ${route.site}`]));
  return [
    ...(one === undefined ? [] : changed("os", one.os, other?.os)),
    ...machineDetails(one, other),
    ...lists("roles", one?.roles ?? [], other?.roles ?? []),
    ...changed("memory", memoryText(one), memoryText(other)),
    ...lists("trust_proxies", one?.trustProxies ?? [], other?.trustProxies ?? []),
    ...changed("https", one?.https && httpsText(one.https), other?.https && httpsText(other.https)),
    ...maps("apt", sourceFacts(one), sourceFacts(other)),
    ...lists("answers", one?.apt?.answers ?? [], other?.apt?.answers ?? []),
    ...lists("sites", one?.sites ?? [], other?.sites ?? []),
    ...maps("route", routes(one), routes(other)),
  ];
}

const memoryText = (node?: NodePlan) => (node?.memoryBytes === undefined ? undefined : sizeText(node.memoryBytes));

/** The end of a key is enough to tell it from others, unless somebody has searched for one that ends alike. */
function machineDetails(one: NodePlan | undefined, other: NodePlan | undefined): Detail[] {
  const told = changed("machine", one && tellMachine(one.machine), other && tellMachine(other.machine));
  if (told.length > 0 || one === undefined || other === undefined) return told;
  return changed("machine", identity(one), identity(other));
}

function sourceFacts(node: NodePlan | undefined): object {
  return Object.fromEntries((node?.apt?.sources ?? []).map((source) => [source.name, sourceText(source)]));
}

/** What tells one machine from another: a machine that the project makes is made anew with another kind or system. */
const identity = ({ machine }: NodePlan): string => (machine.kind === "host" ? machine.hostKey : machine.kind);

/** How a node's sites find another machine, or this one elsewhere; undefined when they don't. */
function movedText(one: NodePlan, other: NodePlan): string | undefined {
  if (identity(one) !== identity(other) || (isMade(other.machine) && one.os !== other.os)) return `${one.name} is replaced`;
  return bytesOf(one.machine) === bytesOf(other.machine) ? undefined : `${one.name} moves`;
}

function sshWhys(one: Plan | undefined, other: Plan): string[] {
  if (one === undefined || bytesOf(one.ssh) === bytesOf(other.ssh)) return [];
  const told = maps("ssh", one.ssh, other.ssh).map(({ name = "", from = "none", to = "none" }) => `${name} ${from} → ${to}`);
  return [`nodes are reached another way: ssh ${told.join(", ")}`];
}

function blank(subject: Change["subject"], name: string, runs: string[]): Change {
  return { subject, name, kind: "changed", notes: [], details: [], why: [], data: [], runs };
}

/** Pairs that have the same name on both sides, by name. */
function pairs<T extends { name: string }>(before: readonly T[], after: readonly T[]): [T | undefined, T | undefined][] {
  const [old, now] = [before, after].map((all) => new Map(all.map((each) => [each.name, each])));
  const names = new Set([...before, ...after].map(({ name }) => name));
  return [...names].sort().map((name) => [old?.get(name), now?.get(name)]);
}

function byName(changes: Change[]): Change[] {
  return changes.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}
