import { spawn } from "node:child_process";

/** How a program ended. */
export interface Ended {
  /** null when it never began, or a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Where it runs. Default: here. */
  directory?: string;
  environment: NodeJS.ProcessEnv;
  /** Ends it. */
  signal: AbortSignal;
  /** Its stdin. Default: empty. */
  input?: string;
  /** Called with all of stdout so far, each time there is more. */
  onOutput?: (stdout: string) => void;
}

/** Runs a program to its end, in its own process group: an interrupt of this process reaches it only through `signal`. */
export async function run(words: readonly string[], options: RunOptions): Promise<Ended> {
  const [program = "", ...args] = words;
  const { directory, environment, signal, input = "", onOutput } = options;
  const child = spawn(program, args, { cwd: directory, env: environment, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  const stop = (): void => {
    endGroup(child.pid);
  };
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  // A program that ends before it has read everything reports why itself.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    onOutput?.(stdout);
  });
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

/** A program's children hold its streams open: a survivor would hide the program's end until its own. */
function endGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, "SIGTERM");
  } catch {
    // All of them have ended already.
  }
}
