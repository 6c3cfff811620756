import { isMap, ownOf } from "../text/value.ts";
import { error, type Issue, type Place } from "../text/issue.ts";
import { partsOf } from "../text/schema/judge.ts";
import { sizeText } from "../text/size-text.ts";
import type { Source } from "../text/source.ts";
import { suggest } from "../text/suggest.ts";
import { distributionHosts } from "../systems/distribution.ts";
import { checkProxies } from "./check-proxies.ts";
import { judgeMachine } from "./kinds/registry.ts";
import { nodeSchema, siteSchema, type EnvironmentTree } from "./schema.ts";

type NodeTree = EnvironmentTree["nodes"][string];
type AptTree = EnvironmentTree["apt"]["sources"][string];
type SiteTree = Partial<EnvironmentTree["sites"][string]>;

/** The nodes by name; an invalid one is undefined. */
type Nodes = Map<string, NodeTree | undefined>;

/** Checks across the fields of an environment; `parts` has the keys that are valid on their own. */
export function checkEnvironment(source: Source, parts: Partial<EnvironmentTree>): Issue[] {
  const tree = isMap(source.tree) ? source.tree : {};
  // If one entry of a map is invalid, the map is not among the parts, so judge each entry separately.
  const nodes: Nodes = mapEntries(tree.nodes, (name, node) => ownOf(parts.nodes, name) ?? nodeSchema.safeParse(node).data);
  const sites = mapEntries(tree.sites, (name, site): SiteTree => ownOf(parts.sites, name) ?? partsOf(siteSchema, site));
  const ofNodes = [
    ...[...nodes].flatMap(([name, node]) => (node === undefined ? [] : checkNode(name, node, source))),
    ...checkOwnMachines(nodes, source),
    ...(parts.https === undefined ? [] : checkHttps(nodes, source)),
  ];
  const ofSites = [...sites].flatMap(([name, site]) => [
    ...checkNodesOf(name, site, nodes, source),
    ...checkLimits(name, site, parts.limits ?? {}, source),
  ]);
  const apt = parts.apt?.sources ?? {};
  const ofSources = Object.entries(apt).flatMap(([name, each]) => checkSource(name, each, nodes, source));
  const allowed = (parts.apt?.debs ?? []).flatMap((name, index) => {
    if (sites.has(name)) return [];
    const meant = suggest(name, [...sites.keys()]);
    const fix = meant === undefined ? "delete it" : `did you mean ${meant}?`;
    const place = source.placeOf(["apt", "debs", index], "value");
    return [error("unknown-site", place, `apt.debs names ${name}, which is not a site of this environment`, fix)];
  });
  return [...ofNodes, ...ofSites, ...ofSources, ...allowed, ...checkProxies(parts.trust_proxies ?? [], nodes, source)];
}

/** A pin goes by host: one of the distribution's own would hold back all of its packages. */
function checkSource(name: string, { uri, suites, components, nodes: on }: AptTree, nodes: Nodes, source: Source): Issue[] {
  const at = (key: string) => source.placeOf(["apt", "sources", name, key], "value");
  const host = new URL(uri).hostname;
  const own = distributionHosts.find((known) => host === known || host.endsWith(`.${known}`));
  const flat = suites.includes("/");
  return [
    ...(own === undefined
      ? []
      : [
          error(
            "apt-source",
            at("uri"),
            `the source ${name} is at ${host}, which is the distribution's own archive`,
            "leave it out: packages of a suite such as backports are not built yet",
          ),
        ]),
    ...(flat === components.length > 0 || (flat && suites.length > 1)
      ? [
          error(
            "apt-source",
            at("suites"),
            `the source ${name} has ${flat ? "the suite /, and components or other suites" : "suites and no components"}`,
            flat ? "leave out the rest, or write its suites in place of /" : "add components, such as [main]",
          ),
        ]
      : []),
    ...(on ?? []).flatMap((node, index) =>
      nodes.has(node)
        ? []
        : [
            unknownNode(
              source.placeOf(["apt", "sources", name, "nodes", index], "value"),
              `the source ${name} is for ${node}`,
              node,
              nodes,
            ),
          ],
    ),
  ];
}

function mapEntries<T>(map: unknown, make: (name: string, value: unknown) => T): Map<string, T> {
  return new Map(Object.entries(isMap(map) ? map : {}).map(([name, value]) => [name, make(name, value)]));
}

/** A node is a machine of one kind. */
function checkNode(name: string, node: NodeTree, source: Source): Issue[] {
  const wrong = judgeMachine(node);
  if (wrong === undefined) return [];
  const place = source.placeOf(["nodes", name, wrong.key], "key");
  return [error("node-machine", place, `node ${name} ${wrong.message}`, wrong.fix)];
}

/** The checkout's own authority is for machines that nobody but its developer visits. */
function checkHttps(nodes: Nodes, source: Source): Issue[] {
  const first = [...nodes].find(([, node]) => node !== undefined && !node.local && node.roles.includes("web"));
  if (first === undefined) return [];
  const place = source.placeOf(["https", "authority"], "value");
  const message = `certificates of a public authority are not built yet, and node ${first[0]} is not local`;
  return [error("not-yet", place, message, "delete https, have a proxy in front speak it, and name that under trust_proxies")];
}

/** One machine is one node: two would overwrite each other's state there. Clones with one key can't be told apart. */
function checkOwnMachines(nodes: Nodes, source: Source): Issue[] {
  const known = [...nodes].flatMap(([name, node]) => (node?.host === undefined ? [] : [{ name, node }]));
  return known.flatMap(({ name, node }, index) => {
    const before = known.slice(0, index).map((other) => ({ ...other, host: other.node.host?.toLowerCase() }));
    const said = (key: string, message: string, fix: string) => [
      error("shared-machine", source.placeOf(["nodes", name, key], "value"), `node ${name} ${message}`, fix),
    ];
    const sameKey = before.find((other) => node.hostKey !== undefined && other.node.hostKey === node.hostKey);
    if (sameKey !== undefined)
      return said(
        "hostKey",
        `has the host key of ${sameKey.name}`,
        "name a machine once; on a clone make new keys: rm /etc/ssh/ssh_host_* && ssh-keygen -A",
      );
    const sameHost = before.find((other) => other.host === node.host?.toLowerCase() && other.node.port === node.port);
    return sameHost === undefined ? [] : said("host", `has the address of ${sameHost.name}`, "name a machine once");
  });
}

/** A site's nodes must exist and have the role it needs. */
function checkNodesOf(name: string, site: SiteTree, nodes: Nodes, source: Source): Issue[] {
  const web = (site.nodes ?? []).flatMap((node, index) => {
    const place = source.placeOf(["sites", name, "nodes", index], "value");
    const what = `site ${name} runs on ${node}`;
    if (!nodes.has(node)) return [unknownNode(place, what, node, nodes)];
    // A service may share the node of a site; a site needs the role web.
    const roles = nodes.get(node)?.roles;
    if (roles === undefined || roles.includes("web")) return [];
    const able = [...nodes].filter(([, other]) => other?.roles.includes("web")).map(([other]) => other);
    const fix = able.length > 0 ? `nodes with that role: ${able.join(", ")}` : `add web to the roles of ${node}`;
    return [error("node-role", place, `${what}, which does not have the role web`, fix)];
  });
  const services = Object.entries(site.services ?? {}).flatMap(([service, node]) => {
    if (typeof node === "object") return [];
    const place = source.placeOf(["sites", name, "services", service], "value");
    return nodes.has(node) ? [] : [unknownNode(place, `service ${service} of site ${name} runs on ${node}`, node, nodes)];
  });
  return [...web, ...services];
}

function unknownNode(place: Place, what: string, node: string, nodes: Nodes): Issue {
  const known = [...nodes.keys()];
  const meant = suggest(node, known);
  const names = known.length > 0 ? `the nodes are ${known.join(", ")}` : "declare it under nodes";
  return error(
    "unknown-node",
    place,
    `${what}, which is not a node of this environment`,
    meant === undefined ? names : `did you mean ${meant}?`,
  );
}

/** No site may get more than the environment allows. */
function checkLimits(name: string, site: SiteTree, limits: EnvironmentTree["limits"], source: Source): Issue[] {
  return (["processes", "memory", "body"] as const).flatMap((key) => {
    const own = site.limits?.[key];
    const most = limits[key];
    if (own === undefined || most === undefined || own <= most) return [];
    const place = source.placeOf(["sites", name, "limits", key], "value");
    const shown = key === "processes" ? String(most) : sizeText(most);
    const more = key === "body" ? "takes larger bodies" : `has more ${key}`;
    const message = `site ${name} ${more} than this environment allows (${shown})`;
    return [error("limit", place, message, `write ${shown} or less, or raise limits.${key}`)];
  });
}
