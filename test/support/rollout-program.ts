import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join, resolve } from "node:path";

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  child: ChildProcess;
  /** What it wrote to stderr so far. */
  told: () => string;
  ended: Promise<Ended>;
}

const program = resolve(import.meta.dirname, "../../components/rollout/main.ts");

export interface StartOptions {
  /** Words after the program's name. */
  args?: string[];
  env?: NodeJS.ProcessEnv;
  /** A program that starts it, with its own words. Default: Node alone. */
  through?: string[];
}

/** Starts the rollout's program as Pulumi does: in `stacks/` of a project, the rollout on stdin. */
export function startRollout(root: string, input: string, options: StartOptions = {}): Running {
  const [command = process.execPath, ...first] = options.through ?? [];
  const child = spawn(command, [...first, program, ...(options.args ?? [])], {
    cwd: join(root, "stacks"),
    env: { ...process.env, ...options.env },
  });
  child.stdin.end(input);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const { promise: ended, resolve: end } = Promise.withResolvers<Ended>();
  child.once("close", (code) => {
    end({ code, stdout, stderr });
  });
  return { child, told: () => stderr, ended };
}
