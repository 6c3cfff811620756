import type { Detail } from "./changes-site.ts";
import { covers, locationText } from "./location.ts";
import type { NodePlan } from "./plan.ts";

/**
 * Locations that a site gets at the cost of others, which stay: part of their requests, with the cookies of their host, goes to it.
 * For the others nothing runs. Pure.
 */
export function takenLocations(site: string, before: readonly NodePlan[], after: readonly NodePlan[]): Detail[] {
  const found = after.flatMap(({ name, routes, sites }) => {
    const known = before.find((node) => node.name === name)?.routes ?? [];
    return routes
      .filter((route) => route.site === site)
      .flatMap((route): Detail[] => {
        // The most specific comes first: it is whose the requests were.
        const owner = known.find((other) => covers(other, route))?.site;
        if (owner === undefined || owner === site || !sites.includes(owner)) return [];
        return [{ about: "takes", name: locationText(route), to: `from ${owner}` }];
      });
  });
  return [...new Map(found.map((detail) => [JSON.stringify(detail), detail])).values()];
}
