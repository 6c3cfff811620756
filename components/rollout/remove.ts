import { onAll } from "./course.ts";
import type { FailureDetails } from "./failure.ts";
import type { Rollout } from "./rollout.ts";
import { SiteNode } from "./site-node.ts";
import type { Tools } from "./tools.ts";

/**
 * Stops serving a site on all its nodes and archives it there. Safe to run again: does nothing where the site is gone already, and on a
 * node that is another environment's by now. Continues with the other nodes when one fails.
 */
export async function remove(rollout: Rollout, tools: Tools): Promise<{ done: boolean; lines: string[] }> {
  const nodes = rollout.nodes.map((node) => new SiteNode(node, rollout, tools));
  try {
    const failures: FailureDetails[] = [];
    // In the order of their names, as every rollout does, so that two of them can't deadlock.
    for (const node of nodes) {
      failures.push(
        ...(await onAll([node], async () => {
          await node.connect();
          await node.takeLease();
          await node.removeSite();
        })),
      );
    }
    const [others = [], failed = []] = [true, false].map((is) => failures.filter(({ code }) => (code === "claimed") === is));
    const left = others.map(({ message }) => `  what is there was left alone: ${message}`);
    if (failed.length === 0)
      return { done: true, lines: [`${rollout.site}: removed. Its data is kept in the archive of each node.`, ...left] };
    return {
      done: false,
      lines: [
        `${rollout.site}: not removed everywhere.`,
        ...failed.flatMap((failure) => renderFailed(failure, rollout.site)),
        ...left,
      ],
    };
  } finally {
    await Promise.all(nodes.map((node) => node.close()));
  }
}

function renderFailed(failure: FailureDetails, site: string): string[] {
  const { node, step, message, fix, holder } = failure;
  return [
    `  ${node ?? site}, ${step}: ${message}`,
    ...(holder === undefined
      ? []
      : [`  ${holder.who} (process ${holder.pid}) has held the lease since ${holder.since}, for ${holder.release}`]),
    `  next: ${fix ?? "run it again"}; if ${node ?? "the node"} is gone for good: pulumi state delete the site's rollout`,
  ];
}
