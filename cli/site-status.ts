import type { Result, SiteState } from "../components/node/contract.ts";
import { failingJobs } from "./jobs-status.ts";
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
  /** What runs at its time, on the node that runs it. */
  jobs: NonNullable<SiteState["jobs"]>;
  /** `ok`, or what differs from the declaration. */
  state: string;
}

/** A node's report: what its records say, and, where it was asked, what is wrong with what serves. */
export interface NodeReport {
  sites: SiteState[];
  verified?: Result<"verify">;
}

/**
 * A node's report about a site, beside what is declared.
 * @param works whether the site's workers and jobs are declared to run there
 */
export function statusOf(
  site: string,
  declared: string | null,
  node: string,
  found: NodeReport | Failure | undefined,
  works = false,
): SiteStatus {
  const unknown = { site, node, declared, live: null, previous: null, holder: null, services: [], jobs: [] };
  if (found === undefined) return { ...unknown, state: "the environment has no such node" };
  if (found instanceof Failure) return { ...unknown, state: `unknown: ${found.details.message}` };
  const state = found.sites.find((candidate) => candidate.site === site);
  const wanted = declared === null ? "broken when it was last declared" : `declared ${declared}`;
  if (state === undefined) return { ...unknown, state: `serves nothing, ${wanted}` };
  const { live, previous } = state;
  const holder =
    state.holder === null ? null : `${state.holder.who} has been rolling out ${state.holder.release} since ${state.holder.since}`;
  const { services, jobs = [] } = state;
  const units = state.releases.find(({ id }) => id === live)?.units ?? [];
  const stopped = units.flatMap(({ name, active, problem }) => problem ?? (active ? [] : `${name} does not run`));
  const failing = services.flatMap(({ name, problem }) => (problem === null ? [] : [`${name} is ${problem}`]));
  const { problems = [], sites = [] } = found.verified ?? {};
  const seen = sites.filter((one) => one.site === site).flatMap((one) => one.problems);
  const causes = [...stopped, ...failing, ...problems];
  // No cause of a wrong answer.
  const ofJobs = failingJobs(jobs);
  const wrong = [
    ...(declared !== null && live === declared ? [] : [wanted]),
    ...causes,
    // What visitors get is a consequence then.
    ...seen.filter((problem) => causes.length === 0 || !problem.startsWith("http://")),
    ...ofJobs,
    // A rollout that was killed after they ended on one node, and before they began on the other.
    ...(works && state.works === false && live === declared ? ["its workers and jobs do not run here: run silver up"] : []),
  ];
  return { site, node, declared, live, previous, holder, services, jobs, state: holder ?? (wrong.join("; ") || "ok") };
}

/** What is wrong first, otherwise in their order. */
export function redFirst(rows: readonly SiteStatus[]): SiteStatus[] {
  return [...rows.filter(({ state }) => state !== "ok"), ...rows.filter(({ state }) => state === "ok")];
}

/**
 * The state of each row for a table: what all sites of a node have in common is told with the first of them.
 * @param rows in the order in which they are shown
 */
export function statesOnce(rows: readonly SiteStatus[]): string[] {
  const first = new Map<string, string>();
  return rows.map(({ site, node, state }) => {
    const parts = state.split("; ").map((part) => {
      const known = first.get(`${node} ${part}`);
      first.set(`${node} ${part}`, known ?? site);
      return part === "ok" || known === undefined || known === site ? part : `as ${known}`;
    });
    return [...new Set(parts)].join("; ");
  });
}
