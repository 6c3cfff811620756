// What a preview says of programs that rollouts will not find where they run.
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Engine } from "../support/engine.ts";
import { withProject, type Project } from "../support/project.ts";
import { recordedFiles } from "../upgrade/recorded-files.ts";

let project: Project;

beforeAll(async () => {
  project = await withProject(recordedFiles);
});

afterAll(() => project.remove());

test("a missing program is reported, with the package that contains it", async () => {
  const bin = join(project.engine.folder, "bin");
  mkdirSync(bin);
  // What the engine and its plugins start, and no rsync.
  for (const name of ["pulumi", "pulumi-language-nodejs", "node", "sh", "ssh"])
    symlinkSync(execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim(), join(bin, name));
  const output = await new Engine(project.engine.folder, { ...project.engine.environment, PATH: bin }).preview();
  expect(output).toContain("missing on this computer: rsync; no site can be rolled out without them\n");
  expect(output).toContain("apt-get install rsync\n");
});

test("when none is missing, nothing is reported", async () => {
  expect(await project.engine.preview()).not.toContain("missing on this computer");
});
