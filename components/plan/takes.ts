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
        const owner = known.find((other) => covers(other, route));
        // A site of every host answers what nobody names, until somebody does.
        if (owner === undefined || owner.host === "*" || owner.site === site || !sites.includes(owner.site)) return [];
        return [{ about: "takes", name: locationText(route), to: `from ${owner.site}` }];
      });
  });
  return [...new Map(found.map((detail) => [JSON.stringify(detail), detail])).values()];
}
