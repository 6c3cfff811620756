/** remote.Command: a shell on a node, over the connection that all commands on it share. */
import { spawn } from "node:child_process";
import type { Connections, Master } from "./connection.ts";
import type { CommandInputs } from "./inputs.ts";
import { Capture, previousOutput, runFailure, type Output, type RunContext } from "./run.ts";
import { sshEnvironment } from "./ssh-config.ts";
import { openingLine, renderBootstrap, renderScript } from "./session.ts";

/** Runs `script` in the login shell of the connection's user and resolves with what it printed. */
export async function runRemote(
  script: string,
  inputs: CommandInputs,
  context: RunContext,
  connections: Connections,
): Promise<Output> {
  if (inputs.connection === undefined) throw new Error("the state holds no connection for this command");
  for (let lost = 0; ; lost += 1) {
    const master = await connections.open(inputs.connection, context);
    const capture = new Capture(inputs.logging, context.log);
    const session = await master.withSession(() => runSession(script, inputs, context, master, capture));
    // A shared connection can die between two commands (a node that rebooted): nothing has run, so dial again.
    if (!session.started && !master.alive && lost === 0 && !context.signal.aborted) continue;
    await reportRefused(session.refused, context);
    const output = await capture.output();
    if (session.failure !== undefined) throw runFailure(session.failure, script, capture);
    return output;
  }
}

interface Session {
  /** Has the node begun to run the script? */
  started: boolean;
  /** Variables the node's sshd did not take. */
  refused: { name: string; demanded: boolean }[];
  failure: string | undefined;
}

async function runSession(
  script: string,
  inputs: CommandInputs,
  context: RunContext,
  master: Master,
  capture: Capture,
): Promise<Session> {
  const demanded = inputs.environment ?? {};
  const variables = { ...previousOutput(inputs), ...demanded };
  const prelude = renderScript(script, variables, Object.keys(demanded));
  // One variable of ssh's own environment has at most 128 KiB; a longer one counts as refused.
  const sent = Object.fromEntries(Object.entries(variables).filter(([, value]) => Buffer.byteLength(value) < 100_000));
  const options = ["-q", "-T", "-F", master.config, "-o", "ControlMaster=no", "-o", "ProxyCommand=false"];
  for (const name of Object.keys(sent)) options.push("-o", `SendEnv=${name}`);
  const ssh = spawn("ssh", [...options, "node", renderBootstrap()], {
    env: { ...sent, ...sshEnvironment() },
    stdio: ["pipe", "pipe", "pipe"],
    signal: context.signal,
  });
  const session: Session = { started: false, refused: [], failure: undefined };
  let opening = Buffer.alloc(0);
  ssh.stdout.on("data", (chunk: Buffer) => {
    if (session.started) {
      capture.add("stdout", chunk);
      return;
    }
    opening = Buffer.concat([opening, chunk]);
    const found = openingLine(opening);
    if (found === undefined) return;
    session.started = true;
    session.refused = found.refused.map((name) => ({ name, demanded: name in demanded }));
    if (found.rest.length > 0) capture.add("stdout", found.rest);
  });
  ssh.stderr.on("data", (chunk: Buffer) => {
    capture.add("stderr", chunk);
  });
  ssh.stdin.on("error", () => undefined);
  ssh.stdin.end(`${prelude}${inputs.stdin ?? ""}`);
  const ended = await new Promise<number | string>((resolve) => {
    ssh.on("error", (error) => {
      resolve(error.message);
    });
    ssh.on("close", (code, killedBy) => {
      resolve(code ?? `ended by ${killedBy ?? "an unknown signal"}`);
    });
  });
  session.failure = typeof ended === "string" ? ended : await sessionFailure(ended, session.started, master);
  return session;
}

/** 255 is what ssh itself exits with, and what a command may exit with: the connection tells which. */
async function sessionFailure(code: number, started: boolean, master: Master): Promise<string | undefined> {
  if (code === 0 && started) return undefined;
  const connected = (started && code !== 255) || (await master.answers());
  if (!connected) return "wait: remote command exited without exit status or exit signal";
  if (!started) return "ssh: the node's sshd refused a session, or its login shell ended at once";
  return `Process exited with status ${code}`;
}

/** A requested variable that is refused fails the command; one that we only offer warns. */
async function reportRefused(refused: Session["refused"], { log }: RunContext): Promise<void> {
  for (const { name, demanded } of refused) {
    log.say(
      demanded ? "ERROR" : "WARNING",
      `The node did not take the variable '${name}': its sshd takes those that AcceptEnv names. ` +
        "Pass it by stdin, or before the command as NAME=value.",
    );
  }
  const first = refused.find(({ demanded }) => demanded);
  if (first === undefined) return;
  await log.sent();
  throw new Error(`could not set environment variable "${first.name}": ssh: setenv failed`);
}
