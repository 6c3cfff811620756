// Two environments and one node: against the real agent, by the project's own commands.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { cloneOf } from "../../components/machines/clone.ts";
import type { Owner } from "../../components/node/contract.ts";
import { installCommand, installInput } from "../../components/node/install-command.ts";
import { agentZipapp } from "../../components/node/zipapp.ts";
import { canonicalJson } from "../../components/render/canonical-json.ts";
import { renderNodeState } from "../../components/render/node-state.ts";
import { deploy } from "../../components/rollout/deploy.ts";
import { renderOutcome } from "../../components/rollout/outcome.ts";
import { remove } from "../../components/rollout/remove.ts";
import type { Rollout } from "../../components/rollout/rollout.ts";
import { Session } from "../../components/rollout/session.ts";
import { toolsOver, useFakeNodes, type Nodes } from "../support/declared.ts";
import type { FakeNode } from "../support/fake-node.ts";
import { inOwnNetwork } from "../support/own-network.ts";
import { ownerOf } from "../support/owner.ts";

const checkout = resolve(import.meta.dirname, "../..");
const { boot, declare } = useFakeNodes();
const older = declare("1.0.0");
const newer = declare("1.1.0");
const other: Owner = { ...ownerOf("web1"), id: "b".repeat(64), name: "shop/staging", backend: "file:///home/bo/shop on laptop" };
const refusal = "web1 is another environment's: silverlining/test, whose state is in s3://acme-pulumi, has it as web1 since ";
const fix = "silver claim web1 -e staging, which asks for the owner's name";

const withOwner = (rollout: Rollout, owner: Owner): Rollout =>
  Object.defineProperties({} as Rollout, {
    ...Object.getOwnPropertyDescriptors(rollout),
    nodes: { value: rollout.nodes.map((node) => ({ ...node, owner })) },
  });

async function ask<T>(node: FakeNode, work: (session: Session) => Promise<T>): Promise<T> {
  const session = new Session({
    node: "web1",
    channel: node.channel(),
    onEvent: () => undefined,
    explain: () => ({ code: "lost", message: "" }),
  });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

const claimOf = async (node: FakeNode) => (await ask(node, (session) => session.ask("hello", {}))).claim;

describe("another environment's", () => {
  let nodes: Nodes & { web1: FakeNode };
  beforeEach(async () => {
    nodes = await boot({ web1: { live: older } });
  });

  test("converge is refused, with the owner's name and the command that hands the node over", async () => {
    const { plan } = newer;
    const [planned] = plan.nodes;
    if (planned === undefined) throw new Error("the plan has a node");
    const state = renderNodeState({ ...plan, sites: [] }, { ...planned, sites: [], routes: [] });
    await expect(ask(nodes.web1, (session) => session.ask("converge", { owner: other, state }))).rejects.toMatchObject({
      details: {
        code: "claimed",
        message: expect.stringContaining(refusal) as string,
        fix: expect.stringContaining(fix) as string,
      },
    });
    expect(await nodes.web1.live()).toBe(older.request(["web1"]).release);
  });

  test("rollout is refused before anything is sent", async () => {
    const rollout = withOwner(newer.rollout(["web1"]), other);
    const outcome = await deploy(rollout, toolsOver(nodes, newer));
    expect(outcome).toMatchObject({ verdict: "refused", failures: [{ node: "web1", step: "lease", code: "claimed" }] });
    const told = renderOutcome(outcome, rollout).join("\n");
    expect(told).toContain(`  web1, lease: ${refusal}`);
    expect(told).toContain(`  next: take web1 out of one of the two, or hand it over: ${fix}; then pulumi up`);
    expect(nodes.web1.calls).toEqual(["hello", "lease", "status"]);
    expect(nodes.web1.verdicts()).toHaveLength(1);
  });

  test("site of the same name is not removed by the one that has the node no more, which goes on", async () => {
    const { done, lines } = await remove(withOwner(older.rollout(["web1"]), other), toolsOver(nodes, older));
    expect(done).toBe(true);
    expect(lines.join("\n")).toContain(`  what is there was left alone: ${refusal}`);
    expect(await nodes.web1.live()).toBe(older.request(["web1"]).release);
  });
});

describe("silver claim", () => {
  let directory: string;
  let web1: FakeNode;
  const state = (owner: Owner | undefined) => {
    const stdout = JSON.stringify({ name: "web1", address: "10.0.0.1", port: 22, hostKey: "ssh-ed25519 AAAA", owner });
    const urn = "urn:pulumi:staging::shop::silver:resources:Node$silver:machines:HostMachine$command:local:Command::web1-machine";
    const resources = [{ urn, inputs: { environment: { user: "root" } }, outputs: { stdout } }];
    writeFileSync(join(directory, "state"), JSON.stringify({ deployment: { resources } }));
  };

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "silver-claim-"));
    for (const name of ["cli", "components", "package.json", "Pulumi.yaml"])
      cpSync(join(checkout, name), join(directory, name), { recursive: true });
    symlinkSync(join(checkout, "node_modules"), join(directory, "node_modules"));
    for (const name of ["stacks", "bin", "nodes"]) mkdirSync(join(directory, name));
    writeFileSync(join(directory, "stacks/staging.yaml"), "nodes: {}\nsites: {}\n");
    writeFileSync(join(directory, "bin/pulumi"), `#!/bin/sh\ncat ${directory}/state\n`, { mode: 0o755 });
    symlinkSync(join(checkout, "test/support/fake-ssh.sh"), join(directory, "bin/ssh"));
    ({ web1 } = await boot({ web1: { live: older } }));
    symlinkSync(web1.root, join(directory, "nodes/web1"));
    state(other);
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true });
  });

  const claim = (typed: string, ...words: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ["cli/main.ts", "claim", "web1", "-e", "staging", ...words], {
      cwd: directory,
      encoding: "utf8",
      input: typed,
      env: {
        ...process.env,
        PATH: [join(directory, "bin"), process.env.PATH].join(delimiter),
        FAKE_NODES: join(directory, "nodes"),
        FAKE_SESSION: join(checkout, "test/support/faulty-session.ts"),
      },
    });
    return { status, stdout, stderr };
  };

  test("says whose the node is, and takes it only from the owner whose name is typed", async () => {
    for (const typed of ["", "\n", "yes\n", "shop/staging\n", "test\n", "SILVERLINING/test\n"]) {
      const { status, stderr } = claim(typed);
      expect(status).toBe(1);
      expect(stderr).toContain("web1 is silverlining/test's, whose state is in s3://acme-pulumi: it has it as web1 since 2");
      expect(stderr).toContain(": web1 stays as it is\n  type silverlining/test when silver claim asks for it\n");
      expect(await claimOf(web1)).toMatchObject(ownerOf("web1"));
    }
    expect(claim("silverlining/test\n")).toMatchObject({
      status: 0,
      stdout: "✓ web1 is staging's: it was silverlining/test's, which is refused from now on\n\nNext: silver up -e staging\n",
    });
    expect(await claimOf(web1)).toMatchObject(other);
    expect(claim("").stdout).toBe("web1 is staging's already\n");
    const outcome = await deploy(newer.rollout(["web1"]), toolsOver({ web1 }, newer));
    expect(outcome).toMatchObject({ verdict: "refused", failures: [{ code: "claimed" }] });
  });

  test("claims a node that is nobody's, tells it as JSON, and wants a machine in the state", async () => {
    await ask(web1, (session) => session.ask("give-up", { owner: ownerOf("web1") }));
    expect(JSON.parse(claim("", "--json").stdout)).toEqual({ node: "web1", owner: other, from: null });
    state(undefined);
    expect(claim("")).toMatchObject({
      status: 1,
      stderr: "✗ the state of staging has no machine of a node web1\n  run silver up -e staging first\n",
    });
  });

  test("refuses a local node that another environment of the checkout has made, and says what to do", () => {
    vi.stubEnv("XDG_STATE_HOME", join(directory, "state-home"));
    const made = join(cloneOf(directory).nodesDirectory, "web1");
    mkdirSync(made, { recursive: true });
    state(undefined);
    const declare = (node: string) => {
      writeFileSync(join(directory, "stacks/staging.yaml"), `nodes: { web1: ${node} }\nsites: {}\n`);
    };
    const madeFor = (name: string) => {
      writeFileSync(join(made, "node.json"), JSON.stringify({ name: "web1", owner: { ...ownerOf("web1"), name } }));
    };
    declare("{ local: true, os: debian-12, roles: [web] }");
    madeFor("silverlining/test");
    expect(claim("silverlining/test\n")).toMatchObject({
      status: 1,
      stderr:
        "✗ a local node is not handed over: node web1 of this checkout is another environment's: silverlining/test, whose state is in s3://acme-pulumi\n" +
        "  give the node another name in one of the two; or let the other one go: silver destroy test\n",
    });
    // Its own from before its state was lost, and a machine of somebody's that was never reached.
    const first = "✗ the state of staging has no machine of a node web1\n  run silver up -e staging first\n";
    madeFor("silverlining/staging");
    expect(claim("").stderr).toBe(first);
    madeFor("silverlining/test");
    declare('{ host: 192.0.2.1, os: debian-12, roles: [web], hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA" }');
    expect(claim("").stderr).toBe(first);
  });
});

describe("the script of a node", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "silver-install-"));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  /** Runs it with empty directories of its own where a node has its files, and `then`; returns what is there. */
  function install(owner: Owner, place: string, then = "") {
    const [planned] = newer.plan.nodes;
    if (planned === undefined) throw new Error("the plan has a node");
    const agent = agentZipapp();
    const facts = { node: "web1", os: "debian-12", packages: [], sites: [], routes: [], agent: agent.sha256, user: "root" };
    writeFileSync(join(directory, "script"), installCommand(facts));
    const input = installInput(agent, owner, renderNodeState(newer.plan, planned), canonicalJson);
    const around = `for each in /etc /usr/local /var/lib; do mount -t tmpfs none $each; done
${place}
sh ${directory}/script
echo "ended with $?"
cat /var/lib/silver/claim.json /etc/silver/claim.json 2>/dev/null
find /usr/local -type f
${then}`;
    const [program, ...words] = inOwnNetwork(["unshare", "--mount", "sh", "-c", around]);
    return spawnSync(program, words, { input, encoding: "utf8", env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin" } });
  }

  test("leaves another environment's node its agent", () => {
    const claimed = JSON.stringify({ ...ownerOf("web1"), since: "2026-11-30T02:00:00+00:00" });
    const placed = `mkdir -p /var/lib/silver /usr/local/lib/silver; echo older >/usr/local/lib/silver/agent.pyz
echo '${claimed}' >/var/lib/silver/claim.json`;
    const { stdout, stderr } = install(other, placed);
    expect(stdout).toBe(`ended with 1\n${claimed}\n/usr/local/lib/silver/agent.pyz\n`);
    expect(stderr).toContain(`silver-agent claim: claimed: ${refusal}2026-11-30T02:00:00+00:00`);
    expect(stderr).toContain(fix);
  });

  test("claims a node that is nobody's, and installs the agent, which goes on", () => {
    const { stdout, stderr } = install(other, "mkdir -p /var/lib/silver");
    expect(stdout).toContain(`"name":"${other.name}"`);
    expect(stdout).toContain("/usr/local/lib/silver/agent.pyz\n");
    // This computer is not a node.
    expect(stderr).toContain("silver-agent converge: os-differs: web1 runs ?-?");
  });

  test("runs no code of an app as root, whose config may say where Python finds some", () => {
    const own = `${directory}/own`;
    // As systemd does for the end of a job's run: with the unit's variables.
    const asked = `mkdir ${own}; echo 'print("code of the app")' >${own}/sitecustomize.py
PYTHONPATH=${own} /usr/local/bin/silver-agent hello </dev/null`;
    const { stdout } = install(other, "mkdir -p /var/lib/silver", asked);
    expect(stdout).toContain('"protocol"');
    expect(stdout).not.toContain("code of the app");
  });
});

describe("the commands of machines", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "silver-owner-"));
    mkdirSync(join(directory, "bin"));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true });
  });

  const host = { address: "10.0.0.1", hostKey: "ssh-ed25519 AAAA", user: "silver", os: "debian-12", owner: "shop/staging" };
  const before = { name: "web1", address: "10.0.0.9", port: 2222, hostKey: "ssh-ed25519 BBBB" };

  /** @param ssh a script that stands for it, and sees what is asked of the agent on stdin */
  const machines = (words: string[], variables: NodeJS.ProcessEnv, ssh = "exit 255") => {
    writeFileSync(join(directory, "bin/ssh"), `#!/bin/sh\necho "$*" >>${directory}/asked\ncat >>${directory}/asked\n${ssh}\n`, {
      mode: 0o755,
    });
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(checkout, "components/machines/main.ts"), ...words], {
      encoding: "utf8",
      env: {
        ...process.env,
        PATH: [join(directory, "bin"), process.env.PATH].join(delimiter),
        XDG_STATE_HOME: join(directory, "state"),
        PULUMI_BACKEND_URL: "s3://KEY:SECRET@acme-pulumi/apps?endpoint=minio.acme.net&awssecret=hunter2",
        ...variables,
      },
    });
    const file = join(directory, "asked");
    const asked = existsSync(file) ? readFileSync(file, "utf8") : "";
    rmSync(file, { force: true });
    return { status, stdout, stderr, asked };
  };
  const facts = "printf 'silver-facts\\n0123456789abcdef\\ndebian-12\\n'";
  const ownerIn = (stdout: string) => (JSON.parse(stdout) as { owner: Owner }).owner;

  test("a machine that is reached is an environment's by an id that its state keeps, wherever it is then", () => {
    const first = ownerIn(machines(["reach", "web1"], host, facts).stdout);
    expect(first).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      name: "shop/staging",
      backend: "s3://acme-pulumi/apps?endpoint=minio.acme.net",
      node: "web1",
    });
    // Another run in the same environment, of another stack, and one whose state moved to a directory.
    expect(ownerIn(machines(["reach", "web1"], host, facts).stdout).id).toBe(first.id);
    expect(ownerIn(machines(["reach", "web1"], { ...host, owner: "shop/dev" }, facts).stdout).id).not.toBe(first.id);
    const printed = JSON.stringify({ ...before, hostKey: host.hostKey, owner: first });
    const moved = { ...host, PULUMI_BACKEND_URL: "file:///srv/state", PULUMI_COMMAND_STDOUT: printed };
    expect(ownerIn(machines(["reach", "web1"], moved, facts).stdout)).toMatchObject({
      id: first.id,
      backend: expect.stringMatching(/^file:\/\/\/srv\/state on \S+$/) as string,
    });
    // Two checkouts that keep their states in directories are two environments, however these are called.
    const [one, two] = [1, 2].map(() => machines(["reach", "web1"], { ...host, PULUMI_BACKEND_URL: "file:///state" }, facts));
    expect(ownerIn(one?.stdout ?? "").id).not.toBe(ownerIn(two?.stdout ?? "").id);
  });

  test("a machine is left by its owner, and one that is gone keeps nobody from taking its node out", () => {
    const gone = { ...host, PULUMI_COMMAND_STDOUT: JSON.stringify({ ...before, owner: other }) };
    const left = machines(["leave", "web1"], gone, "exit 0");
    expect(left).toMatchObject({ status: 0, stderr: "" });
    expect(left.asked).toContain("silver@10.0.0.1 -- sudo -n /usr/local/bin/silver-agent give-up\n");
    expect(left.asked).toContain(JSON.stringify({ owner: other }));
    expect(machines(["leave", "web1"], gone, "echo 'No route to host' >&2; exit 255")).toMatchObject({
      status: 0,
      stderr: "! web1 (10.0.0.1) was not told that it is free now: No route to host\n",
    });
    expect(machines(["leave", "web1"], host)).toMatchObject({ status: 0, asked: "" });
  });

  test("a node that becomes another machine leaves the one before, and not where only its address changes", () => {
    const PULUMI_COMMAND_STDOUT = JSON.stringify({ ...before, owner: other });
    expect(machines(["reach", "web1"], { ...host, PULUMI_COMMAND_STDOUT }, facts).asked).toContain("-p 2222 ");
    const same = { ...host, hostKey: before.hostKey, PULUMI_COMMAND_STDOUT };
    expect(machines(["reach", "web1"], same, facts).asked).not.toContain("give-up");
  });

  test("a local node that another environment of the checkout has made is not removed with this one", () => {
    vi.stubEnv("XDG_STATE_HOME", join(directory, "state"));
    const { nodesDirectory } = cloneOf(checkout);
    mkdirSync(join(nodesDirectory, "web1"), { recursive: true });
    const record = { name: "web1", owner: other };
    writeFileSync(join(nodesDirectory, "web1/node.json"), JSON.stringify(record));
    const { status, stderr } = machines(["remove", "web1"], { os: "debian-12", owner: "silverlining/dev" });
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: "Node web1 belongs to shop/staging, whose state is in file:///home/bo/shop on laptop: left alone\n",
    });
    expect(readdirSync(join(nodesDirectory, "web1"))).toEqual(["node.json"]);
  });
});
