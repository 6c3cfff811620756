/**
 * The real Pulumi engine for tests: a program of a few files, a file backend and a PULUMI_HOME of its own, in a temporary
 * directory. Nothing of it reaches the user's stacks, and nothing of the user's settings reaches it.
 */
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const checkout = resolve(import.meta.dirname, "../..");

/** What the tests run local.Command and remote.Command with: SILVER_COMMAND_PLUGIN, else the stand-in of this checkout. */
export const commandPlugin = process.env.SILVER_COMMAND_PLUGIN;

/** Files of a program by their path. `index.ts` is run; Pulumi.yaml, package.json and node_modules are there already. */
export type Files = Record<string, string>;

export interface EngineOptions {
  /** Variables for the engine, its program and its plugins, over those of this process. */
  environment?: Record<string, string>;
  /** Name of the stack. Default: `test`. */
  stack?: string;
}

/** How a run ended. `output` is what it printed, stdout and stderr as they came. */
export interface EngineRun {
  code: number;
  output: string;
}

/** One step of `pulumi preview --json`. */
export interface PreviewStep {
  op: string;
  urn: string;
  diffReasons?: string[];
  replaceReasons?: string[];
  detailedDiff?: Record<string, { kind: string; inputDiff: boolean }>;
  oldState?: ResourceState;
  newState?: ResourceState;
}

export interface PreviewResult {
  steps: PreviewStep[];
  diagnostics?: { urn?: string; message: string; severity: string }[];
  changeSummary?: Record<string, number>;
}

export interface ResourceState {
  urn: string;
  type: string;
  id?: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

export interface StackState {
  deployment: { resources?: ResourceState[]; pending_operations?: { type: string; resource: ResourceState }[] };
}

export class Engine {
  /** Holds `program/`, the program. */
  readonly folder: string;
  /** Variables of every run from now on. */
  readonly environment: NodeJS.ProcessEnv;

  constructor(folder: string, environment: NodeJS.ProcessEnv) {
    this.folder = folder;
    this.environment = environment;
  }

  /** Writes or overwrites files of the program. */
  write(files: Files): void {
    for (const [path, content] of Object.entries(files)) {
      const file = join(this.folder, "program", path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
  }

  /** `pulumi ARGUMENTS`, whatever its exit code. */
  run(...words: string[]): Promise<EngineRun> {
    return this.start(...words).ended;
  }

  /** `pulumi ARGUMENTS` as a running process, for tests that signal it. */
  start(...words: string[]): { pid: number; ended: Promise<EngineRun> } {
    const child = spawn("pulumi", [...words, "--non-interactive", "--color", "never"], {
      cwd: join(this.folder, "program"),
      env: this.environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = new Promise<EngineRun>((resolve, reject) => {
      let output = "";
      const add = (chunk: Buffer) => (output += chunk.toString());
      child.stdout.on("data", add);
      child.stderr.on("data", add);
      child.on("error", reject);
      child.on("close", (code, signal) => {
        resolve({ code: code ?? -1, output: signal === null ? output : `${output}\nended by ${signal}` });
      });
    });
    return { pid: child.pid ?? -1, ended };
  }

  /** Brings the program up; rejects, with all output, when it fails. Returns the output. */
  up(...options: string[]): Promise<string> {
    return this.#expect(0, "up", "--yes", "--skip-preview", ...options);
  }

  /** An `up` that must fail; returns the output. */
  async upFails(...options: string[]): Promise<string> {
    const { code, output } = await this.run("up", "--yes", "--skip-preview", ...options);
    if (code === 0) throw new Error(`pulumi up did not fail:\n${output}`);
    return output;
  }

  preview(...options: string[]): Promise<string> {
    return this.#expect(0, "preview", ...options);
  }

  async previewJson(...options: string[]): Promise<PreviewResult> {
    return JSON.parse(await this.#expect(0, "preview", "--json", ...options)) as PreviewResult;
  }

  destroy(...options: string[]): Promise<string> {
    return this.#expect(0, "destroy", "--yes", "--skip-preview", ...options);
  }

  /** The state as it stands in the backend: secrets are encrypted. */
  async exportState(...options: string[]): Promise<StackState> {
    return JSON.parse(await this.#expect(0, "stack", "export", ...options)) as StackState;
  }

  /** One resource of the state, with its secrets in the clear. */
  async resource(name: string): Promise<ResourceState | undefined> {
    const { deployment } = await this.exportState("--show-secrets");
    return deployment.resources?.find(({ urn }) => urn.endsWith(`::${name}`));
  }

  /** Removes the directory; what the program made is left to it. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #expect(code: number, ...words: string[]): Promise<string> {
    const run = await this.run(...words);
    if (run.code !== code) throw new Error(`pulumi ${words.join(" ")} exited with ${run.code}:\n${run.output}`);
    return run.output;
  }
}

/** A program with a new stack. Its maker calls `remove()` at the end. */
export async function withEngine(files: Files, options: EngineOptions = {}): Promise<Engine> {
  const { stack = "test" } = options;
  const folder = mkdtempSync(join(tmpdir(), "silver-engine-"));
  for (const name of ["program", "state", "home"]) mkdirSync(join(folder, name));
  symlinkSync(join(checkout, "node_modules"), join(folder, "program", "node_modules"));
  installCommandPlugin(join(folder, "home"));
  const engine = new Engine(folder, {
    ...process.env,
    PULUMI_HOME: join(folder, "home"),
    PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
    PULUMI_CONFIG_PASSPHRASE: "test",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_STACK: stack,
    ...options.environment,
  });
  engine.write({
    "Pulumi.yaml": "name: engine\nruntime: { name: nodejs, options: { typescript: false } }\nmain: index.ts\n",
    "package.json": `{ "type": "module", "main": "index.ts" }\n`,
    ...files,
  });
  const { code, output } = await engine.run("stack", "init", stack);
  if (code !== 0) throw new Error(`pulumi stack init exited with ${code}:\n${output}`);
  return engine;
}

function installCommandPlugin(home: string): void {
  const folder = join(home, "plugins/resource-command-v1.2.1");
  const binary = join(folder, "pulumi-resource-command");
  mkdirSync(folder, { recursive: true });
  if (commandPlugin !== undefined) {
    if (!existsSync(commandPlugin)) throw new Error(`SILVER_COMMAND_PLUGIN names ${commandPlugin}, which does not exist`);
    symlinkSync(resolve(commandPlugin), binary);
    return;
  }
  writeFileSync(binary, `#!/bin/sh\nexec '${process.execPath}' '${checkout}/tools/command-plugin/main.ts' "$@"\n`);
  chmodSync(binary, 0o755);
}
