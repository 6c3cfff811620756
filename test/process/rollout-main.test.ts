import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { RolloutRequest } from "../../components/rollout/rollout.ts";
import { answering, useFakeNodes } from "../support/declared.ts";
import type { Declared } from "../support/declared.ts";
import type { FakeNode, Way } from "../support/fake-node.ts";
import { startRollout } from "../support/rollout-program.ts";
import type { Ended, Running } from "../support/rollout-program.ts";

const { boot, declare } = useFakeNodes();
const older = declare("1.0.0");
const oldRelease = older.request(["web1"]).release;
/** Each test has its own, to change it. */
let newer: Declared;
let newRelease = "";
/** Holds `web1`, a link to its node, and `argv`, what ssh was started with. */
let nodes = "";
let bin = "";
let web1: FakeNode;
beforeEach(() => {
  newer = declare("1.1.0");
  newRelease = theRequest().release;
  nodes = mkdtempSync(join(tmpdir(), "rollout-main-"));
  bin = join(nodes, "bin");
  mkdirSync(bin);
  symlinkSync(resolve(import.meta.dirname, "../support/fake-ssh.sh"), join(bin, "ssh"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(nodes, { recursive: true });
});

const setNode = async (way: Partial<Way> = {}): Promise<void> => {
  ({ web1 } = await boot({ web1: { live: older, ...way } }));
  symlinkSync(web1.root, join(nodes, "web1"));
};
/** How the test's own rollouts ended on the node. */
const verdicts = (): string[] =>
  web1
    .verdicts()
    .slice(1)
    .map(({ verdict }) => verdict);
async function expectLeft(live: string, verdict: string): Promise<void> {
  expect(web1.underWay()).toEqual({ journal: false, holder: null });
  expect({ live: await web1.live(), verdicts: verdicts() }).toEqual({ live, verdicts: [verdict] });
}
const go = (): string => join(nodes, "go");

const theRequest = (changes: Partial<RolloutRequest> = {}): RolloutRequest => newer.request(["web1"], changes);

const start = (input: string, args: string[] = [], through: string[] = []): Running =>
  startRollout(newer.root, input, {
    args,
    through,
    env: {
      PATH: `${bin}:${process.env.PATH ?? ""}`,
      FAKE_NODES: nodes,
      FAKE_SESSION: resolve(import.meta.dirname, "../support/faulty-session.ts"),
    },
  });

const run = (request: RolloutRequest, args: string[] = []): Promise<Ended> => start(JSON.stringify(request), args).ended;

async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`never true: ${what}`);
    await pause(10);
  }
}

test("a rollout sends the app, prints one line for the state, and short lines for people", async () => {
  await setNode();
  const { code, stdout, stderr } = await run(theRequest());
  expect({ code, stdout }).toEqual({ code: 0, stdout: `{"release":"${newRelease}","verdict":"live"}\n` });
  const app = join(web1.root, `srv/silver/hello/releases/${newRelease}/app/src/wsgi.py`);
  expect(readFileSync(app, "utf8")).toBe(answering("1.1.0"));
  expect(
    stderr
      .replaceAll(/\d+\.\d s/g, "N s")
      .replaceAll(/\d+ bytes/g, "N bytes")
      .split("\n"),
  ).toEqual([
    expect.stringMatching(/^web1 {5}connect {2}debian-12, Python 3[.\d]+ · N s$/),
    "web1     upload   2 of 2 files new, N bytes sent · N s",
    `web1     prepare  checking 2 files of bundle ${newRelease.replace(/\.\w+$/, "")}`,
    expect.stringMatching(/^web1 {5}prepare {2}starting silver-\S+\.service$/),
    `web1     prepare  hello ${newRelease} started on 127.64.0.2:20002 · N s`,
    "web1     check    http://127.64.0.2:20002/health answered 200 · N s",
    `web1     flip     serves ${newRelease}, was ${oldRelease} · N s`,
    "web1     watch    http://127.0.0.1:80/health (Host: hello.test) answered 200 · N s",
    `web1     cut-over ${newRelease} stays · N s`,
    `hello: live. ${newRelease} serves.`,
    `  web1 serves ${newRelease}`,
    "",
  ]);
});

test("a failed rollout exits with 1, and its last lines are the summary", async () => {
  await setNode({ faults: [{ verb: "check", kind: "not-ok" }] });
  const { code, stdout, stderr } = await run(theRequest());
  expect({ code, stdout }).toEqual({ code: 1, stdout: `{"release":"${newRelease}","verdict":"reverted"}\n` });
  expect(stderr.trimEnd().split("\n").slice(-9)).toEqual([
    `hello: reverted. Rolled back: ${oldRelease} still serves.`,
    "  web1, check: http://127.64.0.2:20002/health: status 500, expected 200",
    "  it answered:",
    "    Internal Server Error",
    "  from its log:",
    "    Traceback (most recent call last):",
    "    KeyError: 'STRIPE_KEY'",
    `  web1 serves ${oldRelease}`,
    "  next: fix apps/hello, then pulumi up",
  ]);
});

test("where silver up asks for it, a rollout leaves its verdict, with the app's error and its place, and no secret", async () => {
  await setNode();
  newer = declare("1.1.0", { secrets: ["KEY"] });
  vi.stubEnv("SILVER_VERDICTS", nodes);
  const left = () => JSON.parse(readFileSync(join(nodes, "hello.json"), "utf8")) as unknown;
  const request = theRequest({ secrets: { KEY: "hello.test" } });
  await run(request);
  expect(left()).toEqual({
    site: "hello",
    verdict: "live",
    release: request.release,
    nodes: [{ name: "web1", serves: request.release }],
    urls: ["http://hello.test/"],
  });
  newer = declare("1.2.0", { secrets: ["KEY"] });
  web1.lay({ faults: [{ verb: "check", kind: "not-ok" }] });
  await run(theRequest({ secrets: { KEY: "KeyError" } }));
  expect(left()).toMatchObject({ verdict: "reverted", cause: "[secret]", nodes: [{ name: "web1", serves: request.release }] });
});

test("a secret reaches the node, but no command line and no output, even if the app logs it", async () => {
  await setNode();
  const secrets = { KEY: "STRIPE_KEY", OTHER: "Internal Server Error" };
  newer = declare("1.1.0", { secrets: Object.keys(secrets) });
  expect((await run(theRequest({ secrets }))).code).toBe(0);
  const environ = readFileSync(join(web1.root, `srv/silver/hello/releases/${theRequest().release}/environ.json`), "utf8");
  expect(JSON.parse(environ)).toMatchObject(secrets);
  newer = declare("1.2.0", { secrets: Object.keys(secrets) });
  web1.lay({ faults: [{ verb: "check", kind: "not-ok" }] });
  const { stdout, stderr } = await run(theRequest({ secrets }));
  expect(stderr).toContain("KeyError: '[secret]'");
  for (const text of [stdout, stderr, readFileSync(join(nodes, "argv"), "utf8")]) {
    for (const secret of Object.values(secrets)) expect(text).not.toContain(secret);
  }
});

test("input that is not a rollout is refused by the names of its fields, without values and without a stack trace", async () => {
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
  await setNode();
  const request = theRequest();
  newer.write("apps/hello/src/wsgi.py", "application = 2\n");
  const { code, stderr } = await run(request);
  expect(code).toBe(1);
  expect(stderr).toContain("hello: refused. Nothing was changed");
  expect(stderr).toContain("the files of apps/hello changed since the plan");
});

test("a release that this project no longer renders from the plan is refused", async () => {
  await setNode();
  const { code, stderr } = await run(theRequest({ release: oldRelease }));
  expect(code).toBe(1);
  expect(stderr).toContain("hello: refused. Nothing was changed");
  expect(stderr).toContain(
    `this project's own files changed since the plan: they now render ${newRelease}, and ${oldRelease} was planned`,
  );
});

test("nothing is left behind in the temporary directory", async () => {
  await setNode();
  const before = readdirSync("/tmp").filter((name) => name.startsWith("silver-"));
  const { child, ended } = start(JSON.stringify(theRequest()));
  await ended;
  const mine = /\/tmp\/silver-[A-Za-z0-9]+/.exec(readFileSync(join(nodes, "argv"), "utf8"))?.[0];
  expect(child.exitCode).toBe(0);
  expect(mine).toBeDefined();
  expect([...before, ...readdirSync("/tmp")].map((name) => `/tmp/${name}`)).not.toContain(mine);
});

test.each(["SIGINT", "SIGTERM"] as const)("%s before the cut-over backs out, however often it comes", async (signal) => {
  await setNode({ gate: { verb: "prepare", file: go() } });
  const { child, ended } = start(JSON.stringify(theRequest()));
  await until("it prepares", () => web1.callsOfOthers().includes("prepare"));
  child.kill(signal);
  child.kill(signal);
  writeFileSync(go(), "");
  const { code, stderr } = await ended;
  expect(code).toBe(1);
  expect(stderr).toContain(`hello: reverted. Rolled back: ${oldRelease} still serves.\n  stop: stopped: `);
  await expectLeft(oldRelease, "reverted");
});

test("an interrupt after the cut-over lets the rollout finish", async () => {
  await setNode({ gate: { verb: "finish", file: go() } });
  const { child, told, ended } = start(JSON.stringify(theRequest()));
  await until("it finishes", () => web1.callsOfOthers().includes("finish"));
  child.kill("SIGINT");
  await until("it has noticed", () => told().includes("stopping: interrupted"));
  writeFileSync(go(), "");
  expect((await ended).code).toBe(0);
  await expectLeft(newRelease, "live");
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
  await setNode({ gate: { verb: "prepare", file: go() } });
  const { child, told } = start(JSON.stringify(theRequest()), [], through);
  await until("it prepares", () => web1.callsOfOthers().includes("prepare"));
  child.kill("SIGKILL");
  await until("it has noticed", () => told().includes("stopping: the process that started it is gone"));
  writeFileSync(go(), "");
  await until("it has gone back", () => verdicts().length > 0 && web1.underWay().holder === null);
  await expectLeft(oldRelease, "reverted");
});

test("a killed rollout leaves a node that undoes it on its own", async () => {
  await setNode({ gate: { verb: "check", file: go() } });
  const { child } = start(JSON.stringify(theRequest()));
  await until("it checks", () => web1.callsOfOthers().includes("check direct"));
  child.kill("SIGKILL");
  await until("the agent has undone it", () => verdicts().length > 0 && web1.underWay().holder === null);
  expect(web1.callsOfOthers()).not.toContain("undo");
  await expectLeft(oldRelease, "reverted");
});

test("remove stops serving the site and says where its data is; run again it changes nothing", async () => {
  await setNode();
  const { code, stdout, stderr } = await run(theRequest(), ["remove"]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  expect(stderr).toContain(`archived in ${web1.root}/srv/silver/.archive/hello`);
  expect({ live: await web1.live(), holder: web1.underWay().holder }).toEqual({ live: null, holder: null });
  expect((await run(theRequest(), ["remove"])).code).toBe(0);
});

test.each([
  ["makes no release any more", { platform: "php" }],
  ["says less of a database", { services: [{ type: "postgres", name: "db" }] }],
])("a site can be removed whose plan, an older version's, %s", async (_, older) => {
  await setNode();
  const { site, ...rest } = theRequest();
  const { code, stderr } = await start(JSON.stringify({ ...rest, site: { ...site, ...older } }), ["remove"]).ended;
  expect(code, stderr).toBe(0);
  expect({ live: await web1.live(), holder: web1.underWay().holder }).toEqual({ live: null, holder: null });
});

test("remove of a site on a node that is gone says how to forget it", async () => {
  rmSync(join(bin, "ssh"));
  writeFileSync(join(bin, "ssh"), "#!/bin/sh\necho 'ssh: connect to host 10.0.0.1 port 22: No route to host' >&2\nexit 255\n");
  chmodSync(join(bin, "ssh"), 0o755);
  const { code, stderr } = await run(theRequest(), ["remove"]);
  expect(code).toBe(1);
  expect(stderr).toContain(
    "  web1, connect: root@10.0.0.1:22 can't be reached: ssh: connect to host 10.0.0.1 port 22: No route to host",
  );
  expect(stderr).toContain("if web1 is gone for good: pulumi state delete");
});

test("unknown arguments are refused", async () => {
  expect(await start("", ["destroy"]).ended).toMatchObject({
    code: 1,
    stderr: "usage: main.ts [deploy|remove] < rollout.json\n",
  });
});
