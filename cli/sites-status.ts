import { Failure } from "../components/rollout/failure.ts";
import { ownOf } from "../components/text/value.ts";
import { declaredBy, withAgent, type DeclaredNode } from "./nodes.ts";
import { statusOf, type NodeReport, type SiteStatus } from "./site-status.ts";

/** Every site of an environment on each of its nodes, and what serves there undeclared: all nodes are asked at once. */
export async function statusOfSites(environment: string | undefined): Promise<SiteStatus[]> {
  const { reach, sites } = declaredBy(environment);
  const answers = await Promise.all(
    Object.values(reach).map(async (node) => ({ node: node.name, found: await report(node).catch(asFailure) })),
  );
  const declared = Object.entries(sites).flatMap(([site, { declared: release, nodes, worksOn }]) =>
    nodes.map((name) => {
      const found = answers.find(({ node }) => node === name)?.found;
      return statusOf(site, release ?? null, name, found, worksOn === name);
    }),
  );
  const strays = answers.flatMap(({ node, found }) => {
    if (found instanceof Failure) return [];
    const others = found.sites.filter((state) => state.live !== null && ownOf(sites, state.site)?.nodes.includes(node) !== true);
    return others.map((state): SiteStatus => ({ ...statusOf(state.site, null, node, found), state: "not declared" }));
  });
  return [...declared, ...strays];
}

function report(node: DeclaredNode): Promise<NodeReport> {
  return withAgent(node, async (session, { claim }) => {
    const { sites } = await session.ask("status", { site: null });
    const verified = await session.ask("verify", { site: null }).catch((error: unknown) => {
      const { details } = asFailure(error);
      // An agent that does not know the verb is told as what it is, and what it does know counts.
      const old = details.code === "usage" ? `the agent of ${node.name} is older than this checkout: run silver up` : undefined;
      return { problems: [old ?? details.message], sites: [] };
    });
    const isLost = claim !== undefined && node.owner !== undefined && claim.id !== node.owner;
    const lost = isLost ? [`${node.name} is another environment's: ${claim.name}, whose state is in ${claim.backend}`] : [];
    return { sites, verified: { ...verified, problems: [...lost, ...verified.problems] } };
  });
}

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  throw error;
}
