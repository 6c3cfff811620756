import { spawn } from "node:child_process";
import { once } from "node:events";
import { Failure } from "../components/rollout/failure.ts";
import type { Session } from "../components/rollout/session.ts";
import { attachCommand, rsyncWords, type SshRoute } from "../components/rollout/ssh.ts";
import { upload } from "../components/rollout/upload.ts";
import { printableLines } from "../components/text/printable.ts";
import { anothers, withAgent, type DeclaredNode } from "./nodes.ts";
import type { Upload } from "./uploads.ts";
import { UserError } from "./user-error.ts";
import { whoRuns } from "../components/rollout/who.ts";

/** A command in the environment of a site's release. */
interface Wanted {
  site: string;
  /** Default: the live one. */
  release?: string;
  /** None: an interpreter with the app loaded. */
  words: readonly string[];
  uploads: readonly Upload[];
  /** The service whose client takes the command's place. */
  service?: string;
  /** Whether it gets a terminal, which is this one. */
  terminal: boolean;
}

/** The exit code of what SIGINT ended. */
const interrupted = 130;

/**
 * Runs a command on a node, with this process's stdin, stdout and stderr; returns its exit code. An interrupt ends it there, and so does
 * a lost connection.
 * @throws UserError when it did not begin, or nobody knows how it ended
 */
export async function runOn(node: DeclaredNode, wanted: Wanted): Promise<number> {
  const { code, reason } = await withAgent(node, async (session, { claim }, route) => {
    const lost = anothers(node, claim, "run", "run it from there");
    if (lost !== undefined) throw lost;
    return await runIn(session, route, wanted);
  }).catch(refuse);
  if (code === null)
    throw new UserError(`${node.name} did not begin the command`, "try again; its journal says why it could not");
  if (reason !== null) console.error(printableLines(`✗ ${wanted.site} on ${node.name}: ${reason}`).join("\n"));
  return code;
}

async function runIn(session: Session, route: SshRoute, wanted: Wanted): Promise<{ code: number | null; reason: string | null }> {
  const { site, release = null, words, uploads, service, terminal } = wanted;
  const { run, directory } = await session.ask("run", {
    site,
    release,
    who: whoRuns(),
    command: [...words],
    ...(service === undefined ? {} : { service }),
    terminal,
    bytes: uploads.reduce((sum, { bytes }) => sum + bytes, 0),
  });
  const stop = new AbortController();
  let ending: ReturnType<typeof end> | undefined;
  const end = () => session.ask("end-run", { run });
  const interrupt = (): void => {
    // A second interrupt does not wait for the command: the node ends it all the same.
    if (stop.signal.aborted) process.exit(interrupted);
    stop.abort();
    ending = end();
    // A failure is reported where it is awaited below.
    ending.catch(() => undefined);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, interrupt);
  try {
    await send(uploads, route, directory, stop.signal);
    if (!stop.signal.aborted) await attach(attachCommand(route, run, terminal), terminal);
    const { code, reason } = await (ending ?? end());
    // Who interrupted it knows why it ended, or never began.
    return ending === undefined ? { code, reason } : { code: code ?? interrupted, reason: null };
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
}

async function send(uploads: readonly Upload[], route: SshRoute, directory: string, signal: AbortSignal): Promise<void> {
  for (const { directory: from, name, target } of uploads) {
    const remote = rsyncWords(route, `${directory}/${target}`);
    await upload({ node: route.node.name, from, paths: [name], ...remote, onProgress: () => undefined, linkFrom: [], signal });
  }
}

/** Resolves once the command has ended, or the connection. */
async function attach(words: readonly string[], terminal: boolean): Promise<void> {
  const [program = "", ...args] = words;
  // In a session of its own an interrupt does not end it before the command's last words; in ours it hears of the terminal's size.
  const child = spawn(program, args, { detached: !terminal, stdio: "inherit" });
  await once(child, "close");
}

function refuse(error: unknown): never {
  if (!(error instanceof Failure)) throw error;
  const { node, code, message, fix } = error.details;
  if (code === "usage" && message.startsWith("unknown verb"))
    throw new UserError(
      `the agent of ${node ?? "the node"} is older than this checkout`,
      "run silver up: it brings the new agent first",
    );
  throw new UserError(
    node === undefined ? message : `${node}: ${message}`,
    code === "lost" ? "a command ends with its connection: look at what it did before you run it again" : fix,
  );
}
