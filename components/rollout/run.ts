import { spawn } from "node:child_process";

/** How a program ended. */
export interface Ended {
  /** null where it never began, or a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, in a process group of its own: what interrupts this one ends it by `signal` alone. */
export async function run(
  words: readonly string[],
  options: { directory: string; environment: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<Ended> {
  const [program = "", ...args] = words;
  const { directory, environment, signal } = options;
  const child = spawn(program, args, { cwd: directory, env: environment, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const stop = (): void => void child.kill("SIGTERM");
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => {
    child.once("error", (error) => {
      stderr += error.message;
      resolve(null);
    });
    child.once("close", resolve);
  });
  signal.removeEventListener("abort", stop);
  return { code, stdout, stderr };
}
