import type { Environment } from "../environment/environment.ts";
import { error, type Issue } from "../text/issue.ts";
import { waitingRequests } from "../platforms/capacity.ts";
import { compareLocations, locationText } from "./location.ts";
import type { NodePlan, SitePlan } from "./plan.ts";
import { workBytes } from "./plan-work.ts";
import { serviceType, servicesOnNode } from "../services/registry.ts";
import { sizeText } from "../text/size-text.ts";

/** Conflicts between the sites of a node. */
export function judgeNodes(environment: Environment, nodes: NodePlan[], sites: SitePlan[]): Issue[] {
  const shared = nodes.flatMap((node) => judgeLocations(environment, node));
  return [
    // Report the same two sites on ten nodes once.
    ...new Map(shared.map((issue) => [issue.message, issue])).values(),
    ...nodes.flatMap((node) => {
      const here = sites.filter((site) => node.sites.includes(site.name));
      return [...judgeWaiting(environment, node, here), ...judgeMemory(environment, node, here)];
    }),
  ];
}

/** Each request must match exactly one site. */
function judgeLocations(environment: Environment, { routes }: NodePlan): Issue[] {
  return routes.flatMap((route, index) => {
    const before = routes[index - 1];
    const site = environment.sites[route.site];
    if (before === undefined || compareLocations(before, route) !== 0) return [];
    const place = site?.origins.locations ?? { file: environment.file, ...site?.place };
    const message = `sites ${before.site} and ${route.site} are both at ${locationText(route)}`;
    return [error("shared-location", place, message, "give one of them another host, path or node")];
  });
}

/**
 * Requests that may wait for apps at once. Each takes two of Varnish's threads, and with 4 GB of memory a node has some 12,000
 * (`render/node-units.ts`): the others stay free, so that Varnish can always answer from its cache.
 */
const mostWaiting = 5000;

function judgeWaiting(environment: Environment, node: NodePlan, sites: SitePlan[]): Issue[] {
  const sum = (of: SitePlan[]) => of.reduce((total, site) => total + waitingRequests(site.processes), 0);
  const waiting = sum(sites);
  if (waiting <= mostWaiting) return [];
  const message = `the sites of node ${node.name} may keep ${waiting} requests waiting at once, more than the ${mostWaiting} that Varnish has room for`;
  const least = waitingRequests({ count: 0, threads: 1 });
  const large = sites.some((site) => waitingRequests(site.processes) > least);
  const fix = large
    ? "lower limits.processes of its sites, or place some elsewhere"
    : `place some elsewhere: each has the least there is, ${least}`;
  return [error("full-node", placeOf(environment, node), message, fix)];
}

function judgeMemory(environment: Environment, node: NodePlan, sites: SitePlan[]): Issue[] {
  const most = node.memoryBytes;
  const sum = sites.reduce((total, site) => total + memoryOf(site, node.name), 0);
  if (most === undefined || sum <= most) return [];
  const message = `the sites of node ${node.name} may take ${sizeText(sum)} of memory together, more than the ${sizeText(most)} that it has for them`;
  return [error("full-node", placeOf(environment, node), message, "lower the limits of its sites, or place some elsewhere")];
}

/** What a site's processes may take on a node, its services that are held in memory, and its workers and jobs where they run. */
function memoryOf({ processes, services, work }: SitePlan, node: string): number {
  const ofServices = servicesOnNode(services).map(({ type, options }) => serviceType(type).memory?.(options) ?? 0);
  const ofWork = work?.on === node ? workBytes(work) : 0;
  return [...ofServices, ofWork].reduce((total, bytes) => total + bytes, processes.count * processes.memoryBytes);
}

function placeOf(environment: Environment, node: NodePlan) {
  return { file: environment.file, ...environment.nodes[node.name]?.place };
}
