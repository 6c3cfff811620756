import { setTimeout as pause } from "node:timers/promises";
import { Failure } from "./failure.ts";
import type { SiteNode } from "./site-node.ts";
import type { Tools } from "./tools.ts";

/**
 * Finds out what a node serves after its session broke. Taking the lease again makes its agent undo what was not cut over, and finish
 * what was.
 * Leaves `serves` undefined when the node stays silent.
 */
export async function settle(node: SiteNode, tools: Tools): Promise<void> {
  node.serves = undefined;
  tools.reporter.step(node.name, "settle", "the session is gone: asking again what it serves");
  const deadline = performance.now() + tools.settle.withinSeconds * 1000;
  do {
    try {
      await node.reconnect();
      await node.takeLease();
      return;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (await heldByAnother(node, error, tools)) return;
      await pause(tools.settle.everySeconds * 1000);
    }
  } while (performance.now() < deadline);
}

/** Another rollout has the site now: it decides what is live; we can only ask. */
async function heldByAnother(node: SiteNode, error: Failure, tools: Tools): Promise<boolean> {
  const { code, holder } = error.details;
  if (code !== "leased" || holder === undefined) return false;
  // Our own broken session's lease: released once its agent notices that we are gone.
  if (holder.pid === tools.holder.pid && holder.who === tools.holder.who) return false;
  await node.readStatus().catch(() => undefined);
  return node.serves !== undefined;
}
