import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { withSystem } from "../../scripts/dev-system.ts";
import { capture, type Captured } from "./capture.ts";
import type { Files } from "./engine.ts";
import { withProject, type Project } from "./project.ts";
import { testOs } from "./systems.ts";

const checkout = resolve(import.meta.dirname, "../..");

/** A project as a person has it: a git repository with one commit on `main`, and `silver` on PATH. */
export interface Checkout {
  root: string;
  /** Runs sh words in its directory. */
  sh: (words: string) => Promise<Captured>;
}

/** One that has no Pulumi, in a temporary directory, with this checkout's apps and environment. */
export async function offlineCheckout(): Promise<Checkout & { remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), "silver-checkout-"));
  const root = join(folder, "program");
  for (const name of ["components", "apps", "stacks", "package.json"])
    cpSync(join(checkout, name), join(root, name), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(root, "node_modules"));
  const remove = () => {
    rmSync(folder, { recursive: true });
  };
  return { ...(await begin(root, join(folder, "bin"), { ...process.env, PULUMI_HOME: "/nonexistent" })), remove };
}

/**
 * One with the real engine and a stack `dev`.
 * @param files `stacks/dev.yaml`, and apps, by path. Default: those of this checkout, on the system of the tests
 */
export async function withCheckout(files?: Files): Promise<Checkout & Project> {
  const project = await withProject(files ?? {}, { stack: "dev" });
  const { root, engine } = project;
  if (files === undefined) {
    cpSync(join(checkout, "apps"), join(root, "apps"), { recursive: true });
    const declared = readFileSync(join(checkout, "stacks/dev.yaml"), "utf8");
    writeFileSync(join(root, "stacks/dev.yaml"), withSystem(declared, "web1", testOs));
  }
  return { ...project, ...(await begin(root, join(engine.folder, "bin"), engine.environment)) };
}

async function begin(root: string, bin: string, environment: NodeJS.ProcessEnv): Promise<Checkout> {
  cpSync(join(checkout, "cli"), join(root, "cli"), { recursive: true });
  mkdirSync(bin);
  writeFileSync(join(bin, "silver"), `#!/bin/sh\nexec '${process.execPath}' '${join(root, "cli/silver.js")}' "$@"\n`);
  chmodSync(join(bin, "silver"), 0o755);
  writeFileSync(join(root, ".gitignore"), "__pycache__\nnode_modules\n.silver\nstacks/Pulumi.dev.yaml\n");
  const name = "Ada";
  const email = "ada@example.org";
  const own = {
    PATH: `${bin}:${environment.PATH ?? ""}`,
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
    NO_COLOR: "1",
  };
  const sh = (words: string) => capture("sh", ["-uc", words], { cwd: root, env: { ...environment, ...own } });
  const begun = await sh("git init -q -b main && git add . && git commit -qm Begin");
  if (begun.code !== 0) throw new Error(begun.output);
  return { root, sh };
}
