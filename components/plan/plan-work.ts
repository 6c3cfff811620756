import type { Manifest } from "../manifest/manifest.ts";
import type { SiteWork } from "./plan.ts";

/**
 * What works beside the requests of a site; undefined when the app declares nothing.
 * @param nodes of the site, sorted
 * @param memoryBytes of one that declares none
 */
export function planWork({ workers = {} }: Manifest, nodes: readonly string[], memoryBytes: number): SiteWork | undefined {
  const [on] = nodes;
  const planned = Object.entries(workers)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, { run, count, stopSeconds, memoryBytes: own = memoryBytes }]) => ({
      name,
      run,
      count,
      stopSeconds,
      memoryBytes: own,
    }));
  return on === undefined || planned.length === 0 ? undefined : { on, workers: planned };
}
