// What docs/ci takes from a pull request, and what of the machine that checks it a pull request can see: a repository with a base
// and a head, and the commands of the workflow.
import { execFileSync, spawnSync, type SpawnSyncReturns } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

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

/** Commits the files as they are as a pull request's head, and goes back to the base. */
const commitHead = (): string => {
  git("add", "-A");
  git("commit", "-qm", "head");
  const head = git("rev-parse", "HEAD");
  git("checkout", "-q", "--detach", "main");
  return head;
};
const take = (...words: string[]) => run("sh", ["docs/ci/take-head.sh", ...words]);
const takeHead = () => take(commitHead());

/** What is refused is told, and leaves the checkout as it was. */
const expectRefused = (told: string, { status, stdout, stderr } = takeHead()) => {
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain(`✗ not taken from a pull request: ${told}`);
  expect(git("status", "--porcelain", "-uall")).toBe("");
};

const hashObject = (type: string, content: string) =>
  execFileSync("git", ["hash-object", "-t", type, "-w", "--literally", "--stdin"], {
    cwd: root,
    encoding: "utf8",
    input: Buffer.from(content, "latin1"),
  }).trim();
/** A tree as no git writes it by itself: any names, in any number. */
const makeTree = (...entries: [mode: string, name: string, object: string][]) =>
  hashObject(
    "tree",
    entries.map(([mode, name, object]) => `${mode} ${name}\0${Buffer.from(object, "hex").toString("latin1")}`).join(""),
  );
/** The tree of a commit with one file more. */
const treeWith = (commit: string, path: string, content: string) => {
  const environment = { ...process.env, GIT_INDEX_FILE: join(root, ".git/index-of-test") };
  const write = (...words: string[]) => execFileSync("git", words, { cwd: root, encoding: "utf8", env: environment }).trim();
  write("read-tree", commit);
  write("update-index", "--add", "--cacheinfo", `100644,${hashObject("blob", content)},${path}`);
  return write("write-tree");
};
/** A head whose apps/ is such a tree. */
const headWith = (...apps: Parameters<typeof makeTree>) => {
  const entries = git("ls-tree", "main")
    .split("\n")
    .map((line): [string, string, string] => {
      const [, mode = "", object = "", name = ""] = /^(\d+) \w+ (\w+)\t(.*)$/.exec(line) ?? [];
      return [mode.replace(/^0/, ""), name, name === "apps" ? makeTree(...apps) : object];
    });
  return git("commit-tree", "-p", "main", "-m", "head", makeTree(...entries));
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
  // Attributes that a test took would change what is checked out.
  git("clean", "-qffd");
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
    expectRefused(`${JSON.stringify(path)}, a link`);
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
      write({ "cli/main.ts": "" });
      expectRefused(`"${directory}", which belongs to the program\n`);
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
    const head = commitHead();
    rmSync(join(root, "apps/other"), { recursive: true });
    expectRefused('"apps/other", a submodule', take(head));
  });

  test("all of it at once, with what to do", () => {
    write({ "stacks/dev.yaml": environment("", "cli") });
    link("/etc/passwd", "apps/blog/app.yaml");
    link("/etc/passwd", "apps/blog/wsgi.py");
    const { stderr } = takeHead();
    expect(stderr.split("\n")).toEqual([
      '✗ not taken from a pull request: "cli", which belongs to the program',
      'not taken from a pull request: "apps/blog/app.yaml", a link that leads out of apps/',
      'not taken from a pull request: "apps/blog/wsgi.py", a link that leads out of apps/',
      "  it brings apps/, stacks/*.yaml and directories of their own that these name: as files, and as links that stay inside",
      "",
    ]);
  });

  test.each(["..", ".git", ".GIT", "a/../../../cli", "caf\u00e9"])("a name that no app may have: %s", (name) => {
    const head = headWith(["40000", "blog", makeTree(["100644", name, hashObject("blob", "x")])]);
    expectRefused(
      `${JSON.stringify(`apps/blog/${name.replace("\u00e9", "\ufffd")}`)}, a name that no app may have\n`,
      take(head),
    );
  });

  test.each([
    ["a file", "100644"],
    ["a link", "120000"],
  ])("a directory that is a link, too, and %s in it", (_, mode) => {
    const head = headWith(
      ["120000", "blog", hashObject("blob", "../config")],
      ["40000", "blog", makeTree([mode, "new", hashObject("blob", "blog")])],
    );
    expectRefused('"apps/blog", which is a directory, too\n', take(head));
  });
});

describe("for a comment on the pull request, given the environment's name", () => {
  test("a refusal is one", () => {
    link("../../.silver/passphrase", "apps/blog/app.yaml");
    const { status, stdout, stderr } = take(commitHead(), "dev");
    expect(status).toBe(1);
    expect(stderr).toContain("✗ not taken");
    expect(stdout.split("\n")).toEqual([
      "<!-- silver dev -->",
      "**dev · not planned · ✘ what would change is unknown**",
      "",
      "```text",
      'not taken from a pull request: "apps/blog/app.yaml", a link that leads out of apps/',
      "it brings apps/, stacks/*.yaml and directories of their own that these name: as files, and as links that stay inside",
      "```",
      "",
      "The log of this job has all that was said.",
      "",
    ]);
  });

  test("so is a head that git does not have", () => {
    expect(take("0".repeat(40), "dev")).toMatchObject({
      status: 2,
      stdout: expect.stringContaining(`\n${"0".repeat(40)} is not a revision of this repository\n`) as string,
    });
  });

  test("what is taken says nothing", () => {
    write({ "apps/blog/more.py": "" });
    expect(take(commitHead(), "dev")).toMatchObject({ status: 0, stdout: "", stderr: "" });
  });
});

describe("the bytes are those that git keeps, and nothing runs that this machine has configured for git", () => {
  const attributes = "* text eol=crlf ident filter=x working-tree-encoding=UTF-16\n";
  const ran = () => existsSync(join(root, ".git/ran"));
  const configure = () => {
    for (const direction of ["smudge", "clean"]) git("config", `filter.x.${direction}`, "touch .git/ran; tr a-z A-Z");
    git("config", "filter.x.required", "true");
    write({ ".git/hooks/post-index-change": "#!/bin/sh\ntouch .git/ran\n" });
    chmodSync(join(root, ".git/hooks/post-index-change"), 0o755);
  };

  afterEach(() => {
    spawnSync("git", ["config", "--remove-section", "filter.x"], { cwd: root });
    for (const path of ["ran", "hooks/post-index-change", "info/attributes"]) rmSync(join(root, ".git", path), { force: true });
  });

  test.each([
    ["of the head", "apps/.gitattributes"],
    ["of the machine", ".git/info/attributes"],
  ])("with attributes %s", (_, path) => {
    write({ "apps/blog/text.txt": "$Id$\nold\n", "apps/blog/bytes": "a\r\n\0\n", "apps/blog/bin/run": "" });
    chmodSync(join(root, "apps/blog/bin/run"), 0o755);
    link("text.txt", "apps/blog/link");
    // Written by hand: what git adds is changed by attributes, too.
    const head = commitHead();
    const withAttributes = path.startsWith(".git/")
      ? head
      : git("commit-tree", "-p", "main", "-m", "head", treeWith(head, path, attributes));
    configure();
    if (withAttributes === head) write({ [path]: attributes });
    expect(take(withAttributes)).toMatchObject({ status: 0, stderr: "" });
    const bytes = (file: string) => readFileSync(join(root, "apps/blog", file), "latin1");
    expect(["text.txt", "bytes", "link", "wsgi.py"].map(bytes)).toEqual([
      "$Id$\nold\n",
      "a\r\n\0\n",
      "$Id$\nold\n",
      "application = 1\n",
    ]);
    const mode = (file: string) => lstatSync(join(root, "apps/blog", file)).mode & 0o100;
    expect(["text.txt", "bin/run"].map(mode)).toEqual([0, 0o100]);
    expect(readlinkSync(join(root, "apps/blog/link"))).toBe("text.txt");
    expect(ran()).toBe(false);
  });

  test("so the base that it is compared with has its own, too", () => {
    const head = git("commit-tree", "-p", "main", "-m", "head", "main^{tree}");
    configure();
    write({ ".git/info/attributes": attributes });
    expect(take(head).status).toBe(0);
    expect(silver("-e", "dev", "plan", "--head", head, "--", "main").stdout).toMatch(/^dev · 0 sites change, 1 untouched/);
    expect(ran()).toBe(false);
  });

  test("attributes that come with the head are told: a clone would have other bytes", () => {
    const head = git("commit-tree", "-p", "main", "-m", "head", treeWith("main", "apps/.gitattributes", attributes));
    configure();
    expect(take(head).status).toBe(0);
    expect(silver("-e", "dev", "plan", "--head", head, "--", "main").stdout).toMatch(/^dev · not judged: apps\/\.gitattributes/);
    expect(ran()).toBe(false);
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
