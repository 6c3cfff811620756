import "./own-umask.ts";
import { parseArgs } from "node:util";
import { isSystemName, systemNames, type SystemName } from "../systems/systems.ts";
import { ownClone } from "./clone.ts";
import { leaveHost, reachHost } from "./host-machine.ts";
import type { Host } from "./host-machine.ts";
import { ensureImage } from "./image.ts";
import { ensureNode, listNodes, removeAllNodes, removeNode, startAllNodes, startNode, stopNode } from "./local-machine.ts";
import type { Machine } from "./machine.ts";
import { printableLines } from "../text/printable.ts";
import { MachineError } from "./machine-error.ts";
import { ownerFrom, printedBefore } from "./owner.ts";

const usage = `usage: node components/machines/main.ts <verb> [node] [--os ${systemNames[0]}]
  ensure NODE    make the node or start it, and wait until it is booted
  start [NODE]   start the node, or every node of this checkout
  stop NODE      shut it down; its disk stays
  remove NODE    remove it, with its disk
  list           every node of this checkout
  down           remove every node of this checkout
  image          build the image of --os ahead of time
  reach NODE     log in to a machine that somebody else made, and tell what it is; the environment has its
                 address, port, hostKey, user, os and, with a jump host, proxy
  leave NODE     tell such a machine that the environment has it no more
Where the environment has "owner", the name of a Pulumi stack with its project, the machine is made, reached, removed
or left for that stack, and another one's stays as it is. With "authority", too, the node gets this checkout's own
authority for certificates; without, it loses it.
The operating system may also come from the environment, as "os": one of ${systemNames.join(", ")}.
A node and the list are printed on stdout as JSON; what happens is told on stderr.`;

const progress = (line: string) => {
  console.error(line);
};

function parseWords(words: string[]) {
  try {
    return parseArgs({ args: words, allowPositionals: true, options: { os: { type: "string" } } });
  } catch (error) {
    throw new MachineError(`${(error as Error).message}\n${usage}`);
  }
}

function systemFrom(text: string = systemNames[0]): SystemName {
  if (isSystemName(text)) return text;
  throw new MachineError(`"${text}" is not a known system`, `choose one of ${systemNames.join(", ")}`);
}

/** The machine declared by a command's variables. */
function hostFrom(name: string, variables: NodeJS.ProcessEnv): Host {
  const { address, port = "22", hostKey, user = "root", os, proxy } = variables;
  if (address === undefined || hostKey === undefined || os === undefined)
    throw new MachineError(`reach needs address, hostKey and os of ${name} in its environment`);
  return { name, address, port: Number(port), hostKey, user, os: systemFrom(os), ...(proxy === undefined ? {} : { proxy }) };
}

/** Reaches a machine, and leaves the one that the node was before. */
async function reachAnew(host: Host): Promise<Machine> {
  const reached = await reachHost(host);
  const before = printedBefore(process.env);
  // Another address alone may be the same machine's.
  if (before?.owner !== undefined && before.hostKey !== host.hostKey) {
    const { address, port, hostKey } = before;
    await leaveHost({ ...host, address, port, hostKey }, before.owner, progress);
  }
  return reached;
}

/** What an environment never claimed is left by itself. */
async function leave(host: Host): Promise<void> {
  const owner = printedBefore(process.env)?.owner;
  if (owner !== undefined) await leaveHost(host, owner, progress);
}

/** Runs one verb; returns the text for stdout. */
async function run(words: string[]): Promise<unknown> {
  const { values, positionals } = parseWords(words);
  const [verb = "", name, ...rest] = positionals;
  const os = systemFrom(values.os ?? process.env.os);
  const clone = ownClone();
  const named = ["ensure", "stop", "remove", "reach", "leave"].includes(verb);
  if (rest.length > 0 || (named ? name === undefined : name !== undefined && verb !== "start")) throw new MachineError(usage);
  const asked = ["ensure", "remove", "reach"].includes(verb) ? await ownerFrom(name ?? "", process.env) : undefined;
  const owner = asked === undefined ? {} : { owner: asked };
  // A person who starts a node by hand leaves it what its environment has given it.
  const authority = asked === undefined ? {} : { hasAuthority: process.env.authority === "local" };
  switch (verb) {
    case "ensure":
      return ensureNode(clone, { name: name ?? "", os, prepared: [], ...owner, ...authority }, progress);
    case "start":
      return name === undefined ? startAllNodes(clone, progress) : startNode(clone, name, progress);
    case "stop":
      return stopNode(clone, name ?? "", progress);
    case "remove":
      return removeNode(clone, name ?? "", progress, asked);
    case "list":
      return listNodes(clone);
    case "down":
      return removeAllNodes(clone, progress);
    case "image":
      await ensureImage(os, [], progress);
      return undefined;
    case "reach":
      return { ...(await reachAnew(hostFrom(name ?? "", process.env))), ...owner };
    case "leave":
      return leave(hostFrom(name ?? "", process.env));
    default:
      throw new MachineError(usage);
  }
}

try {
  const result = await run(process.argv.slice(2));
  if (result !== undefined) console.log(JSON.stringify(result));
} catch (error) {
  if (!(error instanceof MachineError)) throw error;
  // What a machine said before it let anybody in is in it.
  const lines = [`✗ ${error.message}`, ...(error.fix === undefined ? [] : [`  ${error.fix}`])];
  console.error(lines.flatMap(printableLines).join("\n"));
  process.exitCode = 1;
}
