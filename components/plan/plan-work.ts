import type { Manifest } from "../manifest/manifest.ts";
import type { SiteWork } from "./plan.ts";

/** Where a time of a job is meant when the site's config says nothing that systemd knows. */
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
  const zone = zoneOf(config.TZ);
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

/** A zone by its name, such as `Europe/Berlin`: other forms of TZ are the C library's alone. */
function zoneOf(tz = utc): string {
  if (!/^[A-Za-z]+(?:[/_+-][A-Za-z0-9]+)*$/.test(tz)) return utc;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: tz }).resolvedOptions().timeZone === utc ? utc : tz;
  } catch {
    return utc;
  }
}
