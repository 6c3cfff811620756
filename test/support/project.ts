/**
 * The project itself under the real engine: its own program and components in a temporary directory, with the apps and the
 * environment of a test, an SSH agent of its own, and nodes that only this directory owns.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { cloneOf } from "../../components/machines/clone.ts";
import { ensureNode, listNodes } from "../../components/machines/local-machine.ts";
import { withEngine } from "./engine.ts";
import type { Engine, EngineOptions, Files } from "./engine.ts";
import { tellJournalsOf } from "./journals.ts";
import { poll, testNode, webPackages } from "./nodes.ts";
import type { TestNode, Wanted } from "./nodes.ts";
import { testOs } from "./systems.ts";

const checkout = resolve(import.meta.dirname, "../..");

/** A project with one stack. */
export interface Project {
  engine: Engine;
  /** The program's directory: apps/, stacks/ … */
  root: string;
  /**
   * Makes a local node before Pulumi does, from an image with every web node's packages inside, so that no test waits for apt.
   * Pulumi then finds it made; that it makes one itself is what first-light shows.
   */
  prepare: (name: string, wanted?: Wanted) => Promise<void>;
  /** A local node of the stack, whether it runs or not. */
  node: (name: string) => Promise<TestNode>;
  /** Replaces a text in one of its files, which must be there. */
  edit: (path: string, from: string, to: string) => void;
  /** Destroys what the stack holds, the nodes first of all, and removes the directory. */
  remove: () => Promise<void>;
}

/**
 * @param files apps and the environment of the stack, `stacks/test.yaml` by default, by path
 */
export async function withProject(files: Files, options: EngineOptions = {}): Promise<Project> {
  const own = ["Pulumi.yaml", "package.json"].map((name) => [name, readFileSync(join(checkout, name), "utf8")]);
  const engine = await withEngine({ ...(Object.fromEntries(own) as Files), ...files }, options);
  const root = join(engine.folder, "program");
  for (const name of ["cli", "components"]) cpSync(join(checkout, name), join(root, name), { recursive: true });
  for (const name of ["index.ts", "program.ts"]) cpSync(join(checkout, "stacks", name), join(root, "stacks", name));
  const agentPid = startAgent(root, engine);
  const clone = cloneOf(root);
  tellJournalsOf(clone);
  return {
    engine,
    root,
    prepare: async (name, wanted = {}) => {
      await ensureNode(clone, { name, os: testOs, prepared: webPackages, ...wanted }, () => undefined);
    },
    node: async (name) => {
      const machine = (await listNodes(clone)).find((listed) => listed.name === name);
      if (machine === undefined) throw new Error(`the stack has no node ${name}`);
      return testNode(clone, machine);
    },
    edit: (path, from, to) => {
      const file = join(root, path);
      const text = readFileSync(file, "utf8");
      if (!text.includes(from)) throw new Error(`${path} does not hold ${from}`);
      writeFileSync(file, text.replaceAll(from, to));
    },
    remove: async () => {
      await engine.run("cancel", "--yes");
      // What a failed test left may not be destroyable: the nodes go in any case.
      await engine.run("destroy", "--yes", "--skip-preview");
      spawnSync(process.execPath, ["components/machines/main.ts", "down"], { cwd: root, env: engine.environment });
      process.kill(agentPid);
      await poll("the SSH agent ended", 10, () => spawnSync("kill", ["-0", String(agentPid)]).status !== 0);
      engine.remove();
    },
  };
}

/** What a run says it did: `+ 7 created`, `~ 1 updated`, `6 unchanged`. */
export const resourceCounts = (output: string): string[] =>
  /Resources:\n((?: {4}.*\n)+)/
    .exec(output)?.[1]
    ?.trim()
    .split(/\s*\n\s*/) ?? [];

/** An SSH agent with the one key that the project's nodes accept. */
function startAgent(root: string, engine: Engine): number {
  const directory = join(root, ".silver/ssh");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const key = join(directory, "id_ed25519");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  const socket = join(engine.folder, "agent");
  const started = execFileSync("ssh-agent", ["-s", "-a", socket], { encoding: "utf8" });
  engine.environment.SSH_AUTH_SOCK = socket;
  execFileSync("ssh-add", ["-q", key], { env: engine.environment });
  return Number(/SSH_AGENT_PID=(\d+)/.exec(started)?.[1]);
}
