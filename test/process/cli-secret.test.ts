// `silver secret` as a process, with a `pulumi` that keeps what it is told.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

const checkout = resolve(import.meta.dirname, "../..");
let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "silver-secret-"));
  for (const name of ["cli", "components", "package.json"]) cpSync(join(checkout, name), join(root, name), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(root, "node_modules"));
  mkdirSync(join(root, "stacks"));
  mkdirSync(join(root, "bin"));
  writeFileSync(
    join(root, "bin/pulumi"),
    '#!/bin/sh\nprintf "%s\\n" "$@" > "$0.called"; cat > "$0.value"; exit "${FAILS:-0}"\n',
    {
      mode: 0o755,
    },
  );
});

afterAll(() => {
  rmSync(root, { recursive: true });
});

const nodes = "nodes:\n  web1: {local: true, os: debian-12}\n";
beforeEach(() => {
  writeFileSync(
    join(root, "stacks/production.yaml"),
    `${nodes}sites:\n  blog: {app: apps/blog, nodes: [web1], config: {STRIPE_KEY: {secret: 3}}}\n  shop: {app: apps/shop, nodes: [web1]}\n`,
  );
  writeFileSync(
    join(root, "stacks/Pulumi.production.yaml"),
    "config:\n  silverlining:secrets:\n    blog.STRIPE_KEY@2: {secure: v1:abc}\n    blog.STRIPE_KEY@3: {secure: v1:def}\n",
  );
  rmSync(join(root, "bin/pulumi.called"), { force: true });
});

function silver(words: string[], environment: NodeJS.ProcessEnv = {}) {
  const env = { ...process.env, PATH: `${join(root, "bin")}${delimiter}${process.env.PATH ?? ""}`, ...environment };
  return spawnSync(process.execPath, [join(root, "cli/main.ts"), ...words], {
    cwd: root,
    encoding: "utf8",
    input: "s3cret\n",
    env,
  });
}
const called = () => readFileSync(join(root, "bin/pulumi.called"), "utf8").trim().split("\n");

test("a value goes as the next version into the stack of the environment that is named, and says what to write there", () => {
  const { status, stdout, stderr } = silver(["secret", "set", "blog", "STRIPE_KEY", "-e", "production"]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const key = 'secrets["blog.STRIPE_KEY@4"]';
  expect(called()).toEqual(["config", "set", "--secret", "--path", key, "--stack", "production"]);
  expect(readFileSync(join(root, "bin/pulumi.value"), "utf8")).toBe("s3cret\n");
  expect(stdout).toBe(
    "✓ stacks/Pulumi.production.yaml keeps version 4 of STRIPE_KEY for blog\n\nNext: name it in stacks/production.yaml, in the config of blog:\n\n  STRIPE_KEY: { secret: 4 }\n",
  );
});

test("the secret of an external service is named as its variable, and belongs to the services of a site", () => {
  const place = "services: {user-db: {external: {url: {secret: 2}}}}";
  writeFileSync(join(root, "stacks/production.yaml"), `${nodes}sites:\n  blog: {app: apps/blog, nodes: [web1], ${place}}\n`);
  const { stdout } = silver(["secret", "list", "blog", "-e", "production"]);
  expect(stdout).toMatch(/^blog +CONFIG_USER_DB_URL +2 +missing: set it$/m);
  silver(["secret", "set", "blog", "CONFIG_USER_DB_URL", "-e", "production"]);
  expect(called()).toContain('secrets["blog.CONFIG_USER_DB_URL@2"]');
  expect(silver(["secret", "set", "blog", "CONFIG_CACHE_PASSWORD", "-e", "production"]).stdout).toContain(
    "Next: name it in stacks/production.yaml, in the services of blog:\n\n  cache: { external: { password: { secret: 1 } } }\n",
  );
});

test("the version that the environment waits for is set first", () => {
  rmSync(join(root, "stacks/Pulumi.production.yaml"));
  const { stdout } = silver(["secret", "set", "blog", "STRIPE_KEY", "-e", "production", "--json"]);
  expect(called()).toContain('secrets["blog.STRIPE_KEY@3"]');
  expect(JSON.parse(stdout)).toEqual({ site: "blog", name: "STRIPE_KEY", version: 3, isKept: true, isNamed: true });
});

test("a value that Pulumi does not keep is told, with what makes a stack", () => {
  const { status, stderr } = silver(["secret", "set", "shop", "KEY", "-e", "production"], { FAILS: "255" });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr:
      "✗ version 1 of KEY was not kept\n  see above; a stack that does not exist yet is made by: pulumi stack init production\n",
  });
});

test.each([
  [["secret", "set", "wiki", "KEY"], "✗ production has no site wiki\n  the sites are: blog, shop\n"],
  [
    ["secret", "set", "blog", "key"],
    "✗ key can't be the name of a variable\n  use upper-case letters, digits and _: STRIPE_KEY\n",
  ],
  [["secret", "set", "constructor", "KEY"], "✗ production has no site constructor\n  the sites are: blog, shop\n"],
  [["secret", "list", "wiki"], "✗ production has no site wiki\n  the sites are: blog, shop\n"],
])("%j is a wrong call, and asks Pulumi nothing", (words, stderr) => {
  expect(silver([...words, "-e", "production"])).toMatchObject({ status: 2, stdout: "", stderr });
  expect(existsSync(join(root, "bin/pulumi.called"))).toBe(false);
});

test("the list has names and versions, what is missing among them, and no value", () => {
  writeFileSync(
    join(root, "stacks/Pulumi.production.yaml"),
    "config:\n  silverlining:secrets:\n    blog.STRIPE_KEY@2: {secure: v1:abc}\n    shop.TOKEN@1: {secure: v1:def}\n",
  );
  const { stdout } = silver(["secret", "list", "-e", "production"]);
  expect(stdout.split("\n").map((line) => line.trim().split(/ {2,}/))).toEqual([
    ["SITE", "SECRET", "VERSION", "STATE"],
    ["blog", "STRIPE_KEY", "2", "kept, not named"],
    ["blog", "STRIPE_KEY", "3", "missing: set it"],
    ["shop", "TOKEN", "1", "kept, not named"],
    [""],
  ]);
  expect(JSON.parse(silver(["secret", "list", "shop", "-e", "production", "--json"]).stdout)).toEqual([
    { site: "shop", name: "TOKEN", version: 1, isKept: true, isNamed: false },
  ]);
});
