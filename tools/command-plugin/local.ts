/** local.Command: a shell on this machine, in a process group of its own so that a cancel reaches all of it. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { CommandInputs } from "./inputs.ts";
import { Capture, previousOutput, quoteText, runFailure, type Output, type RunContext } from "./run.ts";

/** Runs `script` and resolves with what it printed, when it and everything that holds its output open have ended. */
export async function runLocal(script: string, inputs: CommandInputs, { log, signal }: RunContext): Promise<Output> {
  const capture = new Capture(inputs.logging, log);
  const failure = await runChild(script, inputs, capture, signal);
  const output = await capture.output();
  if (failure !== undefined) throw runFailure(failure, script, capture);
  return output;
}

/** Resolves with the reason when it failed, or nothing. */
function runChild(script: string, inputs: CommandInputs, capture: Capture, signal: AbortSignal): Promise<string | undefined> {
  const [program = "", ...words] = inputs.interpreter?.length ? inputs.interpreter : ["/bin/sh", "-c"];
  return new Promise<string | undefined>((resolve) => {
    const child = spawn(program, [...words, script], {
      cwd: inputs.dir,
      env: { ...process.env, ...inputs.environment, ...previousOutput(inputs) },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    const kill = () => {
      killGroup(child.pid);
    };
    signal.addEventListener("abort", kill);
    if (signal.aborted) kill();
    child.stdout.on("data", (chunk: Buffer) => {
      capture.add("stdout", chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      capture.add("stderr", chunk);
    });
    // A command need not read its stdin.
    child.stdin.on("error", () => undefined);
    child.stdin.end(inputs.stdin ?? "");
    child.on("error", (error) => {
      resolve(startFailure(program, inputs.dir, error));
    });
    child.on("close", (code, killedBy) => {
      signal.removeEventListener("abort", kill);
      if (killedBy !== null) resolve(`signal: ${signalWords[killedBy] ?? killedBy}`);
      else resolve(code === 0 ? undefined : `exit status ${code ?? -1}`);
    });
    // Node throws what it does not report as an event, such as arguments that are too long.
  }).catch((error: unknown) => startFailure(program, inputs.dir, error as NodeJS.ErrnoException));
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // It has ended in the meantime.
  }
}

/** Why a program could not be started, in Go's words. */
function startFailure(program: string, directory: string | undefined, error: NodeJS.ErrnoException): string {
  const reasons: Record<string, string> = {
    ENOENT: "no such file or directory",
    EACCES: "permission denied",
    E2BIG: "argument list too long",
    ENOTDIR: "not a directory",
  };
  const reason = reasons[error.code ?? ""] ?? error.message;
  if (directory !== undefined && !existsSync(directory)) return `chdir ${directory}: ${reason}`;
  if (error.code === "ENOENT" && !program.includes("/")) {
    return `exec: ${quoteText(program)}: executable file not found in $PATH`;
  }
  return `fork/exec ${program}: ${reason}`;
}

/** How Go names a signal. */
const signalWords: Partial<Record<NodeJS.Signals, string>> = {
  SIGHUP: "hangup",
  SIGINT: "interrupt",
  SIGKILL: "killed",
  SIGPIPE: "broken pipe",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
};
