import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadPlan } from "../../components/plan/load.ts";
import { renderRelease } from "../../components/render/release.ts";
import { requestRollout } from "../../components/rollout/rollout.ts";
import type { PlacedNode, RolloutRequest } from "../../components/rollout/rollout.ts";
import { fakeNode } from "../support/fake-agent.ts";
import type { FakeNode } from "../support/fake-agent.ts";
import { startRollout } from "../support/rollout-program.ts";
import type { Ended, Running } from "../support/rollout-program.ts";
import { aRollout, oldRelease } from "../support/rollout-fixture.ts";

const [web1] = aRollout(["web1"]).nodes as [PlacedNode];
let root = "";
let uploaded = "";
let newRelease = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "rollout-main-"));
  uploaded = join(root, "uploaded");
  for (const path of ["stacks", "apps/hello/src", "nodes", "bin"]) mkdirSync(join(root, path), { recursive: true });
  writeFileSync(join(root, "apps/hello/src/wsgi.py"), "application = 1\n");
  writeFileSync(
    join(root, "apps/hello/app.yaml"),
    "name: hello\nversion: 1.1.0\nrunner: src/wsgi.py\ncheck: {path: /health, within: 5s}\ntimeouts: {start: 5s}\n",
  );
  const { address, hostKey } = web1;
  writeFileSync(
    join(root, "stacks/test.yaml"),
    `nodes: {web1: {host: ${address}, os: debian-13, roles: [web], hostKey: ${hostKey}}}
sites: {hello: {app: apps/hello, nodes: [web1], locations: [hello.test]}}
`,
  );
  newRelease = theRequest().release;
  const ssh = resolve(import.meta.dirname, "../support/fake-agent-ssh.sh");
  symlinkSync(ssh, join(root, "bin/ssh"));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const setNode = (name: string, settings: Partial<FakeNode> = {}): void => {
  writeFileSync(
    join(root, `nodes/${name}.json`),
    JSON.stringify(fakeNode({ live: oldRelease, directory: uploaded, ...settings })),
  );
};
const node = (name: string): FakeNode => JSON.parse(readFileSync(join(root, `nodes/${name}.json`), "utf8")) as FakeNode;

function theRequest(changes: Partial<RolloutRequest> = {}): RolloutRequest {
  const { value: plan, issues } = loadPlan(root, "test");
  const [site] = plan?.sites ?? [];
  if (plan === undefined || site === undefined) throw new Error(JSON.stringify(issues));
  return { ...requestRollout(plan.ssh, site, renderRelease(site).id, [web1], {}), ...changes };
}

const start = (input: string, args: string[] = [], through: string[] = []): Running =>
  startRollout(root, input, {
    args,
    through,
    env: {
      PATH: `${join(root, "bin")}:${process.env.PATH ?? ""}`,
      FAKE_NODES: join(root, "nodes"),
      FAKE_AGENT: resolve(import.meta.dirname, "../support/fake-agent.ts"),
    },
  });

const run = (request: RolloutRequest, args: string[] = []): Promise<Ended> => start(JSON.stringify(request), args).ended;

async function until(what: string, isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`never true: ${what}`);
    await pause(10);
  }
}

test("a rollout sends the app, prints one line for the state, and short lines for people", async () => {
  setNode("web1");
  const { code, stdout, stderr } = await run(theRequest());
  expect({ code, stdout }).toEqual({ code: 0, stdout: `{"release":"${newRelease}","verdict":"live"}\n` });
  expect(readFileSync(join(uploaded, "src/wsgi.py"), "utf8")).toBe("application = 1\n");
  expect(
    stderr
      .replaceAll(/\d+\.\d s/g, "N s")
      .replaceAll(/\d+ bytes/g, "N bytes")
      .split("\n"),
  ).toEqual([
    "web1     connect  debian-13, Python 3.13.5 · N s",
    "web1     upload   2 of 2 files new, N bytes sent · N s",
    `web1     prepare  hello ${newRelease} started on 127.64.0.2:20002 · N s`,
    "web1     check    http://127.64.0.2:20002/health answered 200 · N s",
    `web1     flip     serves ${newRelease}, was ${oldRelease} · N s`,
    "web1     watch    http://127.64.0.2:20002/health answered 200 · N s",
    `web1     cut-over ${newRelease} stays · N s`,
    `hello: live. ${newRelease} serves.`,
    `  web1 serves ${newRelease}`,
    "",
  ]);
});

test("a failed rollout exits with 1, and its last lines are the summary", async () => {
  setNode("web1", { faults: [{ verb: "check", kind: "not-ok" }] });
  const { code, stdout, stderr } = await run(theRequest());
  expect({ code, stdout }).toEqual({ code: 1, stdout: `{"release":"${newRelease}","verdict":"reverted"}\n` });
  expect(stderr.trimEnd().split("\n").slice(-9)).toEqual([
    `hello: reverted. Rolled back: ${oldRelease} still serves.`,
    "  web1, check: http://127.64.0.2:20002/health: status 500, expected 200",
    "  it answered:",
    "    Internal Server Error",
    "  its last log lines:",
    "    Traceback (most recent call last):",
    "    KeyError: 'STRIPE_KEY'",
    `  web1 serves ${oldRelease}`,
    "  next: fix apps/hello, then pulumi up",
  ]);
});

test("a secret reaches the node, and no command line and no output, even where the app logs it", async () => {
  setNode("web1", { faults: [{ verb: "check", kind: "not-ok" }] });
  const secrets = { KEY: "STRIPE_KEY", OTHER: "Internal Server Error" };
  const { stdout, stderr } = await run(theRequest({ secrets }));
  expect(node("web1").secrets).toEqual(secrets);
  expect(stderr).toContain("KeyError: '[secret]'");
  for (const text of [stdout, stderr, readFileSync(join(root, "nodes/argv"), "utf8")]) {
    for (const secret of Object.values(secrets)) expect(text).not.toContain(secret);
  }
});

test("input that is no rollout is refused by the names of its fields, without a value and without a stack", async () => {
  const { code, stderr } = await start(
    JSON.stringify({ ...theRequest(), site: { ...theRequest().site, retain: "three" }, secrets: { KEY: 7 } }),
  ).ended;
  expect(code).toBe(1);
  expect(stderr).toBe("stdin carries no valid rollout: site.retain: invalid_type; secrets.KEY: invalid_type\n");
  expect((await start("{").ended).stderr).toBe(
    "stdin is not JSON: it carries one rollout, made by the program's site component\n",
  );
});

test("an app that changed since the plan is refused", async () => {
  setNode("web1");
  const request = theRequest();
  writeFileSync(join(root, "apps/hello/src/wsgi.py"), "application = 2\n");
  const { code, stderr } = await run(request);
  expect(code).toBe(1);
  expect(stderr).toContain("hello: refused. Nothing was changed");
  expect(stderr).toContain("the files of apps/hello changed since the plan");
});

test("a release that this project no longer makes of the plan is refused", async () => {
  setNode("web1");
  const { code, stderr } = await run(theRequest({ release: oldRelease }));
  expect(code).toBe(1);
  expect(stderr).toContain("hello: refused. Nothing was changed");
  expect(stderr).toContain(
    `this project's own files changed since the plan: they now render ${newRelease}, and ${oldRelease} was planned`,
  );
});

test("nothing is left behind in the temporary directory", async () => {
  setNode("web1");
  const before = readdirSync("/tmp").filter((name) => name.startsWith("silver-"));
  const { child, ended } = start(JSON.stringify(theRequest()));
  await ended;
  const mine = /\/tmp\/silver-[A-Za-z0-9]+/.exec(readFileSync(join(root, "nodes/argv"), "utf8"))?.[0];
  expect(child.exitCode).toBe(0);
  expect(mine).toBeDefined();
  expect([...before, ...readdirSync("/tmp")].map((name) => `/tmp/${name}`)).not.toContain(mine);
});

test.each(["SIGINT", "SIGTERM"] as const)("%s before the cut-over backs out, however often it comes", async (signal) => {
  setNode("web1", { gate: { verb: "prepare", file: join(root, "go") } });
  const { child, ended } = start(JSON.stringify(theRequest()));
  await until("it prepares", () => node("web1").calls.includes("prepare"));
  child.kill(signal);
  child.kill(signal);
  writeFileSync(join(root, "go"), "");
  const { code, stderr } = await ended;
  expect(code).toBe(1);
  expect(stderr).toContain(`hello: reverted. Rolled back: ${oldRelease} still serves.\n  stop: stopped: `);
  expect(node("web1")).toMatchObject({ live: oldRelease, journal: null, holder: null, verdicts: ["reverted"] });
});

test("an interrupt after the cut-over lets the rollout finish", async () => {
  setNode("web1", { gate: { verb: "finish", file: join(root, "go") } });
  const { child, told, ended } = start(JSON.stringify(theRequest()));
  await until("it finishes", () => node("web1").calls.includes("finish"));
  child.kill("SIGINT");
  await until("it has noticed", () => told().includes("stopping: interrupted"));
  writeFileSync(join(root, "go"), "");
  expect((await ended).code).toBe(0);
  expect(node("web1")).toMatchObject({ live: newRelease, verdicts: ["live"] });
});

const spawning = (words: string): string[] => [
  process.execPath,
  "-e",
  `require("child_process").spawn(${words}, {stdio: "inherit"})`,
  "--",
];

test.each([
  ["its parent", spawning("process.execPath, process.argv.slice(1)")],
  ["whoever started its shell", spawning('"/bin/sh", ["-c", `"${process.execPath}" "${process.argv[1]}"; exit`]')],
])("a rollout backs out by itself when %s is killed", async (_, through) => {
  setNode("web1", { gate: { verb: "prepare", file: join(root, "go") } });
  const { child, told } = start(JSON.stringify(theRequest()), [], through);
  await until("it prepares", () => node("web1").calls.includes("prepare"));
  child.kill("SIGKILL");
  await until("it has noticed", () => told().includes("stopping: the process that started it is gone"));
  writeFileSync(join(root, "go"), "");
  await until("it has gone back", () => node("web1").verdicts.length > 0);
  expect(node("web1")).toMatchObject({ live: oldRelease, journal: null, verdicts: ["reverted"] });
});

test("a rollout that is killed leaves a node that undoes by itself", async () => {
  setNode("web1", { gate: { verb: "check", file: join(root, "go") } });
  const { child } = start(JSON.stringify(theRequest()));
  await until("it checks", () => node("web1").calls.includes("check direct"));
  child.kill("SIGKILL");
  await until("the agent has undone it", () => node("web1").calls.includes("(undo)"));
  expect(node("web1")).toMatchObject({ live: oldRelease, journal: null, holder: null });
});

test("remove stops serving the site and says where its data is; run again it changes nothing", async () => {
  setNode("web1");
  const { code, stdout, stderr } = await run(theRequest(), ["remove"]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  expect(stderr).toContain("archived in /srv/silver/.archive/hello");
  expect(node("web1")).toMatchObject({ live: null, holder: null });
  expect((await run(theRequest(), ["remove"])).code).toBe(0);
});

test.each([
  ["makes no release any more", { platform: "php" }],
  ["says less of a database", { services: [{ type: "postgres", name: "db" }] }],
])("a site can be removed whose plan, an older version's, %s", async (_, older) => {
  setNode("web1");
  const { site, ...rest } = theRequest();
  const { code, stderr } = await start(JSON.stringify({ ...rest, site: { ...site, ...older } }), ["remove"]).ended;
  expect(code, stderr).toBe(0);
  expect(node("web1")).toMatchObject({ live: null, holder: null });
});

test("remove of a site on a node that is gone says how to let go of it", async () => {
  rmSync(join(root, "bin/ssh"));
  writeFileSync(
    join(root, "bin/ssh"),
    "#!/bin/sh\necho 'ssh: connect to host 10.0.0.1 port 22: No route to host' >&2\nexit 255\n",
  );
  chmodSync(join(root, "bin/ssh"), 0o755);
  const { code, stderr } = await run(theRequest(), ["remove"]);
  expect(code).toBe(1);
  expect(stderr).toContain(
    "  web1, connect: root@10.0.0.1:22 can't be reached: ssh: connect to host 10.0.0.1 port 22: No route to host",
  );
  expect(stderr).toContain("if web1 is gone for good: pulumi state delete");
});

test("words it does not know are refused", async () => {
  expect(await start("", ["destroy"]).ended).toMatchObject({
    code: 1,
    stderr: "usage: main.ts [deploy|remove] < rollout.json\n",
  });
});
