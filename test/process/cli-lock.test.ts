// `silver lock` as a process, with the real uv and an index that is a directory.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { writeWheel } from "../support/wheel-index.ts";

const checkout = resolve(import.meta.dirname, "../..");
let root: string;
let index: string;
const hashes: Record<string, string> = {};

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "silver-lock-"));
  for (const name of ["cli", "components", "package.json"]) cpSync(join(checkout, name), join(root, name), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(root, "node_modules"));
  index = join(root, "index");
  for (const name of ["index", "stacks", "apps/blog", "apps/shop"]) mkdirSync(join(root, name), { recursive: true });
  hashes.old = writeWheel(index, { name: "backport", version: "1.0" });
  hashes.needy = writeWheel(index, {
    name: "needy",
    version: "2.0",
    metadata: ['Requires-Dist: backport; python_version < "3.12"'],
  });
  writeFileSync(
    join(root, "stacks/dev.yaml"),
    "nodes:\n  web1: {local: true, os: debian-12}\n  web2: {local: true, os: ubuntu-24.04}\nsites:\n  blog: {app: apps/blog, nodes: [web2]}\n",
  );
});

afterAll(() => {
  rmSync(root, { recursive: true });
});

function silver(...words: string[]) {
  const env = { ...process.env, UV_FIND_LINKS: index, UV_OFFLINE: "1", UV_CACHE_DIR: join(root, "uv") };
  return spawnSync(process.execPath, [join(root, "cli/main.ts"), ...words], { cwd: root, encoding: "utf8", env });
}
const pinned = () => readFileSync(join(root, "apps/blog/requirements.txt"), "utf8");

test("an app's libraries are pinned and hashed for the Python of its nodes, and validate takes the file", () => {
  writeFileSync(join(root, "apps/blog/requirements.in"), "needy\n");
  const { status, stdout, stderr } = silver("lock", "blog");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toBe("✓ apps/blog/requirements.txt: 1 library for Python 3.12.3 on x86_64-manylinux_2_39\n");
  expect(pinned()).toContain(`needy==2.0 \\\n    --hash=sha256:${hashes.needy ?? ""}`);
});

test("for nodes of two Pythons markers choose", () => {
  writeFileSync(
    join(root, "stacks/staging.yaml"),
    "nodes:\n  web1: {local: true, os: debian-12}\nsites:\n  blog: {app: apps/blog, nodes: [web1]}\n",
  );
  const { stdout } = silver("lock", "apps/blog", "--json");
  expect(JSON.parse(stdout)).toMatchObject({
    file: "apps/blog/requirements.txt",
    libraries: [
      { name: "backport", version: "1.0" },
      { name: "needy", version: "2.0" },
    ],
    targets: [{ python: "3.11.2" }, { python: "3.12.3" }],
  });
  expect(pinned()).toContain("backport==1.0 ; python_full_version < '3.12'");
  rmSync(join(root, "stacks/staging.yaml"));
});

test("what can't be pinned is told in uv's words", () => {
  writeFileSync(join(root, "apps/blog/requirements.in"), "nosuchlibrary\n");
  const { status, stderr } = silver("lock", "blog");
  expect(status).toBe(1);
  expect(stderr).toMatch(/^✗ uv can't pin the libraries of apps\/blog\/requirements\.in:[^]*nosuchlibrary/);
});

/** What leaves a trace when it runs, below an app. */
const traps: Record<string, (trace: string) => Record<string, string>> = {
  "a pip.py": (trace) => ({ "requirements.in": "needy\n", "pip.py": `open(${JSON.stringify(trace)}, "w")\n` }),
  "a package pip": (trace) => ({
    "requirements.in": "needy\n",
    "pip/__init__.py": "",
    "pip/__main__.py": `open(${JSON.stringify(trace)}, "w")\n`,
  }),
  "a .venv": (trace) => ({
    "requirements.in": "needy\n",
    ".venv/pyvenv.cfg": "home = /usr/bin\nversion = 3.11.2\n",
    ".venv/bin/python": `#!/bin/sh\ntouch ${trace}\nexec python3 "$@"\n`,
    ".venv/bin/python3": `#!/bin/sh\ntouch ${trace}\nexec python3 "$@"\n`,
  }),
  "a uv.toml that names a Python": (trace) => ({
    "requirements.in": "needy\n",
    "uv.toml": '[pip]\npython = "./own"\n',
    own: `#!/bin/sh\ntouch ${trace}\nexec python3 "$@"\n`,
  }),
  "a pyproject.toml that names a Python": (trace) => ({
    "pyproject.toml": '[project]\nname = "x"\nversion = "1"\ndependencies = ["needy"]\n[tool.uv.pip]\npython = "./own"\n',
    own: `#!/bin/sh\ntouch ${trace}\nexec python3 "$@"\n`,
  }),
};
const backend = (trace: string) => ({
  "backend.py": `open(${JSON.stringify(trace)}, "w")\ndef get_requires_for_build_wheel(config=None): return []\n`,
});
const build = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n';
/** The same of what is refused. */
const refusedTraps: Record<string, (trace: string, directory: string) => Record<string, string>> = {
  "a library of its own that must be built": (trace, directory) => ({
    "requirements.in": `--no-binary x\nx @ file://${directory}\n`,
    "pyproject.toml": `${build}[project]\nname = "x"\nversion = "1"\n`,
    ...backend(trace),
  }),
  "the same, included": (trace, directory) => ({
    "requirements.in": "-r more.in\n",
    "more.in": `x @ file://${directory}\n--no-\\\nbinary x\n`,
    "pyproject.toml": `${build}[project]\nname = "x"\nversion = "1"\n`,
    ...backend(trace),
  }),
  "a pyproject.toml whose libraries are told by a program": (trace) => ({
    "pyproject.toml": `${build}[project]\nname = "x"\ndynamic = ["version", "dependencies"]\n[tool.uv]\nno-binary = true\n`,
    ...backend(trace),
  }),
  "a list from elsewhere": () => ({ "requirements.in": "-r https://acme.net/more.in\n" }),
  "a library from elsewhere": () => ({ "requirements.in": "needy @ https://acme.net/needy-2.0-py3-none-any.whl\n" }),
  "an index that gets a variable of whoever pins": () => ({
    "requirements.in": "--extra-index-url https://acme.net/${HOME}/\nneedy\n",
  }),
  "the same in a pyproject.toml": () => ({
    "pyproject.toml":
      '[project]\nname = "x"\nversion = "1"\ndependencies = ["needy"]\n[[tool.uv.index]]\nurl = "https://acme.net/\\u0024{HOME}/"\n',
  }),
  "a list outside": () => ({ "requirements.in": "-r ../blog/requirements.in\n" }),
};

describe("nothing runs that an app has beside its list, which may be a stranger's:", () => {
  const app = () => join(root, "apps/trap");
  const trace = () => join(root, "trace");
  const write = (files: Record<string, string>) => {
    rmSync(app(), { recursive: true, force: true });
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(app(), file)), { recursive: true });
      writeFileSync(join(app(), file), text, { mode: 0o755 });
    }
    writeFileSync(
      join(root, "stacks/trap.yaml"),
      "nodes:\n  web1: {local: true, os: ubuntu-24.04}\nsites:\n  trap: {app: apps/trap, nodes: [web1]}\n",
    );
  };

  afterEach(() => {
    rmSync(join(root, "stacks/trap.yaml"));
    rmSync(trace(), { force: true });
  });

  test.each(Object.keys(traps))("%s", (name) => {
    write(traps[name]?.(trace()) ?? {});
    const { status, stderr } = silver("lock", "trap");
    expect({ status, stderr, ran: existsSync(trace()) }).toEqual({ status: 0, stderr: "", ran: false });
    const made = readFileSync(join(app(), "requirements.txt"), "utf8");
    expect(made).toContain("needy==2.0");
    expect(made).not.toContain(root);
  });

  test.each(Object.keys(refusedTraps))("%s is refused", (name) => {
    write(refusedTraps[name]?.(trace(), app()) ?? {});
    const { status } = silver("lock", "trap");
    expect({ status, ran: existsSync(trace()), made: existsSync(join(app(), "requirements.txt")) }).toEqual({
      status: 1,
      ran: false,
      made: false,
    });
  });
});

test("what an app includes counts, what is pinned stays, and a link in place of the file is not followed", () => {
  mkdirSync(join(root, "apps/blog/lists"));
  writeFileSync(join(root, "apps/blog/requirements.in"), "# ours\n-r lists/more.in  # more of ours\n-c lists/bounds.in\n");
  writeFileSync(join(root, "apps/blog/lists/more.in"), "needy\n-c bounds.in\n");
  writeFileSync(join(root, "apps/blog/lists/bounds.in"), "needy<=2\n");
  rmSync(join(root, "apps/blog/requirements.txt"));
  symlinkSync(join(root, "elsewhere"), join(root, "apps/blog/requirements.txt"));
  const first = silver("lock", "blog");
  expect(first.stderr).toBe("");
  expect(existsSync(join(root, "elsewhere"))).toBe(false);
  const before = pinned();
  const newer = writeWheel(index, { name: "needy", version: "2.0.1" });
  writeFileSync(join(root, "apps/blog/lists/bounds.in"), "needy<3\n");
  expect(silver("lock", "blog").status).toBe(0);
  expect(pinned()).toContain("needy==2.0 ");
  expect(before).toContain("# via");
  expect(silver("lock", "blog", "--upgrade").status).toBe(0);
  expect(pinned()).toContain(newer);
});

test("what is pinned without hashes stays, too, and is refused by name where that can't be", () => {
  const file = join(root, "apps/blog/requirements.txt");
  writeFileSync(join(root, "apps/blog/requirements.in"), "needy\n");
  writeFileSync(file, "--index-url https://acme.net/\n# frozen\nbackport==1.0\nNeedy==2.0 # ours\n");
  expect(silver("lock", "blog").stderr).toBe("");
  expect(pinned()).toContain("needy==2.0 ");
  // As PowerShell writes it.
  writeFileSync(file, Buffer.from("\uFEFFneedy==2.0\r\n", "utf16le"));
  expect(silver("lock", "blog").stderr).toBe("");
  expect(pinned()).toContain("needy==2.0 ");
  writeFileSync(file, "backport==1.0\nneedy>=2\n");
  const { status, stderr } = silver("lock", "blog");
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr:
      '✗ apps/blog/requirements.txt:2: "needy>=2" is not pinned to one version by ==, so what the file pins can\'t be kept\n' +
      "  write name==version there, or take the newest of everything: silver lock apps/blog --upgrade\n",
  });
  expect(pinned()).toBe("backport==1.0\nneedy>=2\n");
  expect(silver("lock", "blog", "--upgrade").status).toBe(0);
  expect(pinned()).toContain("needy==2.0.1 ");
});

test("a directory of wheels is one of this computer, since uv runs elsewhere: a relative one is refused by name", () => {
  writeFileSync(join(root, "apps/blog/requirements.in"), `-f ${index} # ours\nneedy\n`);
  expect(silver("lock", "blog").stderr).toBe("");
  writeFileSync(join(root, "apps/blog/requirements.in"), "--find-links wheels\nneedy\n");
  expect(silver("lock", "blog").stderr).toBe(
    "✗ apps/blog/requirements.in:1: wheels is relative, and uv runs elsewhere\n  write its whole path, or an address with https://\n",
  );
});

test("an app without a list, on no node, or that is none, is told what to do", () => {
  expect(silver("lock", "wiki").stderr).toBe("✗ there is no app wiki\n  name one of apps/, or its directory\n");
  expect(silver("lock", "shop").stderr).toBe(
    "✗ apps/shop has neither requirements.in nor pyproject.toml\n  list its libraries there, one a line: echo flask > apps/shop/requirements.in\n",
  );
  writeFileSync(join(root, "apps/shop/requirements.txt"), "flask\n");
  expect(silver("lock", "shop").stderr).toContain("rename requirements.txt to requirements.in first");
  writeFileSync(join(root, "apps/shop/requirements.in"), "flask\n");
  expect(silver("lock", "shop").stderr).toContain("no node is known for apps/shop: dev places it on none");
});
