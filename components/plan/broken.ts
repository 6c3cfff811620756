import type { BrokenSite, Plan } from "./plan.ts";

/** What happens to a broken site and its nodes, shown below its issues. */
export function whatStays({ nodes }: Plan, { name, nodes: own, routes }: BrokenSite): string {
  const stays = `site ${name} stays as it is until that is fixed; the others are deployed`;
  if (routes.length > 0) return stays;
  const kept = nodes.filter((node) => node.kept === true && own.includes(node.name)).map((node) => node.name);
  const why = `only its manifest says where it is; locations in the environment would help`;
  return `${stays}. No other site can be added or moved on ${kept.join(", ")} meanwhile, since ${why}`;
}
