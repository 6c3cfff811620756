import { spawn } from "node:child_process";
import { MachineError } from "./machine-error.ts";

/** How a command ended. `code` is null when a signal ended it. */
export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Written to the command's stdin. Default: stdin is empty. */
  input?: string;
  /** The whole environment of the command. Default: this process's. */
  environment?: NodeJS.ProcessEnv;
  /** SIGKILL after this many seconds. Default: no limit. */
  timeoutSeconds?: number;
  /** Called with each line of stderr as it comes, for progress. */
  onErrorLine?: (line: string) => void;
}

/** Runs a program, without a shell, and waits for its end. Rejects only when it can't be started, usually because it is missing. */
export function runCommand(words: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const [program, ...args] = words;
  if (program === undefined) throw new TypeError("no program to run");
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ["pipe", "pipe", "pipe"],
      ...(options.environment && { env: options.environment }),
      ...(options.timeoutSeconds !== undefined && { timeout: options.timeoutSeconds * 1000, killSignal: "SIGKILL" }),
    });
    let stdout = "";
    let stderr = "";
    let pending = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      const lines = (pending + text).split("\n");
      pending = lines.pop() ?? "";
      for (const line of lines) options.onErrorLine?.(line);
    });
    // A command that ends without reading its stdin closes the pipe: judge it by its exit code, not by the pipe.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
    child.on("error", (error: NodeJS.ErrnoException) => {
      const missing = error.code === "ENOENT";
      reject(missing ? new MachineError(`this computer has no ${program}`, `install the package that brings ${program}`) : error);
    });
    child.on("close", (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/** Runs a program that must succeed and returns its stdout; otherwise fails with `what` and its last output. */
export async function mustRun(what: string, words: readonly string[], options: RunOptions = {}): Promise<string> {
  const finished = await runCommand(words, options);
  if (finished.code === 0) return finished.stdout;
  const ending = finished.signal ? `killed by ${finished.signal}` : `exit code ${finished.code ?? "unknown"}`;
  const lastLines = (finished.stderr.trim() || finished.stdout.trim()).split("\n").slice(-10).join("\n  ");
  throw new MachineError(`${what} failed (${words[0] ?? ""}, ${ending})\n  ${lastLines}`);
}
