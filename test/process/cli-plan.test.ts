// `silver plan` as a process, in a repository of its own.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const checkout = resolve(import.meta.dirname, "../..");
let root: string;
let temporary: string;

const write = (files: Record<string, string>) => {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
};
const git = (...words: string[]) =>
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.org", ...words], { cwd: root, encoding: "utf8" });
const silver = (...words: string[]) =>
  spawnSync(process.execPath, [join(root, "cli/main.ts"), ...words], {
    cwd: root,
    encoding: "utf8",
    // No Pulumi, and nothing left where temporary files are.
    env: { ...process.env, TMPDIR: temporary, PULUMI_HOME: "/nonexistent" },
  });
const manifest = (version: string) =>
  `name: blog\nversion: ${version}\nrunner: wsgi.py\nconfig: { required: { KEY: a secret } }\n`;
const environment = (config: string) =>
  `nodes: { web1: { local: true, os: debian-12 } }\nsites: { blog: { app: apps/blog, nodes: [web1], locations: ["*"], config: ${config} } }\n`;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "silver-plan-"));
  temporary = join(root, ".tmp");
  mkdirSync(temporary);
  for (const name of ["cli", "components", "package.json"]) cpSync(join(checkout, name), join(root, name), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(root, "node_modules"));
  write({
    ".gitignore": ".tmp\nnode_modules\n",
    "apps/blog/app.yaml": manifest("1.4.0"),
    "apps/blog/wsgi.py": "def application(environ, start_response): ...\n",
    "stacks/dev.yaml": environment("{ KEY: { secret: 1 } }"),
  });
  git("init", "-q", "-b", "main");
  git("add", ".");
  git("commit", "-qm", "base");
  git("checkout", "-qb", "work");
});

afterAll(() => {
  rmSync(root, { recursive: true });
});

test("without a change nothing runs, and no file is left behind", () => {
  expect(silver("plan")).toMatchObject({
    status: 0,
    stdout: "dev · 0 sites change, 1 untouched · no machine replaced · no data touched · ✔ can merge\nunchanged  blog\n",
  });
  expect(readdirSync(temporary)).toEqual([]);
});

test("the working tree is compared with where it left the default branch, each command with its reason", () => {
  write({ "apps/blog/app.yaml": manifest("1.5.0"), "stacks/dev.yaml": environment("{ KEY: { secret: 2 } }") });
  const { status, stdout } = silver("plan");
  expect(status).toBe(0);
  expect(stdout.replaceAll(/[0-9a-f]{8}/g, "########").split("\n")).toEqual([
    "dev · 1 site changes, 0 untouched · no machine replaced · no data touched · ✔ can merge",
    "blog  1.4.0-########.######## → 1.5.0-########.########   ▲ upgrade",
    "      version  1.4.0 → 1.5.0",
    '      files    "app.yaml"',
    "      config   ~ KEY secret, version 1 → secret, version 2",
    "Runs:",
    "  blog-rollout: version, files, config",
    "",
  ]);
});

test("two revisions are compared without the working tree, in either direction", () => {
  git("commit", "-qam", "head");
  write({ "apps/blog/app.yaml": "broken" });
  expect(silver("plan", "work", "main").stdout).toContain("▼ downgrade");
  expect(silver("plan")).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/✘ broken blog\nblog {2}broken: stays as it is\n {6}apps\/blog\/app\.yaml:1:1 /) as string,
  });
  write({ "apps/blog/app.yaml": manifest("1.5.0") });
});

test("--markdown folds in a block, --json has the same as data", () => {
  expect(silver("plan", "--markdown").stdout).toMatch(
    /^<!-- silver dev -->\n\*\*dev · 1 site changes.*✔ can merge\*\*\n\n```text\n/,
  );
  expect(JSON.parse(silver("plan", "--json").stdout)).toMatchObject([
    { environment: "dev", canMerge: true, changes: [{ name: "blog" }] },
  ]);
});

test("a removed site blocks the merge until it is accepted", () => {
  write({ "stacks/dev.yaml": "nodes: { web1: { local: true, os: debian-12 } }\nsites: {}\n" });
  expect(silver("plan")).toMatchObject({ status: 1, stdout: expect.stringContaining("✘ RETIRED blog\n") as string });
  expect(silver("plan", "--accept", "RETIRED").status).toBe(0);
  write({ "stacks/dev.yaml": environment("{ KEY: { secret: 2 } }") });
});

test("for changed sites, the environment's overrides of the manifest are shown", () => {
  const limits = environment("{ KEY: { secret: 2 } }, limits: { processes: 3 }");
  write({ "stacks/dev.yaml": limits });
  expect(silver("plan", "--markdown").stdout).toContain(
    "\n⚠ blog: processes 3, set by stacks/dev.yaml:2; apps/blog/app.yaml says 8\nRuns:\n",
  );
  git("commit", "-qam", "limits");
  expect(silver("plan", "HEAD").stdout).not.toContain("⚠");
  write({ "stacks/dev.yaml": environment("{ KEY: { secret: 2 } }") });
});

test("an environment that is new has only new sites and nodes", () => {
  write({ "stacks/next.yaml": environment("{ KEY: { secret: 1 } }") });
  const { status, stdout } = silver("plan", "-e", "next");
  expect(status).toBe(0);
  expect(stdout).toContain("web1  new node, debian-12\n");
  expect(stdout).toMatch(/^blog {2}new site, 1\.5\.0-/m);
});

test.each(["nowhere", "--upload-pack=x"])("%s is not a revision, and the message says so", (revision) => {
  expect(silver("plan", "--", revision)).toMatchObject({ status: 2, stderr: expect.stringContaining(revision) as string });
});
