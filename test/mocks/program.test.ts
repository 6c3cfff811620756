// Which resources the components make, with which inputs, and which of those are secret. Order and replacement: test/engine.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BrokenSite } from "../../components/resources/broken-site.ts";
import { tellMissingKey } from "../../components/resources/missing-key.ts";
import { Node } from "../../components/resources/node.ts";
import { Site } from "../../components/resources/site.ts";
import type { Plan } from "../../components/plan/plan.ts";
import { renderRelease } from "../../components/render/release.ts";
import { goldenPlans } from "../support/golden-plans.ts";
import { ownerOf } from "../support/owner.ts";

const { hello } = goldenPlans;
if (hello === undefined) throw new Error("no plan of hello");

interface Made {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
}

let made: Made[];

beforeEach(() => mock("organization"));
afterEach(() => pulumi.runtime.disconnect());

async function mock(organization: string): Promise<void> {
  made = [];
  const mocks: pulumi.runtime.Mocks = {
    newResource: ({ type, name, inputs }) => {
      made.push({ type, name, inputs: inputs as Record<string, unknown> });
      const record = {
        ...{ address: "10.1.2.3", hostKey: "ssh-ed25519 AAAA", machineId: "0123456789abcdef0123456789abcdef" },
        owner: ownerOf("web1"),
      };
      return { id: `${name}-id`, state: { ...inputs, stdout: JSON.stringify(record), stderr: "" } as Record<string, unknown> };
    },
    call: ({ token }) => {
      throw new Error(`no call is expected, and ${token} was made`);
    },
  };
  await pulumi.runtime.setMocks(mocks, "silverlining", "test", false, organization);
}

async function declare(plan: Plan, secrets: Record<string, string> = {}): Promise<void> {
  const nodes = new Map(plan.nodes.map((node) => [node.name, new Node(node.name, { plan, node })]));
  for (const site of plan.sites) {
    const placed = site.nodes.flatMap((name) => nodes.get(name) ?? []);
    new Site(site.name, { plan, site, nodes: placed, secrets: pulumi.secret(secrets) });
  }
  await pulumi.runtime.disconnect();
}

const inputsOf = (name: string) => made.find((resource) => resource.name === name)?.inputs ?? {};

test("a local node and a site are three commands in their components, and nothing else", async () => {
  await declare(hello);
  expect(made.map(({ type, name }) => `${type} ${name}`).sort()).toEqual([
    "command:local:Command hello-rollout",
    "command:local:Command web1-machine",
    "command:remote:Command web1-state",
    "silver:machines:LocalMachine web1",
    "silver:resources:Node web1",
    "silver:resources:Site hello",
  ]);
});

test("what a reviewer must see of a site is plain, small and on the command itself", async () => {
  const [site] = hello.sites;
  if (site === undefined) throw new Error("the plan has a site");
  await declare(hello);
  expect(inputsOf("hello-rollout").environment).toMatchObject({
    site: "hello",
    version: site.version,
    release: renderRelease(site).id,
    nodes: "web1",
  });
});

test("a configuration directory is one line of what a reviewer sees, and its files are in no input", async () => {
  const [site] = hello.sites;
  if (site === undefined) throw new Error("the plan has a site");
  const entry = { path: "blog.ini", type: "file", executable: false, sha256: "4".repeat(64), size: 7 } as const;
  const configDirectory = { of: "environment", path: "config/blog", digest: "3fa2c1d0".repeat(8), entries: [entry] } as const;
  await declare({ ...hello, sites: [{ ...site, configDirectory: { ...configDirectory, entries: [entry] } }] });
  const { environment, stdin } = inputsOf("hello-rollout");
  expect(environment).toMatchObject({ configDirectory: `config/blog sha256:${"3fa2c1d0".repeat(8)}` });
  expect(environment).not.toMatchObject({ release: renderRelease(site).id });
  expect(JSON.stringify(stdin)).not.toContain("blog.ini");
});

test("what travels by stdin is a secret, and holds the secrets' values; nothing plain does", async () => {
  await declare(hello, { API_KEY: "planted" });
  const { stdin, ...plain } = inputsOf("hello-rollout");
  expect(JSON.stringify(plain)).not.toContain("planted");
  expect(pulumi.runtime.isRpcSecret(stdin)).toBe(true);
  expect(JSON.stringify(stdin)).toContain("planted");
});

test("a connection holds no key, and verifies the host's", async () => {
  await declare(hello);
  expect(pulumi.runtime.unwrapRpcSecret(inputsOf("web1-state").connection)).toEqual({
    host: "10.1.2.3",
    port: 22,
    user: "root",
    hostKey: "ssh-ed25519 AAAA",
    dialErrorLimit: 3,
    perDialTimeout: 15,
  });
});

test("the head of a node's command says what the node is, one fact a line, and its stdin no path of this machine", async () => {
  await declare(hello);
  const { create, stdin } = inputsOf("web1-state") as { create: string; stdin: string };
  expect(create.split("\n").filter((line) => line.startsWith("# "))).toEqual([
    "# node: web1 (ubuntu-24.04)",
    "# machine: 0123456789abcdef0123456789abcdef",
    expect.stringMatching(/^# packages: apache2-bin .*varnish/),
    "# sites: hello",
    "# route: */ → hello",
    expect.stringMatching(/^# agent: [0-9a-f]{8}$/),
  ]);
  expect(stdin).not.toContain(process.cwd());
});

test("memory that a node has for its sites is one of these facts", async () => {
  await declare({ ...hello, nodes: hello.nodes.map((node) => ({ ...node, memoryBytes: 8 * 1024 ** 3 })) });
  expect((inputsOf("web1-state") as { create: string }).create).toContain("\n# sites: hello\n# memory: 8G\n");
});

test("that a node speaks https is a fact of its machine and of its state, and of no other node's", async () => {
  const { https } = goldenPlans;
  if (https === undefined) throw new Error("no plan of https");
  await declare(https);
  expect(inputsOf("web1-machine")).toMatchObject({ environment: { authority: "local" }, triggers: ["ubuntu-24.04"] });
  const { create, stdin } = inputsOf("web1-state") as { create: string; stdin: string };
  expect(create).toContain("\n# https: authority local, HSTS max-age=15552000\n");
  expect(stdin).not.toContain("PRIVATE KEY");
  await mock("organization");
  await declare(hello);
  expect((inputsOf("web1-machine") as { environment: object }).environment).toEqual({
    os: "ubuntu-24.04",
    owner: "silverlining/test",
  });
});

test("a preview warns when no key in the agent opens the local nodes, and names the command that loads it", async () => {
  const directory = mkdtempSync(join(tmpdir(), "missing-key-"));
  const file = join(directory, "id.pub");
  const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
  let agent = "";
  await pulumi.runtime.setMocks({ newResource: () => ({ id: "", state: {} }), call: () => ({ stdout: agent }) });
  await tellMissingKey(file);
  writeFileSync(file, "ssh-ed25519 AAAAmine silverlining\n");
  agent = "ssh-ed25519 AAAAother me@laptop";
  await tellMissingKey(file);
  expect(warn.mock.calls).toEqual(
    Array.from({ length: 2 }, () => [
      'no key in the SSH agent of this shell opens the local nodes, so none of them can be set up\n  eval "$(sh scripts/env.sh)"',
    ]),
  );
  agent += "\nssh-ed25519 AAAAmine silverlining";
  await tellMissingKey(file);
  expect(warn).toHaveBeenCalledTimes(2);
  warn.mockRestore();
  rmSync(directory, { recursive: true });
});

test("a machine that somebody else made is reached and never made or deleted", async () => {
  const [node] = hello.nodes;
  if (node === undefined) throw new Error("the plan has a node");
  const machine = { kind: "host", host: "web1.acme.net", port: 2222, hostKey: "ssh-ed25519 BBBB" } as const;
  await declare({ ...hello, nodes: [{ ...node, machine }], ssh: { user: "silver", proxy: "bastion.acme.net" } });
  const { create, delete: remove, environment } = inputsOf("web1-machine");
  expect([create, remove]).toEqual([
    "node ../components/machines/main.ts reach web1",
    "node ../components/machines/main.ts leave web1",
  ]);
  expect(environment).toEqual({
    address: "web1.acme.net",
    port: "2222",
    hostKey: "ssh-ed25519 BBBB",
    user: "silver",
    os: "ubuntu-24.04",
    owner: "silverlining/test",
    proxy: "bastion.acme.net",
  });
  expect(inputsOf("web1-state").create).toContain("sudo -n python3");
});

test.each(["local", "host"] as const)(
  "the id of the environment that claims a %s machine is kept in the state by its command, and goes to its node and its sites",
  async (kind) => {
    const [node] = hello.nodes;
    if (node === undefined) throw new Error("the plan has a node");
    const host = { kind: "host", host: "web1.acme.net", port: 22, hostKey: "ssh-ed25519 BBBB" } as const;
    await declare({ ...hello, nodes: [kind === "host" ? { ...node, machine: host } : node] });
    expect(inputsOf("web1-machine")).toMatchObject({ addPreviousOutputInEnv: true, environment: { owner: "silverlining/test" } });
    const [, , converge = ""] = (inputsOf("web1-state") as { stdin: string }).stdin.split("\n");
    const rollout = (pulumi.runtime.unwrapRpcSecret(inputsOf("hello-rollout").stdin) as string).trim();
    expect(JSON.parse(converge)).toMatchObject({ owner: ownerOf("web1") });
    expect(JSON.parse(rollout)).toMatchObject({ nodes: [{ name: "web1", owner: ownerOf("web1") }] });
  },
);

test("a node that keeps what it had keeps its authority for certificates, too, or goes on without one", async () => {
  const [node] = hello.nodes;
  if (node === undefined) throw new Error("the plan has a node");
  const ignored: Record<string, unknown> = {};
  const transformations: pulumi.ResourceTransformation[] = [
    ({ name, opts }) => {
      ignored[name] = opts.ignoreChanges;
      return undefined;
    },
  ];
  new Node("web1", { plan: hello, node: { ...node, kept: true } }, { transformations });
  await pulumi.runtime.disconnect();
  expect(ignored).toMatchObject({ "web1-machine": ["environment.authority"], "web1-state": ["create", "stdin"] });
});

test("an environment's name has its organization before it, where the backend has some", async () => {
  await mock("acme");
  await declare(hello);
  expect(inputsOf("web1-machine")).toMatchObject({ environment: { owner: "acme/silverlining/test" } });
});

test("a broken site's command runs nothing that stands in a file's name", async () => {
  const place = { file: "apps/hello/conf/a\necho owned; exit 0\n\r.tmpl" };
  const issues = [{ code: "template-statement", severity: "error", place, message: "wrong" } as const];
  new BrokenSite("hello", { site: { name: "hello", nodes: [], routes: [], issues }, told: "told", others: [] });
  await pulumi.runtime.disconnect();
  const { create } = inputsOf("hello-rollout") as { create: string };
  expect(spawnSync("sh", ["-c", create], { encoding: "utf8" })).toMatchObject({ status: 1, stdout: "" });
  expect(create.split("\n")).toHaveLength(3);
});

test("a broken site keeps its names, touches no node, and says in its command where it is broken", async () => {
  const { routes = [], nodes = [] } = hello.sites[0] ?? {};
  const place = { file: "apps/hello/app.yaml", line: 3, column: 1 };
  const issues = [{ code: "unknown-key", severity: "error", place, message: "no key" } as const];
  new BrokenSite("hello", { site: { name: "hello", nodes, routes, issues }, told: "told", others: [] });
  await pulumi.runtime.disconnect();
  expect(made.map(({ type, name }) => `${type} ${name}`)).toEqual([
    "silver:resources:Site hello",
    "command:local:Command hello-rollout",
  ]);
  const { create, ...rest } = inputsOf("hello-rollout") as { create: string };
  expect(create.split("\n")[0]).toBe("# broken: apps/hello/app.yaml:3:1 [unknown-key]");
  expect(spawnSync("sh", ["-c", create], { encoding: "utf8" })).toMatchObject({ status: 1, stdout: "" });
  expect(Object.keys(rest).sort()).toEqual(["addPreviousOutputInEnv", "logging"]);
});
