import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { withEngine } from "../../test/support/engine.ts";
import type { Engine, Files } from "../../test/support/engine.ts";
import { withProject } from "../../test/support/project.ts";
import type { Project } from "../../test/support/project.ts";

export const checkout = resolve(import.meta.dirname, "../..");

/** Seconds after which a command is taken to hang: bringing up two hundred sites takes twenty minutes on two cores. */
const commandSeconds = 3600;
/** Seconds a command has to end cleanly: an engine finishes the step it is running. */
const endSeconds = 120;

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  input?: string;
}

/** A command, and its end together with that of all it started. */
interface Running {
  pid: number | undefined;
  ended: Promise<unknown>;
}

/** What a bench creates, and removes again whatever happens. */
export class Stage {
  readonly #stop: AbortSignal;
  readonly #name: string;
  readonly #undo: (() => Promise<void> | void)[] = [];
  readonly #running = new Set<Running>();

  /** @param stop aborted when the user interrupts */
  constructor(name: string, stop: AbortSignal) {
    this.#name = name;
    this.#stop = stop;
  }

  /** Prints a line of progress. */
  say(text: string): void {
    console.error(`  ${this.#name}: ${text}`);
  }

  /** Before anything is made or measured. */
  checkStopped(): void {
    this.#stop.throwIfAborted();
  }

  /** The project with a stack `test`, and `cli/` in it: see `withProject`. */
  async project(files: Files): Promise<Project> {
    this.checkStopped();
    const project = await withProject(files);
    this.#undo.push(project.remove);
    return project;
  }

  /** A program of its own with a stack `test`; it must make nothing that outlives its directory. */
  async engine(files: Files): Promise<Engine> {
    this.checkStopped();
    const engine = await withEngine(files);
    this.#undo.push(() => {
      engine.remove();
    });
    return engine;
  }

  /** An empty directory. */
  directory(): string {
    this.checkStopped();
    const path = mkdtempSync(join(tmpdir(), "silver-bench-"));
    this.#undo.push(() => {
      rmSync(path, { recursive: true });
    });
    return path;
  }

  /** Runs a command that must succeed; returns its stdout. */
  async run(command: string, words: readonly string[], options: RunOptions = {}): Promise<string> {
    this.checkStopped();
    // A group of its own: `silver` does not hand a signal on to the engine it runs.
    const child = spawn(command, words, { ...options, detached: true });
    const { promise: ended, resolve: end, reject } = Promise.withResolvers<number | null>();
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.once("error", reject).once("close", end);
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
    const running: Running = { pid: child.pid, ended };
    const interrupt = () => void endGroup(running);
    this.#running.add(running);
    this.#stop.addEventListener("abort", interrupt);
    const timer = setTimeout(interrupt, commandSeconds * 1000);
    const code = await ended.finally(() => {
      clearTimeout(timer);
      this.#running.delete(running);
      this.#stop.removeEventListener("abort", interrupt);
    });
    this.checkStopped();
    if (code === 0) return stdout;
    const told = `${stdout}${stderr}`.trimEnd().split("\n").slice(-60).join("\n");
    throw new Error(`${command} ${words.join(" ")} exited with ${code ?? "a signal"}:\n${told}`);
  }

  /** `pulumi up` of a program, which must succeed. */
  pulumiUp(engine: Engine, ...options: string[]): Promise<string> {
    const words = ["up", "--yes", "--non-interactive", "--color", "never", ...options];
    return this.run("pulumi", words, { cwd: join(engine.folder, "program"), env: engine.environment });
  }

  /** `silver` in a project. */
  silver(project: Project, ...words: string[]): Promise<string> {
    return this.run(process.execPath, ["cli/main.ts", ...words], { cwd: project.root, env: project.engine.environment });
  }

  /** A command line on a node of a project, as root. */
  ssh(project: Project, address: string, command: string, input = ""): Promise<string> {
    return this.run("ssh", [...sshOptions, `root@${address}`, command], { env: project.engine.environment, input });
  }

  /** Waits, unless the user interrupts. */
  async pause(seconds: number): Promise<void> {
    await sleep(seconds * 1000, undefined, { signal: this.#stop });
  }

  /** A stage within this one, for what must be removed earlier. */
  inner(): Stage {
    return new Stage(this.#name, this.#stop);
  }

  /** Removes what was created, the newest first. */
  async close(): Promise<void> {
    await Promise.all([...this.#running].map(endGroup));
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) await undo();
  }
}

/** For nodes of our own that live for minutes. */
export const sshOptions = [
  "StrictHostKeyChecking=no",
  "UserKnownHostsFile=/dev/null",
  "LogLevel=ERROR",
  "ConnectTimeout=5",
].flatMap((option) => ["-o", option]);

/** Asks a command and everything it started to end, and waits until they have. */
async function endGroup({ pid, ended }: Running): Promise<void> {
  const signal = (name: NodeJS.Signals) => {
    try {
      if (pid !== undefined) process.kill(-pid, name);
    } catch {
      // It has ended in the meantime.
    }
  };
  signal("SIGINT");
  const timer = setTimeout(signal, endSeconds * 1000, "SIGKILL");
  await ended.catch(() => undefined);
  clearTimeout(timer);
}
