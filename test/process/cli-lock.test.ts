// `silver lock` as a process, with the real uv and an index that is a directory.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
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
