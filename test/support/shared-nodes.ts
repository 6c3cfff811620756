/**
 * Nodes that suites use one after the other, for those that need no fresh one: making and removing a node costs seconds
 * of both cores. A suite has such a node to itself until it ends, and leaves it without a site.
 */
import { afterAll } from "vitest";
import { ensureNode } from "../../components/machines/local-machine.ts";
import { withLock } from "../../components/machines/lock.ts";
import { AgentNode } from "./agent-node.ts";
import { tellJournalsOf } from "./journals.ts";
import { ssh, testNode, webPackages } from "./nodes.ts";
import type { TestNode } from "./nodes.ts";
import { sayImages, sharedClone } from "./suite-clone.ts";
import { otherOs, testOs } from "./systems.ts";

/** `web1` runs the system under test, `web2` another; both have the packages of a web node. */
const systemOf = { web1: () => testOs, web2: () => otherOs };

/** Seconds a suite waits for another that has the node. */
const mostWait = 1200;

/** Call once at the top of a test file. */
export function useSharedNodes(): { boot: (name: keyof typeof systemOf) => Promise<TestNode> } {
  const clone = sharedClone();
  const held: { node: TestNode; giveBack: () => Promise<void> }[] = [];
  tellJournalsOf(clone);
  afterAll(async () => {
    for (const { node, giveBack } of held.splice(0)) {
      await leaveEmpty(node);
      await giveBack();
    }
  });
  return {
    boot: async (name) => {
      const giveBack = await hold(`/run/lock/silverlining/${clone.id}-${name}.suite`);
      const spec = { name, os: systemOf[name](), prepared: webPackages };
      const node = testNode(clone, await ensureNode(clone, spec, sayImages));
      held.push({ node, giveBack });
      return node;
    },
  };
}

/** Removes every site, so that the next suite finds the addresses, ports and host names free, and the node is nobody's. */
async function leaveEmpty(node: TestNode): Promise<void> {
  const agent = new AgentNode(node);
  for (const { site } of (await agent.once("status", { site: null })).sites) {
    const session = agent.session();
    const { token } = await session.ask("lease", { site, who: "test@here", pid: process.pid, release: "none" });
    await session.ask("remove", { site, token });
    await session.close();
  }
  await ssh(node, "rm -f /etc/silver/claim.json /var/lib/silver/claim.json");
}

/** Takes a lock, and returns what gives it back. */
async function hold(file: string): Promise<() => Promise<void>> {
  const { promise: over, resolve: end } = Promise.withResolvers<undefined>();
  const { promise: taken, resolve: take, reject } = Promise.withResolvers<undefined>();
  const lock = withLock(file, mostWait, async () => {
    take(undefined);
    await over;
  });
  lock.catch(reject);
  await taken;
  return async () => {
    end(undefined);
    await lock;
  };
}
