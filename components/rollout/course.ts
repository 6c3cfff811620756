import { Failure } from "./failure.ts";
import type { FailureDetails } from "./failure.ts";
import type { Rollout } from "./rollout.ts";
import type { SiteNode } from "./site-node.ts";
import type { Tools } from "./tools.ts";

/** State that the stages of one rollout share. */
export interface Course {
  rollout: Rollout;
  tools: Tools;
  /** All nodes of the site, by name. */
  nodes: SiteNode[];
  /** Seconds since the start. */
  seconds: () => number;
}

/** Runs a step on all nodes at once, waits for all, and returns the failures in the order of the nodes. */
export async function onAll(nodes: readonly SiteNode[], step: (node: SiteNode) => Promise<unknown>): Promise<FailureDetails[]> {
  const results = await Promise.allSettled(nodes.map(step));
  return results.flatMap((result) => {
    if (result.status === "fulfilled") return [];
    if (result.reason instanceof Failure) return [result.reason.details];
    throw result.reason;
  });
}
