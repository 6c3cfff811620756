import type { SiteState } from "../components/node/contract.ts";
import { Failure } from "../components/rollout/failure.ts";

/** A site on one node: what is declared, and what the node reports. */
export interface SiteStatus {
  site: string;
  node: string;
  declared: string | null;
  live: string | null;
  previous: string | null;
  /** Who is rolling out right now. */
  holder: string | null;
  services: SiteState["services"];
  /** `ok`, or what differs from the declaration. */
  state: string;
}

/** A node's report about a site, beside what is declared. */
export function statusOf(
  site: string,
  declared: string | null,
  node: string,
  found: { sites: SiteState[] } | Failure | undefined,
): SiteStatus {
  const unknown = { site, node, declared, live: null, previous: null, holder: null, services: [] };
  if (found === undefined) return { ...unknown, state: "the environment has no such node" };
  if (found instanceof Failure) return { ...unknown, state: `unknown: ${found.details.message}` };
  const state = found.sites.find((candidate) => candidate.site === site);
  const wanted = declared === null ? "broken when it was last declared" : `declared ${declared}`;
  if (state === undefined) return { ...unknown, state: `serves nothing, ${wanted}` };
  const { live, previous } = state;
  const holder =
    state.holder === null ? null : `${state.holder.who} has been rolling out ${state.holder.release} since ${state.holder.since}`;
  const { services } = state;
  const units = state.releases.find(({ id }) => id === live)?.units ?? [];
  const wrong = [
    ...(declared !== null && live === declared ? [] : [wanted]),
    ...units.filter(({ active }) => !active).map(({ name }) => `${name} does not run`),
    ...services.flatMap(({ name, problem }) => (problem === null ? [] : [`${name} is ${problem}`])),
  ];
  return { site, node, declared, live, previous, holder, services, state: holder ?? (wrong.join("; ") || "ok") };
}
