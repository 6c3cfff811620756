// `npm run down` in a checkout of its own, with a `pulumi` that only writes down what it is asked: stack dev goes, and nothing else.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { gzipSync } from "node:zlib";
import { dirname, join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cloneOf } from "../../components/machines/clone.ts";
import { capture } from "../support/capture.ts";

const checkout = resolve(import.meta.dirname, "../..");
let directory: string;
let root: string;

const write = (path: string, content: string) => {
  const file = resolve(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
};
const has = (path: string) => existsSync(join(root, path));
const program = (path: string, body: string) => {
  chmodSync(write(path, `#!/bin/sh\n${body}\n`), 0o755);
};

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "silver-down-")));
  root = join(directory, "checkout");
  for (const name of ["cli", "components", "scripts", "tools", "package.json", "package-lock.json", "Pulumi.yaml"])
    cpSync(join(checkout, name), join(root, name), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(root, "node_modules"));
  program(
    "../bin/pulumi",
    `if [ "$1" = version ]; then echo v3.999.0; exit; fi
echo "$*" >>${directory}/asked
if [ "$1 $2" = "stack rm" ]; then rm .silver/state/.pulumi/stacks/silverlining/"$3".json stacks/Pulumi."$3".yaml; fi`,
  );
  program("../bin/pulumi-language-nodejs", "true");
  write("stacks/dev.yaml", "nodes: { web1: { local: true, os: debian-12 } }\nsites: {}\n");
  write("stacks/Pulumi.dev.yaml", "encryptionsalt: v1:abc\n");
  write(".silver/state/.pulumi/stacks/silverlining/dev.json", "{}");
  write(".silver/passphrase", "one");
});

afterEach(() => {
  const agent = join(root, ".silver/ssh/agent");
  if (existsSync(agent)) process.kill(Number(/SSH_AGENT_PID=(\d+)/.exec(readFileSync(agent, "utf8"))?.[1]));
  rmSync(directory, { recursive: true });
});

const down = () =>
  capture("sh", [join(root, "scripts/down.sh")], {
    cwd: root,
    env: {
      PATH: `${directory}/bin:${dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: directory,
      SILVER_COMMAND_PLUGIN: "/bin/true",
    },
  });
const asked = () => readFileSync(join(directory, "asked"), "utf8").trim().split("\n");
/** What a half-made node leaves: it is removed without root. */
const halfMade = (name: string) => {
  const before = process.env.XDG_STATE_HOME;
  process.env.XDG_STATE_HOME = join(directory, ".local/state");
  const { nodesDirectory } = cloneOf(root);
  process.env.XDG_STATE_HOME = before;
  return write(join(nodesDirectory, name, "x"), "");
};

test("a protected stack keeps its nodes, its state and its passphrase", async () => {
  const resource = { urn: "urn", type: "silver:resources:Node", protect: true };
  const state = { checkpoint: { latest: { resources: [resource] } } };
  for (const text of [JSON.stringify(state), JSON.stringify(state, undefined, 4)]) {
    write(".silver/state/.pulumi/stacks/silverlining/dev.json", text);
    const { code, output } = await down();
    expect(code).toBe(1);
    expect(output).toContain("Stack dev is protected, and stays as it is.\n");
    expect(output).toContain("silver destroy dev");
    expect(existsSync(join(directory, "asked"))).toBe(false);
    expect([has(".silver/passphrase"), has("stacks/Pulumi.dev.yaml")]).toEqual([true, true]);
  }
});

test.each([
  ["its state is compressed", "dev.json.gz", gzipSync('{"checkpoint":{"latest":{"resources":[{"protect":true}]}}}'), ""],
  ["its state is spoiled, and the environment says it", "dev.json", "", "protected: true\n"],
])("so does one of which %s", async (_, name, content, more) => {
  const state = ".silver/state/.pulumi/stacks/silverlining/";
  rmSync(join(root, `${state}dev.json`));
  write(`${state}${name}`, "");
  writeFileSync(join(root, state, name), content);
  write("stacks/dev.yaml", `${more}nodes: { web1: { local: true, os: debian-12 } }\nsites: {}\n`);
  const { code, output } = await down();
  expect({ code, output }).toEqual({
    code: 1,
    output: expect.stringContaining("Stack dev is protected, and stays as it is.\n") as string,
  });
  expect([has(`${state}${name}`), has(".silver/passphrase")]).toEqual([true, true]);
});

test("a stack whose state is compressed goes as any other", async () => {
  const state = ".silver/state/.pulumi/stacks/silverlining/";
  rmSync(join(root, `${state}dev.json`));
  write(`${state}dev.json.gz`, "");
  const { code, output } = await down();
  expect(code, output).toBe(0);
  expect(asked()).toEqual(["destroy --yes --skip-preview --stack dev"]);
});

test("without another stack all of this checkout goes", async () => {
  const { code, output } = await down();
  expect(code, output).toBe(0);
  expect(output).toMatch(/✓ State of this checkout removed/);
  expect(output).not.toContain("Left alone");
  expect(asked()).toEqual(["destroy --yes --skip-preview --stack dev"]);
  expect([has(".silver"), has("stacks/Pulumi.dev.yaml")]).toEqual([false, false]);
});

test.each([
  ["its state is in .silver", ".silver/state/.pulumi/stacks/silverlining/staging.json", "{}"],
  ["its state is there, compressed", ".silver/state/.pulumi/stacks/silverlining/staging.json.gz", ""],
  ["its project has another name", ".silver/state/.pulumi/stacks/elsewhere/staging.json", "{}"],
  ["its secrets may be encrypted by the passphrase", "stacks/Pulumi.staging.yaml", "encryptionsalt: v1:abc\n"],
])("another stack is named and left alone: %s", async (_, path, content) => {
  write(path, content);
  const { code, output } = await down();
  expect(code, output).toBe(0);
  expect(output).toMatch(/✓ State of stack dev removed/);
  expect(output).toContain(`Left alone: staging, with the state and the passphrase in ${root}/.silver.\n`);
  expect(asked()).toEqual(["destroy --yes --skip-preview --stack dev", "stack rm dev --yes --force --non-interactive"]);
  expect([path, ".silver/passphrase", ".silver/ssh/id_ed25519"].filter(has)).toHaveLength(3);
  expect([has(".silver/state/.pulumi/stacks/silverlining/dev.json"), has("stacks/Pulumi.dev.yaml")]).toEqual([false, false]);
});

test("a stack whose secrets are encrypted by another provider needs no passphrase of this checkout", async () => {
  write("stacks/Pulumi.production.yaml", "secretsprovider: awskms://alias/silver\nencryptedkey: abc\n");
  const { code, output } = await down();
  expect(code, output).toBe(0);
  expect([has(".silver"), has("stacks/Pulumi.production.yaml")]).toEqual([false, true]);
});

test.skipIf(process.getuid?.() !== 0)("nodes of another stack stay", async () => {
  write(".silver/state/.pulumi/stacks/silverlining/staging.json", "{}");
  write("stacks/staging.yaml", "nodes: { web2: { local: true, os: debian-12 } }\nsites: {}\n");
  const [ours, theirs, nobodys] = ["web1", "web2", "old"].map(halfMade);
  const { code, output } = await down();
  expect(code, output).toBe(0);
  expect([ours, theirs, nobodys].map((file = "") => existsSync(file))).toEqual([false, true, true]);
});

test("again, there is nothing left to do but for others", async () => {
  write("stacks/Pulumi.staging.yaml", "encryptionsalt: v1:abc\n");
  await down();
  const { code, output } = await down();
  expect(code, output).toBe(0);
  expect(asked()).toHaveLength(2);
  expect(has(".silver/passphrase")).toBe(true);
});
