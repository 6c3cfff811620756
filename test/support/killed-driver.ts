import { deploy } from "../../components/rollout/deploy.ts";
import type { Channel } from "../../components/rollout/channel.ts";
import type { Outcome } from "../../components/rollout/outcome.ts";
import { Session } from "../../components/rollout/session.ts";
import { toolsOver } from "./declared.ts";
import type { Declared, Nodes } from "./declared.ts";

/**
 * Kills the driver of a rollout at its first call, that of the next rollout at its second, and so on, until one ends by itself.
 * @param declareNext what the rollout brings that is killed at this call
 * @param afterwards looks at what each killed one left; `at` is the call, such as `flip last on web1`
 * @returns how the last one ended, and where the others were killed
 */
export async function killAtEachCall(
  nodes: Nodes,
  declareNext: (call: number) => Declared,
  afterwards: (next: Declared, at: string) => Promise<void>,
): Promise<{ outcome: Outcome; killedAt: string[] }> {
  const killedAt: string[] = [];
  for (;;) {
    const next = declareNext(killedAt.length + 1);
    const channels: Channel[] = [];
    let [calls, at] = [0, ""];
    for (const [name, node] of Object.entries(nodes)) {
      node.lay({});
      node.calls.push = (call) => {
        if (++calls === killedAt.length + 1) {
          at = `${call} on ${name}`;
          for (const each of Object.values(nodes)) each.way.unreachable = -1;
          // The verb that is under way is done to its end, as an agent does; then it finds nobody there.
          setImmediate(() => {
            for (const channel of channels) channel.kill();
          });
        }
        return Array.prototype.push.call(node.calls, call);
      };
    }
    const outcome = await deploy(next.rollout(Object.keys(nodes)), {
      ...toolsOver(nodes, next, { settle: { withinSeconds: 0.05, everySeconds: 0.005 } }),
      connect: ({ name }) => {
        const channel = nodes[name]?.channel();
        if (channel === undefined) throw new Error(`no fake node ${name}`);
        channels.push(channel);
        const explain = () => ({ code: "unreachable", message: "dead" }) as const;
        return new Session({ node: name, channel, onEvent: () => undefined, explain });
      },
    });
    if (at === "") return { outcome, killedAt };
    killedAt.push(at);
    await Promise.all(channels.map((channel) => channel.exited));
    await afterwards(next, at);
  }
}
