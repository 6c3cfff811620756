import type { Command } from "commander";
import { z } from "zod";
import { ownClone } from "../components/machines/clone.ts";
import { filesOf, readRecord } from "../components/machines/node-disk.ts";
import { anothersHere, stackOf } from "../components/machines/owner.ts";
import { owner, type Claim } from "../components/node/contract.ts";
import { loadEnvironment } from "../components/plan/load.ts";
import { Failure } from "../components/rollout/failure.ts";
import { printableJson, printableLines } from "../components/text/printable.ts";
import { ownOf } from "../components/text/value.ts";
import { askNode, withAgent, type NodeConnection } from "./nodes.ts";
import { environmentName, exportedResources, root } from "./pulumi.ts";
import { askForName } from "./typed-name.ts";
import { UserError } from "./user-error.ts";

/** `silver claim NODE`: hands a node over from the environment that has it, once that one's name was typed. */
export function claim(program: Command): void {
  program
    .command("claim <node>")
    .description("take a node over from another environment, whose sites there end with the next silver up: asks for its name")
    .action(async (name: string) => {
      const { environment: named, json } = program.opts<{ environment?: string; json?: boolean }>();
      const environment = environmentName(named);
      const { node, owner: own } = await machineIn(environment, name);
      const before = await withAgent(node, (_, { claim: found }) => Promise.resolve(found)).catch(refuse);
      if (before !== undefined && before.id !== own.id) await askFor(before, name);
      // Of whom it was when the name was typed: a third one's stays.
      const from = before === undefined ? {} : { from: before.id };
      await askNode(node, "claim", { owner: own, ...from }).catch(refuse);
      if (json === true) console.log(printableJson({ node: name, owner: own, from: before ?? null }, 2));
      else console.log(printableLines(told(name, environment, before, own.id)).join("\n"));
    });
}

function refuse(error: unknown): never {
  if (!(error instanceof Failure)) throw error;
  const { node, message, fix } = error.details;
  throw new UserError(node === undefined ? message : `${node}: ${message}`, fix);
}

/** @throws UserError unless the owner's name is typed */
async function askFor({ name, backend, node: there, since }: Claim, node: string): Promise<void> {
  const lines = [
    `${node} is ${name}'s, whose state is in ${backend}: it has it as ${there} since ${since},`,
    "and loses it, with all that it serves there.",
  ];
  console.error(lines.flatMap(printableLines).join("\n"));
  await askForName(name, { prompt: "Type the owner's name to take it over", stays: node, verb: "silver claim" });
}

function told(node: string, environment: string, before: Claim | undefined, id: string): string {
  if (before?.id === id) return `${node} is ${environment}'s already`;
  const was = before === undefined ? "it was nobody's" : `it was ${before.name}'s, which is refused from now on`;
  return `✓ ${node} is ${environment}'s: ${was}\n\nNext: silver up -e ${environment}`;
}

/** What is read of a resource in a stack's state. */
const resource = z.object({
  urn: z.string(),
  inputs: z.object({ environment: z.record(z.string(), z.string()).optional() }).optional(),
  outputs: z.object({ stdout: z.string().optional() }).optional(),
});

/** What a machine's command prints. */
const printed = z.object({ address: z.string(), port: z.number(), hostKey: z.string(), owner });

/** A node's machine, as the environment's state has it: also where an `up` was refused, and left no outputs. */
async function machineIn(environment: string, name: string): Promise<{ node: NodeConnection; owner: z.infer<typeof owner> }> {
  const found = exportedResources(environment, resource).find(({ urn }) => urn.endsWith(`::${name}-machine`));
  const machine = printed.safeParse(jsonOf(found?.outputs?.stdout)).data;
  if (machine === undefined) await refuseLocal(environment, name);
  if (machine === undefined)
    throw new UserError(`the state of ${environment} has no machine of a node ${name}`, `run silver up -e ${environment} first`);
  const { address, port, hostKey, owner: own } = machine;
  const { user = "root", proxy } = found?.inputs?.environment ?? {};
  return { node: { name, address, port, hostKey, user, ...(proxy === undefined ? {} : { proxy }) }, owner: own };
}

/** @throws UserError where the environment could never have the machine: another one of this checkout made it, as a local node */
async function refuseLocal(environment: string, name: string): Promise<void> {
  if (ownOf(loadEnvironment(root, environment).value?.nodes, name)?.machine.kind !== "local") return;
  const found = (await readRecord(filesOf(ownClone(), name)))?.owner;
  // One of the same stack may be its own, from before its state was lost.
  if (found === undefined || stackOf(found.name) === environment) return;
  const { message, fix } = anothersHere(name, found);
  throw new UserError(`a local node is not handed over: ${message}`, fix);
}

function jsonOf(text = ""): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
