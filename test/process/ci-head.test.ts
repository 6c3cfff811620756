// What docs/ci takes from a pull request, and what of the machine that checks it a pull request can see: a repository with a base
// and a head, and the commands of the workflow.
import { execFileSync, spawnSync, type SpawnSyncReturns } from "node:child_process";
import {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

const checkout = resolve(import.meta.dirname, "../..");
const SECRET = "TopSecret: [of this machine\n";
let root: string;

const write = (files: Record<string, string>) => {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
};
const link = (target: string, path: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  rmSync(join(root, path), { recursive: true, force: true });
  symlinkSync(target, join(root, path));
};
const git = (...words: string[]) =>
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.org", ...words], {
    cwd: root,
    encoding: "utf8",
    stdio: "pipe",
  }).trimEnd();
const environment = (more = "", app = "apps/blog") =>
  `nodes: { web1: { local: true, os: debian-12 } }\nsites:\n  blog: { app: ${app}, nodes: [web1], locations: ["*"]${more} }\n`;
const run = (program: string, words: string[]): SpawnSyncReturns<string> =>
  spawnSync(program, words, {
    cwd: root,
    encoding: "utf8",
    timeout: 20_000,
    env: { ...process.env, PULUMI_CONFIG_PASSPHRASE: "TopSecret" },
  });
const silver = (...words: string[]) => run(process.execPath, [join(root, "cli/main.ts"), ...words]);

/** Commits the files as they are as a pull request's head, goes back to the base, and takes the head. */
const takeHead = () => {
  git("add", "-A");
  git("commit", "-qm", "head");
  const head = git("rev-parse", "HEAD");
  git("checkout", "-q", "--detach", "main");
  return run("sh", ["docs/ci/take-head.sh", head]);
};

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "silver-head-"));
  for (const name of ["cli", "components", "scripts", "docs/ci", "package.json"])
    cpSync(join(checkout, name), join(root, name), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(root, "node_modules"));
  write({
    ".gitignore": ".silver\nnode_modules\n",
    "apps/blog/app.yaml": "name: blog\nrunner: wsgi.py\nconfig: { required: true }\n",
    "apps/blog/wsgi.py": "application = 1\n",
    "config/blog/blog.ini": "a = 1\n",
    "stacks/dev.yaml": environment(", config_dir: config/blog"),
    "stacks/index.ts": "",
  });
  git("init", "-q", "-b", "main");
  git("add", ".");
  git("commit", "-qm", "base");
  write({ ".silver/passphrase": SECRET, ".silver/app.yaml": SECRET });
});

beforeEach(() => {
  git("checkout", "-qf", "--detach", "main");
  git("clean", "-qffd");
});

afterAll(() => {
  rmSync(root, { recursive: true });
});

describe("what is taken", () => {
  test("apps, environments, and each directory that an environment names", () => {
    write({
      "apps/blog/more.py": "",
      "config/blog/blog.ini": "a = 2\n",
      "config/unnamed/x": "",
      "sites/shop/app.yaml": "name: shop\nrunner: wsgi.py\n",
      "sites/shop/wsgi.py": "application = 1\n",
      "stacks/dev.yaml":
        environment(", config_dir: config/blog") + '  shop: { app: sites/shop, nodes: [web1], locations: ["*/shop"] }\n',
      "stacks/index.ts": "throw new Error('run');\n",
      "cli/main.ts": "throw new Error('run');\n",
      "package.json": "{}",
    });
    link("more.py", "apps/blog/wsgi.py");
    write({ "apps/blog/more.py": "application = 2\n" });
    expect(takeHead()).toMatchObject({ status: 0, stderr: "" });
    expect(git("status", "--porcelain", "-uall").split("\n")).toEqual([
      " T apps/blog/wsgi.py",
      " M config/blog/blog.ini",
      " M stacks/dev.yaml",
      "?? apps/blog/more.py",
      "?? sites/shop/app.yaml",
      "?? sites/shop/wsgi.py",
    ]);
    const { stdout } = silver("-e", "dev", "plan", "--", "HEAD");
    expect(stdout).toMatch(/^dev · 2 sites change, 0 untouched/);
    expect(stdout).toContain("config_dir");
  });

  test("a file that the head deleted goes", () => {
    rmSync(join(root, "config/blog/blog.ini"));
    write({ "config/blog/other.ini": "" });
    expect(takeHead().status).toBe(0);
    expect(readdirSync(join(root, "config/blog"))).toEqual(["other.ini"]);
  });

  test("nothing of an environment that can't be read, and its mistake is told", () => {
    write({ "stacks/dev.yaml": "nodes: [\n" });
    expect(takeHead().status).toBe(0);
    expect(silver("-e", "dev", "plan", "--", "HEAD")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("stacks/dev.yaml:1:") as string,
    });
  });
});

describe("what is refused", () => {
  test.each([
    ["an absolute path", "/proc/self/environ", "apps/blog/app.yaml"],
    ["a file of the project", "../../.silver/passphrase", "apps/blog/app.yaml"],
    ["a directory of the project", "../.silver", "apps/blog"],
    ["what is below another link", "deep/up/../.silver/passphrase", "apps/blog/requirements.txt"],
    ["nothing that exists", "../../nowhere", "apps/blog/requirements.txt"],
    ["the apps", ".silver", "apps"],
    ["a configuration directory", "../.silver", "config/blog"],
    ["a file of a configuration directory", "../../.silver/passphrase", "config/blog/more.ini"],
    ["an environment", "../.silver/passphrase", "stacks/dev.yaml"],
    ["the environments", ".silver", "stacks"],
  ])("a link to %s", (_, target, path) => {
    write({ "apps/blog/deep/x": "" });
    symlinkSync("../..", join(root, "apps/blog/deep/up"));
    link(target, path);
    expect(takeHead()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`✗ not taken from a pull request: ${JSON.stringify(path)}, a link`) as string,
    });
    expect(lstatSync(join(root, path), { throwIfNoEntry: false })?.isSymbolicLink()).not.toBe(true);
  });

  test("directories of the program, under every name that this repository has", () => {
    const own = new Set(execFileSync("git", ["ls-files"], { cwd: checkout, encoding: "utf8" }).split("\n"));
    const tops = new Set([...own].map((path) => path.split("/")[0] ?? "").filter((top) => top !== "" && top !== "apps"));
    const text = readFileSync(join(checkout, "scripts/take-head.ts"), "utf8");
    const listed = JSON.parse(/const program = (\[[^\]]*\])/.exec(text)?.[1] ?? "[]") as string[];
    expect(listed).toEqual(expect.arrayContaining([...tops].filter((top) => !own.has(top) && !top.startsWith("."))));
  });

  test.each(["cli", "components/node", "Components/new", "node_modules/zod", ".silver", "package.json", "stacks"])(
    "%s",
    (directory) => {
      write({ "stacks/dev.yaml": environment("", directory), "components/node/x": "", "Components/new/x": "" });
      const before = readFileSync(join(root, "cli/main.ts"), "utf8");
      write({ "cli/main.ts": "" });
      expect(takeHead()).toMatchObject({
        status: 1,
        stderr: `✗ not taken from a pull request: ${directory}, which belongs to the program\n`,
      });
      expect(readFileSync(join(root, "cli/main.ts"), "utf8")).toBe(before);
    },
  );

  test("a submodule", () => {
    git("init", "-q", "apps/other");
    execFileSync("git", [
      "-C",
      join(root, "apps/other"),
      "-c",
      "user.name=a",
      "-c",
      "user.email=a@b.c",
      "commit",
      "-q",
      "--allow-empty",
      "-m",
      "a",
    ]);
    expect(takeHead()).toMatchObject({ status: 1, stderr: expect.stringContaining('"apps/other", a submodule') as string });
  });
});

test("a head whose links are read all the same shows no file of the machine", () => {
  link("/proc/self/environ", "apps/blog/app.yaml");
  link("../../.silver/passphrase", "apps/blog/requirements.txt");
  for (const words of [
    ["-e", "dev", "plan", "--", "HEAD"],
    ["-e", "dev", "validate"],
    ["validate", "apps/blog"],
    ["-e", "dev", "config", "blog"],
  ]) {
    const { status, stdout, stderr } = silver(...words);
    expect(status).toBe(1);
    expect(stdout + stderr).toContain("[leads-out] apps/blog/app.yaml is a link");
    expect(stdout + stderr).not.toContain("TopSecret");
  }
});

describe("a pipe is named, and nobody waits for its other side", () => {
  test.each([
    ["apps/blog/pipe", "special-file"],
    ["apps/blog/static/pipe", "special-file"],
    ["config/blog/pipe", "special-file"],
    ["apps/blog/app.yaml", "missing-file"],
    ["apps/blog/wsgi.py", "missing-file"],
    ["apps/blog/requirements.txt", "special-file"],
    ["stacks/dev.yaml", "missing-file"],
    ["stacks/base.yaml", "missing-file"],
  ])("%s", (path, code) => {
    rmSync(join(root, path), { force: true });
    mkdirSync(dirname(join(root, path)), { recursive: true });
    execFileSync("mkfifo", [join(root, path)]);
    for (const words of [["-e", "dev"], ...(path.startsWith("apps/") ? [["apps/blog"], []] : [])]) {
      const { status, stdout, signal } = silver("validate", ...words);
      expect({ status, signal }).toEqual({ status: 1, signal: null });
      expect(stdout).toContain(`[${code}]`);
      expect(stdout).toContain(path.replace("apps/blog/wsgi.py", "apps/blog/app.yaml"));
    }
  });
});

describe("silver validate judges an app as its bundle would", () => {
  test.each([
    ["a link out of the app", "../../../.silver/passphrase", "apps/blog/static/x", "leads-out"],
    ["one by way of another link", "up/.silver/passphrase", "apps/blog/static/x", "leads-out"],
    ["a link to nothing", "nowhere", "apps/blog/static/x", "dangling-link"],
    ["a link to what is never shipped", "../.git/config", "apps/blog/static/x", "leads-out"],
    ["a link instead of an app", "../.silver", "apps/other", "leads-out"],
  ])("%s", (_, target, path, code) => {
    write({ "apps/blog/static/a": "", "apps/blog/.git/config": "" });
    link("../../..", "apps/blog/static/up");
    link(target, path);
    const app = path.split("/").slice(0, 2).join("/");
    for (const words of [[app], [`${app}/`], []]) {
      const { status, stdout } = silver("validate", ...words);
      expect(status, stdout).toBe(1);
      expect(stdout).toMatch(new RegExp(`^${path} error \\[${code}\\]`, "m"));
      expect(stdout).not.toContain("TopSecret");
    }
  });

  test("a name that travels nowhere, and two that are one elsewhere", () => {
    write({ "apps/blog/static/Logo.png": "", "apps/blog/static/logo.png": "", "apps/blog/static/a\nb": "" });
    const { status, stdout } = silver("validate", "apps/blog");
    expect(status).toBe(1);
    expect(stdout.match(/\[file-name\]/g)).toHaveLength(2);
  });
});
