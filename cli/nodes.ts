import { z } from "zod";
import type { Args, Result, Verb } from "../components/node/contract.ts";
import { spawnChannel } from "../components/rollout/channel.ts";
import { Session } from "../components/rollout/session.ts";
import { agentCommand, explainSsh, makeSshFiles } from "../components/rollout/ssh.ts";
import { askPulumi, stackWords } from "./pulumi.ts";
import { UserError } from "./user-error.ts";

const connection = z.object({
  name: z.string(),
  address: z.string(),
  port: z.number(),
  user: z.string(),
  hostKey: z.string(),
  machineId: z.exactOptional(z.string()),
  proxy: z.exactOptional(z.string()),
});
export type NodeConnection = z.infer<typeof connection>;

const outputs = z.object({
  reach: z.record(z.string(), connection),
  sites: z.record(
    z.string(),
    z.object({ declared: z.exactOptional(z.string()), nodes: z.array(z.string()), urls: z.array(z.string()) }),
  ),
});

/** What the last `up` of an environment declared: its nodes, and each site's release, or none if the site was broken. */
export function declaredBy(environment: string | undefined): z.infer<typeof outputs> {
  const parsed = outputs.safeParse(askPulumi(["stack", "output", ...stackWords(environment)]));
  if (parsed.success) return parsed.data;
  throw new UserError(`the environment ${environment ?? "that is selected"} has no nodes yet`, "run silver up first");
}

/** Asks a node's agent for one thing. Rejects with a Failure that names the node, the step and what to do. */
export async function askNode<V extends Verb>(node: NodeConnection, verb: V, args: Args<V>): Promise<Result<V>> {
  const ssh = makeSshFiles([node], node.proxy);
  const route = ssh.routeTo(node);
  const session = new Session({
    node: node.name,
    channel: spawnChannel(agentCommand(route)),
    onEvent: () => undefined,
    explain: (exit, stderr) => explainSsh(route, exit, stderr),
  });
  try {
    await session.hello();
    return await session.ask(verb, args);
  } finally {
    await session.close();
    ssh.remove();
  }
}
