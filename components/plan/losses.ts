import type { Plan } from "./plan.ts";
import type { SetUp } from "../services/service.ts";
import { bundleOf } from "./release-id.ts";
import { externalType, parseExternalSummary } from "../services/external.ts";
import { deletes, keepsData, serviceType, serviceTypeOf, servicesWithData, summary } from "../services/registry.ts";

/** What decides whether sites find their data again: of a plan, or of what was deployed last. */
export interface Standing {
  sites: readonly PlacedSite[];
  machines: readonly PlacedMachine[];
}

interface PlacedSite {
  name: string;
  nodes: readonly string[];
  /** What keeps its data. */
  services: readonly PlacedService[];
  /** Those that somebody else runs, of types that keep data. */
  external: readonly ExternalService[];
  version?: string;
  /** Id of its bundle. */
  bundle: string;
}

/** Under one name another type begins empty. */
interface PlacedService {
  name: string;
  type: string;
  /** As a reviewer reads it: `redis 64M noeviction on disk`. */
  summary: string;
}

type NamedService = Pick<PlacedService, "name" | "type">;

/** Absent place: only a secret says it. */
interface ExternalService extends NamedService {
  place?: string;
}

/** The machine of a node. */
interface PlacedMachine {
  node: string;
  os: string;
  /** Absent, as its host key, for a machine that the project makes. */
  address?: string;
  hostKey?: string;
}

/** What a change would lose. */
export interface Loss {
  /** Whose loss it is: a site's, or in a protected environment the node's that goes. */
  subject: "site" | "node";
  name: string;
  /** Services of the site that would start empty, or be gone. */
  data: string[];
  /** What changes, and what comes of it: one sentence. */
  message: string;
  /** What to do instead: then the change is refused. Absent where a person may accept it. */
  refused?: string;
}

/** The standing of a plan, without its broken sites. */
export function standingOf({ sites, nodes }: Plan): Standing {
  return {
    sites: sites.map(({ name, nodes: placed, services, version, bundle }) => ({
      name,
      nodes: placed,
      services: servicesWithData(services).map(asPlaced),
      external: externalOf(services),
      ...(version === undefined ? {} : { version }),
      bundle: bundle.id,
    })),
    machines: nodes.map(({ name, os, machine }) => ({
      node: name,
      os,
      ...(machine.kind === "host" ? { address: machine.host, hostKey: machine.hostKey } : {}),
    })),
  };
}

/**
 * The standing that the commands of a stack tell.
 * @param commands their names, and the plain variables that a reviewer sees
 */
export function standingOfCommands(commands: readonly { name: string; variables: Record<string, string> }[]): Standing {
  const own = (suffix: string) =>
    commands.flatMap(({ name, variables }) =>
      name.endsWith(suffix) ? [{ name: name.slice(0, -suffix.length), variables }] : [],
    );
  return {
    sites: own("-rollout").map(({ name, variables: { nodes = "", release = "", version, ...variables } }) => ({
      name,
      nodes: nodes.split(" ").filter((node) => node !== ""),
      services: servicesIn(variables),
      external: externalIn(variables),
      ...(version === undefined ? {} : { version }),
      bundle: bundleOf(release),
    })),
    machines: own("-machine").map(({ name, variables: { os = "", address, hostKey } }) => ({
      node: name,
      os,
      ...(address === undefined || hostKey === undefined ? {} : { address, hostKey }),
    })),
  };
}

/** A service as the standing of its site has it. */
const asPlaced = (setUp: SetUp): PlacedService => ({ name: setUp.name, type: setUp.type, summary: summary(setUp) });

/** The services with data that a command tells: `service_db: postgres 2048M`. */
export function servicesIn(variables: Readonly<Record<string, string>>): PlacedService[] {
  return Object.entries(variables).flatMap(([variable, text]) => {
    const name = /^service_(.+)$/.exec(variable)?.[1];
    return name === undefined || !keepsData(text) ? [] : [{ name, type: text.split(" ")[0] ?? "", summary: text }];
  });
}

/** The external services that a command tells. */
function externalIn(variables: Readonly<Record<string, string>>): ExternalService[] {
  return Object.entries(variables).flatMap(([variable, text]) => {
    const name = /^service_(.+)$/.exec(variable)?.[1];
    const found = parseExternalSummary(text);
    return name === undefined || found === undefined || !isForData(found.type) ? [] : [{ name, ...found }];
  });
}

function externalOf(services: readonly SetUp[] = []): ExternalService[] {
  const told = services.filter(({ type }) => type === externalType).map((setUp) => [`service_${setUp.name}`, summary(setUp)]);
  return externalIn(Object.fromEntries(told) as Record<string, string>);
}

/** Whether a type keeps data whatever its options are. */
const isForData = (type: string): boolean => serviceTypeOf(type) !== undefined && serviceType(type).keepsData === true;

/** Services that are there no more, or only as another type of the same name. */
export function droppedFrom<T extends Pick<PlacedService, "name" | "type">>(before: readonly T[], after: readonly T[]): T[] {
  return before.filter(({ name, type }) => !after.some((other) => other.name === name && other.type === type));
}

interface Circumstances {
  /** Whether the environment is `protected`. */
  isProtected: boolean;
  /** Names of broken sites, which stay as they are. */
  broken: readonly string[];
}

/**
 * What sites would lose that could not be planned before: of their data git says nothing, so they count as having had some. Nobody is
 * refused for that: what is deployed decides.
 */
export function judgeUnknown(before: Plan, after: Plan): Loss[] {
  const now = standingOf(after);
  const gone = before.broken.filter(({ name }) => !after.broken.some((site) => site.name === name));
  return gone.flatMap(({ name, nodes }): Loss[] => {
    const site = now.sites.find((other) => other.name === name);
    if (site === undefined) {
      const message = `${name} was broken before: which data it leaves behind, only what is deployed tells`;
      return [{ subject: "site", name, data: ["unknown"], message }];
    }
    const assumed = { sites: [{ ...site, nodes }], machines: standingOf(before).machines };
    const losses = lossesOfSites(assumed, now, { isProtected: false, broken: [] });
    return losses.map(({ message, data }) => {
      return { subject: "site", name, data, message: `${name} was broken before. If it has data: ${message}` };
    });
  });
}

/** What sites and, in a protected environment, nodes would lose: in the order of their names before. Pure. */
export function judgeLosses(before: Standing, after: Standing, circumstances: Circumstances): Loss[] {
  const gone = before.machines.filter(({ node }) => !after.machines.some((machine) => machine.node === node));
  const ofNodes = (circumstances.isProtected ? gone : []).map(({ node }): Loss => {
    const message = `${node} goes, and a protected environment keeps its nodes`;
    return { subject: "node", name: node, data: [], message, refused: unprotect };
  });
  return [...ofNodes, ...lossesOfSites(before, after, circumstances)];
}

function lossesOfSites(before: Standing, after: Standing, { isProtected, broken }: Circumstances): Loss[] {
  return before.sites.flatMap((site): Loss[] => {
    const { name, services } = site;
    const now = after.sites.find((other) => other.name === name);
    if (now === undefined) {
      if (!isProtected || services.length === 0 || broken.includes(name)) return [];
      const data = services.map((service) => service.name);
      const message = `${name} has data (${data.join(", ")}), and a protected environment keeps it`;
      return [{ subject: "site", name, data, message, refused: unprotect }];
    }
    const dropped = droppedFrom(services, now.services);
    const kept = services.filter((service) => !dropped.includes(service)).map((service) => service.name);
    return [
      ...movedAway(site, now),
      ...(kept.length === 0 ? [] : [...moves(site, now, kept), ...otherMachines(before, after, now, kept, isProtected)]),
      ...deletedData(name, services, now.services, isProtected),
      ...(isProtected ? [...droppedServices(name, dropped), ...otherBytes(site, now)] : []),
    ];
  });
}

const unprotect = "take protected out of the environment first, in a change of its own";
const lost = "that data is gone for good";
/** Without its rollout in the state, nothing is known of what the site had. */
const anyway = (site: string, when: string) => `if ${when}: pulumi state delete the rollout of ${site}`;

function moves({ name, nodes }: PlacedSite, now: PlacedSite, kept: string[]): Loss[] {
  const to = now.nodes.filter((node) => !nodes.includes(node));
  if (to.length === 0) return [];
  const from = nodes.join(", ");
  const message = `${kept.join(", ")} of ${name} would start empty on ${to.join(", ")}: the data stays on ${from}, and moving it is not built yet`;
  return [{ subject: "site", name, data: kept, message, refused: `keep ${name} on ${from}; ${anyway(name, lost)}` }];
}

/** What a service would no longer have that is somewhere else now: nothing is copied, and nothing is deleted. */
function movedAway({ name: site, nodes, services, external }: PlacedSite, now: PlacedSite): Loss[] {
  const loss = (service: string, message: string): Loss => ({ subject: "site", name: site, data: [service], message });
  const same = <T extends NamedService>(all: readonly T[], { name, type }: NamedService): T | undefined =>
    all.find((other) => other.name === name && other.type === type);
  const out = services.flatMap((service): Loss[] => {
    const to = same(now.external, service);
    if (to === undefined) return [];
    const at = to.place ?? "the place that its secret says";
    return [
      loss(service.name, `${service.name} of ${site} is ${at} now: what it has stays on ${nodes.join(", ")}, and is not copied`),
    ];
  });
  const from = external.flatMap((service): Loss[] => {
    const at = service.place ?? "the place that its secret said";
    const back = same(now.services, service);
    if (back !== undefined) {
      const message = `${service.name} of ${site} is on ${now.nodes.join(", ")} now: what it has at ${at} is not copied`;
      return [loss(service.name, message)];
    }
    const to = same(now.external, service);
    if (to?.place === undefined || service.place === undefined || to.place === service.place) return [];
    return [loss(service.name, `${service.name} of ${site} is ${to.place} now: what it has at ${at} is not copied`)];
  });
  return [...out, ...from];
}

/** The node keeps its name, and what is on its machine does not come along. */
function otherMachines(before: Standing, after: Standing, site: PlacedSite, kept: string[], isProtected: boolean): Loss[] {
  return site.nodes.flatMap((node): Loss[] => {
    const [one, other] = [before, after].map(({ machines }) => machines.find((machine) => machine.node === node));
    if (one === undefined || other === undefined) return [];
    const loss = { subject: "site", name: site.name, data: kept } as const;
    const said = (change: string) => `${node} ${change}: ${kept.join(", ")} of ${site.name} would start empty there`;
    const refusedUnless = (what: string) => `keep ${node} as it is; ${anyway(site.name, what)}`;
    const refused = refusedUnless(lost);
    if ((one.hostKey === undefined) !== (other.hostKey === undefined))
      return [{ ...loss, message: said("is another machine"), refused }];
    if (one.hostKey !== other.hostKey) return [{ ...loss, message: said("is another machine by its host key"), refused }];
    if (one.os !== other.os) {
      const message = said(`changes from ${one.os} to ${other.os}`);
      if (one.hostKey !== undefined) return [{ ...loss, message, refused }];
      // The project makes it anew: REPLACED says so, and a person may want just that.
      return [{ ...loss, message, ...(isProtected ? { refused: unprotect } : {}) }];
    }
    if (one.address === other.address) return [];
    // A clone has the key of its original: a person must say that it is the same machine.
    return [{ ...loss, message: said("is another machine by its address"), refused: refusedUnless("it is the same machine") }];
  });
}

/** Of what a service keeps under its name. */
function deletedData(
  site: string,
  before: readonly PlacedService[],
  after: readonly PlacedService[],
  isProtected: boolean,
): Loss[] {
  return before.flatMap((service): Loss[] => {
    const now = after.find(({ name, type }) => name === service.name && type === service.type);
    const deleted = now && deletes(service.summary, now.summary);
    if (deleted === undefined) return [];
    const message = `${service.name} of ${site} may delete data: ${deleted}`;
    return [{ subject: "site", name: site, data: [service.name], message, ...(isProtected ? { refused: unprotect } : {}) }];
  });
}

function droppedServices(site: string, dropped: readonly PlacedService[]): Loss[] {
  if (dropped.length === 0) return [];
  const which = dropped.map(({ name, type }) => (name === type ? name : `${name} (${type})`)).join(", ");
  const message = `${site} no longer has ${which}, and a protected environment keeps the data`;
  return [{ subject: "site", name: site, data: dropped.map(({ name }) => name), message, refused: unprotect }];
}

function otherBytes({ name, version, bundle }: PlacedSite, now: PlacedSite): Loss[] {
  if (version === undefined || version !== now.version || bundle === now.bundle) return [];
  const message = `${name} ${version} has other bytes than before (${bundle}, now ${now.bundle}), and a protected environment has one bundle a version`;
  return [{ subject: "site", name, data: [], message, refused: `raise the version of ${name}` }];
}
