import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";

/** How a process ended: with a code, or by a signal. */
export interface Exit {
  code: number | null;
  signal: string | null;
}

/** Two pipes to an agent, and how they end. */
export interface Channel {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  exited: Promise<Exit>;
  kill(): void;
}

/**
 * Starts a process as a channel, in a session of its own: an interrupt typed at the terminal reaches the rollout,
 * which must still talk to its nodes to back out.
 */
export function spawnChannel(words: readonly string[]): Channel {
  const [program = "", ...args] = words;
  const child = spawn(program, args, { detached: true, stdio: ["pipe", "pipe", "pipe"] });
  const exited = new Promise<Exit>((resolve) => {
    child.once("error", (error) => {
      child.stderr.push(`${error.message}\n`);
      resolve({ code: null, signal: null });
    });
    child.once("close", (code, signal) => {
      resolve({ code, signal });
    });
  });
  return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exited, kill: () => child.kill("SIGTERM") };
}
