import { z } from "zod";
import type { Args, Claim, Result, Verb } from "../components/node/contract.ts";
import { spawnChannel } from "../components/rollout/channel.ts";
import { Failure } from "../components/rollout/failure.ts";
import { Session } from "../components/rollout/session.ts";
import { agentCommand, explainConnection, makeSshFiles, type SshRoute } from "../components/rollout/ssh.ts";
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

/** A node, and the id of its owner that the environment claims it by. */
const declaredNode = connection.extend({ owner: z.exactOptional(z.string()) });
export type DeclaredNode = z.infer<typeof declaredNode>;

const outputs = z.object({
  reach: z.record(z.string(), declaredNode),
  sites: z.record(
    z.string(),
    z.object({
      declared: z.exactOptional(z.string()),
      nodes: z.array(z.string()),
      urls: z.array(z.string()),
      worksOn: z.exactOptional(z.string()),
    }),
  ),
});

/** What the last `up` of an environment declared: its nodes, and each site's release, or none if the site was broken. */
export function declaredBy(environment: string | undefined): z.infer<typeof outputs> {
  const parsed = outputs.safeParse(askPulumi(["stack", "output", ...stackWords(environment)]));
  if (parsed.success) return parsed.data;
  throw new UserError(`the environment ${environment ?? "that is selected"} has no nodes yet`, "run silver up first");
}

/**
 * Asks a node's agent for one thing. Rejects with a Failure that names the node, the step and what to do.
 * @param onEvent gets what the agent reports meanwhile; default: nobody
 */
export function askNode<V extends Verb>(
  node: NodeConnection,
  verb: V,
  args: Args<V>,
  onEvent: (step: string, text: string) => void = () => undefined,
): Promise<Result<V>> {
  return withAgent(node, (session) => session.ask(verb, args), onEvent);
}

/**
 * Asks a node's agent for several things in one session. Rejects like `askNode`.
 * @param ask gets what the agent said of itself and its node, too, and the way to it
 */
export async function withAgent<T>(
  node: NodeConnection,
  ask: (session: Session, hello: Result<"hello">, route: SshRoute) => Promise<T>,
  onEvent: (step: string, text: string) => void = () => undefined,
): Promise<T> {
  const ssh = makeSshFiles([node], node.proxy);
  const route = ssh.routeTo(node);
  const session = new Session({
    node: node.name,
    channel: spawnChannel(agentCommand(route)),
    onEvent,
    explain: (exit, stderr) => explainConnection(route, exit, stderr),
  });
  try {
    const hello = await session.hello();
    return await ask(session, hello, route);
  } finally {
    await session.close();
    ssh.remove();
  }
}

/**
 * The failure of a verb on a node that another environment has claimed; undefined where it is this one's.
 * @param fix what to do, besides handing the node over
 */
export function anothers(node: DeclaredNode, claim: Claim | undefined, step: string, fix: string): Failure | undefined {
  if (claim === undefined || node.owner === undefined || claim.id === node.owner) return undefined;
  return new Failure({
    node: node.name,
    step,
    code: "claimed",
    message: `${node.name} is another environment's: ${claim.name}, whose state is in ${claim.backend}`,
    fix: `${fix}, or hand it over: silver claim ${node.name}`,
  });
}
