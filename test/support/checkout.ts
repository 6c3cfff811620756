import { spawn } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Files } from "./engine.ts";
import { withProject, type Project } from "./project.ts";

const checkout = resolve(import.meta.dirname, "../..");

/** How a command line ended, and what it printed on both streams, as they came. */
export interface Ended {
  code: number;
  output: string;
}

/** A project as a person has it: a git repository with one commit on `main`, the stack `dev`, and `silver` on PATH. */
export interface Checkout extends Project {
  /** Runs sh words in its directory. */
  sh: (words: string) => Promise<Ended>;
}

/** @param files apps and `stacks/dev.yaml`, by path */
export async function withCheckout(files: Files): Promise<Checkout> {
  const project = await withProject(files, { stack: "dev" });
  const { root, engine } = project;
  cpSync(join(checkout, "cli"), join(root, "cli"), { recursive: true });
  engine.write({ ".gitignore": "node_modules\n.silver\nstacks/Pulumi.dev.yaml\n" });
  const bin = join(engine.folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "silver"), `#!/bin/sh\nexec '${process.execPath}' '${join(root, "cli/main.ts")}' "$@"\n`);
  chmodSync(join(bin, "silver"), 0o755);
  const person = { GIT_AUTHOR_NAME: "Ada", GIT_AUTHOR_EMAIL: "ada@example.org" };
  Object.assign(engine.environment, person, {
    PATH: `${bin}:${engine.environment.PATH ?? ""}`,
    GIT_COMMITTER_NAME: person.GIT_AUTHOR_NAME,
    GIT_COMMITTER_EMAIL: person.GIT_AUTHOR_EMAIL,
    NO_COLOR: "1",
  });
  const sh = (words: string): Promise<Ended> =>
    new Promise((done, failed) => {
      const child = spawn("sh", ["-euc", words], { cwd: root, env: engine.environment, stdio: ["ignore", "pipe", "pipe"] });
      let output = "";
      const collect = (text: Buffer) => (output += text.toString());
      child.stdout.on("data", collect);
      child.stderr.on("data", collect);
      child.on("error", failed);
      child.on("close", (code) => {
        done({ code: code ?? -1, output });
      });
    });
  const begun = await sh("git init -q -b main && git add . && git commit -qm 'Begin'");
  if (begun.code !== 0) throw new Error(begun.output);
  return { ...project, sh };
}
