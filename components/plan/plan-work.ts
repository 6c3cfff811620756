import type { Manifest } from "../manifest/manifest.ts";
import { jobRunsAtOnce } from "../platforms/capacity.ts";
import type { JobPlan, SiteWork } from "./plan.ts";

/** Where a time of a job is meant when the site's config says nothing. */
export const utc = "UTC";

/**
 * What works beside the requests of a site; undefined when the app declares nothing.
 * @param nodes of the site, sorted
 * @param memoryBytes of what declares none
 * @param config of the site: its TZ is the zone of its jobs
 */
export function planWork(
  { workers = {}, cron = {} }: Manifest,
  nodes: readonly string[],
  memoryBytes: number,
  config: Readonly<Record<string, string>>,
): SiteWork | undefined {
  const [on] = nodes;
  const plannedWorkers = sorted(workers).map(([name, { run, count, stopSeconds, memoryBytes: own = memoryBytes }]) => ({
    name,
    run,
    count,
    stopSeconds,
    memoryBytes: own,
  }));
  const zone = config.TZ ?? utc;
  const jobs = sorted(cron).map(([name, { at, run, overlap, timeoutSeconds, memoryBytes: own = memoryBytes }]) => ({
    name,
    at,
    zone,
    run,
    overlap,
    timeoutSeconds,
    memoryBytes: own,
  }));
  if (on === undefined || plannedWorkers.length + jobs.length === 0) return undefined;
  return { on, workers: plannedWorkers, jobs };
}

const sorted = <T>(map: Record<string, T>): [string, T][] => Object.entries(map).sort(([one], [other]) => (one < other ? -1 : 1));

/** Runs of a job at once. */
const runsOf = ({ overlap }: JobPlan): number => (overlap === "allow" ? jobRunsAtOnce : 1);

/** Programs that may work for a site at once, besides its requests. */
export function programsOf({ workers, jobs }: SiteWork): number {
  return sum(workers.map(({ count }) => count)) + sum(jobs.map(runsOf));
}

/** The memory that they may take together, in bytes. */
export function workBytes({ workers, jobs }: SiteWork): number {
  return (
    sum(workers.map(({ count, memoryBytes }) => count * memoryBytes)) + sum(jobs.map((job) => runsOf(job) * job.memoryBytes))
  );
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Where tzdata has its zones; names outside, such as `CET`, are legacy, and newer systems lack them. */
const area = /^(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific)\/[A-Za-z0-9/_+-]+$/;

/** Whether systemd knows it as the zone of a time, on every system. Other forms of TZ are the C library's alone. */
export function isZone(tz: string): boolean {
  if (tz === utc) return true;
  if (!area.test(tz)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: tz });
    return true;
  } catch {
    return false;
  }
}
