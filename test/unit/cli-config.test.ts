// `silver config` as a process: each variable, its value, and where it was set.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const checkout = resolve(import.meta.dirname, "../..");
let root: string;

const files = {
  "apps/blog/app.yaml": `name: blog
runner: wsgi.py
config:
  required: { STRIPE_KEY: secret }
  default:
    SIGNUPS: "on"
    THEME: dark
    PAGE: "10"
`,
  "apps/old/app.ini": "[production]\napp_name = old\nrunner = wsgi.py\nconfig.default = THEME=dark\n",
  "apps/blog/wsgi.py": "def application(environ, start_response): ...\n",
  "apps/old/wsgi.py": "def application(environ, start_response): ...\n",
  "stacks/base.yaml": 'defaults:\n  config:\n    THEME: "light"\n',
  "stacks/dev.yaml": `nodes:
  web1: { local: true, os: debian-12 }
sites:
  blog:
    app: apps/blog
    nodes: [web1]
    locations: [blog.example.org]
    config:
      SIGNUPS: "two\\nlines"
      STRIPE_KEY: { secret: 3 }
  old: { app: apps/old, nodes: [web1], locations: ["*"] }
`,
};

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "silver-config-"));
  for (const name of ["cli", "components", "package.json"]) cpSync(join(checkout, name), join(root, name), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(root, "node_modules"));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
});

afterAll(() => {
  rmSync(root, { recursive: true });
});

const silver = (...words: string[]) =>
  spawnSync(process.execPath, [join(root, "cli/main.ts"), "-e", "dev", ...words], { cwd: root, encoding: "utf8" });

const rows = (text: string) => text.split("\n").map((line) => line.split(/ {2,}/));

test("each variable is shown with its value and the file and line that set it", () => {
  const { status, stdout, stderr } = silver("config", "blog");
  expect(status, stderr).toBe(0);
  expect(rows(stdout)).toEqual(
    expect.arrayContaining([
      ["VARIABLE", "VALUE", "SET BY"],
      ["PAGE", '"10"', "apps/blog/app.yaml:8"],
      ["THEME", '"light"', "stacks/base.yaml:3"],
      ["SIGNUPS", '"two\\nlines"', "stacks/dev.yaml:9"],
      ["SILVER_CANONICAL_HOSTNAME", '"blog.example.org"', "platform"],
    ]),
  );
});

test("a secret is shown by its version and place", () => {
  expect(rows(silver("config", "blog").stdout)).toContainEqual(["STRIPE_KEY", "secret, version 3", "stacks/dev.yaml:10"]);
});

test("a default of an app.ini leads into that file", () => {
  writeFileSync(join(root, "stacks/base.yaml"), "");
  expect(rows(silver("config", "old").stdout)).toContainEqual(["THEME", '"dark"', "apps/old/app.ini:4"]);
  writeFileSync(join(root, "stacks/base.yaml"), files["stacks/base.yaml"]);
});

test("--json has the same as data", () => {
  const { stdout } = silver("config", "blog", "--json");
  expect(JSON.parse(stdout)).toContainEqual({
    name: "STRIPE_KEY",
    secret: 3,
    by: "environment",
    place: { file: "stacks/dev.yaml", line: 10, column: 19 },
  });
});

test("a site that is not there is a usage error that names those that are", () => {
  expect(silver("config", "blgo")).toMatchObject({
    status: 2,
    stderr: "✗ no site of dev is called blgo\n  the sites are: blog, old\n",
  });
});
