import { onAll } from "./course.ts";
import type { Course } from "./course.ts";
import type { FailureDetails } from "./failure.ts";

/**
 * Passes the site's workers on to the release, on the one node that runs them: only once none runs on any other. Nothing is asked of
 * nodes that have none and had none.
 */
export async function handOver({ nodes, rollout }: Course): Promise<{ failures: FailureDetails[]; changed: boolean }> {
  let changed = false;
  const hand = (some: typeof nodes) =>
    onAll(some, async (node) => {
      if (await node.handOver()) changed = true;
    });
  const ready = nodes.filter((node) => node.isLeased());
  const failures = await hand(ready.filter((node) => node.works && !node.has("work")));
  const hasWork = rollout.release.units.some(({ starts }) => starts === "cut-over");
  if (failures.length > 0) return { failures, changed };
  const unstarted = await hand(ready.filter((node) => node.has("work") && (hasWork || node.works)));
  // It finishes by itself what it has heard of.
  return { failures: unstarted.filter(({ code }) => code !== "lost"), changed };
}
