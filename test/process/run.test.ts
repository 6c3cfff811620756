// `silver run`: the whole verb against the real agent, on a node that starts a command's program for real.
import { once } from "node:events";
import {
  chmodSync,
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
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Session } from "../../components/rollout/session.ts";
import { useFakeNodes } from "../support/declared.ts";
import type { FakeNode, Way } from "../support/fake-node.ts";
import { poll } from "../support/nodes.ts";
import { ownerOf } from "../support/owner.ts";
import { SilverOn } from "../support/silver-on.ts";

const { boot, declare } = useFakeNodes();
const live = declare("1.0.0");
live.write("apps/hello/bin/show", '#!/bin/sh\necho "$GREETING, $1"\necho mistakes >&2\nexit 7\n');
chmodSync(join(live.root, "apps/hello/bin/show"), 0o755);
live.write("apps/hello/bin/no-program", "some text\n");
live.write("apps/hello/lib/python/vendored.py", "NAME = 'vendored'\n");
const release = live.request(["web1"]).release;

let directory = "";
let web1: FakeNode;
let silver: SilverOn;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "silver-run-"));
  mkdirSync(join(directory, "bin"));
  symlinkSync(resolve(import.meta.dirname, "../support/fake-ssh.sh"), join(directory, "bin/ssh"));
});
afterEach(() => {
  silver.remove();
  rmSync(directory, { recursive: true });
});

async function setNode(serves: typeof live | null = live, way: Partial<Way> = {}, owner = ownerOf("web1").id): Promise<void> {
  ({ web1 } = await boot({ web1: { live: serves, ...way } }));
  symlinkSync(web1.root, join(directory, "web1"));
  const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtleQ1=";
  const node = { name: "web1", address: "10.0.0.1", port: 22, user: "root", hostKey, owner };
  silver = new SilverOn(
    { web1: node, web2: { ...node, name: "web2" } },
    { hello: ["web1"] },
    {
      PATH: `${join(directory, "bin")}:${process.env.PATH ?? ""}`,
      FAKE_NODES: directory,
      FAKE_SESSION: resolve(import.meta.dirname, "../support/faulty-session.ts"),
    },
  );
}

const on = (...command: string[]) => silver.run(["run", "hello", "--", ...command]);
const runs = () => join(web1.root, "var/lib/silver/runs");
const left = () => (existsSync(runs()) ? readdirSync(runs()) : []);
const isRunning = () => left().some((run) => existsSync(join(runs(), run, "pid")));
const history = () =>
  readFileSync(join(web1.root, "srv/silver/hello/history.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("a command has the release's variables, its own streams and exit code, and stands in the history by its program alone", async () => {
  await setNode();
  expect(await on("bin/show", "my-own-word")).toEqual({ code: 7, stdout: "hi, my-own-word\n", stderr: "mistakes\n" });
  expect(await silver.run(["run", "hello", "--", "tr", "a-z", "A-Z"], "typed\n")).toEqual({
    code: 0,
    stdout: "TYPED\n",
    stderr: "",
  });
  expect(history().slice(1)).toMatchObject([
    { who: expect.stringContaining("@") as string, release, run: "bin/show", code: 7 },
    { run: "tr", code: 0 },
  ]);
  expect(left()).toEqual([]);
  expect(readFileSync(join(directory, "argv"), "utf8")).not.toContain("my-own-word");
});

test("any Python of a command finds the app and its libraries", async () => {
  await setNode();
  const told =
    "import wsgi, vendored, sys; print(callable(wsgi.application), vendored.NAME, [p for p in sys.path if p.endswith('conf')])";
  expect(await on("python", "-c", told)).toEqual({ code: 0, stdout: "True vendored []\n", stderr: "" });
  expect(await on("sh", "-c", `exec python3 -c "${told}"`)).toEqual({ code: 0, stdout: "True vendored []\n", stderr: "" });
});

test.each([
  ["bin/nothing", 127, "bin/nothing: command not found: the app has no such file"],
  ["nothing", 127, "nothing: command not found: neither bin/ of the app nor the node has such a program"],
  ["bin/no-program", 126, "bin/no-program: not a program: make it executable, or put its interpreter before it"],
])("%s can't be run: exit code %s", async (name, code, words) => {
  await setNode();
  expect(await on(name)).toEqual({ code, stdout: "", stderr: `silver: ${words}\n` });
});

test("a file goes along by its @, and is gone with the command", async () => {
  await setNode();
  const file = join(directory, "data.csv");
  writeFileSync(file, "one,two\n");
  const { stdout } = await on("sh", "-c", 'echo "$0 $1"; cat "$GIVEN/1/data.csv"', `@${file}`, "@@x");
  expect(stdout).toBe("/tmp/run/1/data.csv @x\none,two\n");
  expect(left()).toEqual([]);
  expect(await on("cat", "@nowhere.csv")).toEqual({
    code: 2,
    stdout: "",
    stderr:
      "✗ @nowhere.csv: there is no such file here\n  a word that begins with @ names a file to send; write @@ for one that does not: @@nowhere.csv\n",
  });
});

test("an interrupt ends the command, and what it says last is still heard", async () => {
  await setNode();
  const script = "trap 'echo bye; exit 5' INT; echo begun; while :; do sleep 0.05; done";
  const { process: started, ended } = silver.start(["run", "hello", "--", "sh", "-c", script]);
  // Only what it says first shows that its trap is set.
  await once(started.stdout ?? started, "data");
  started.kill("SIGINT");
  expect(await ended).toEqual({ code: 5, stdout: "begun\nbye\n", stderr: "" });
  expect(left()).toEqual([]);
});

test("a command ends with the silver that started it", async () => {
  await setNode();
  const { process: started, ended } = silver.start(["run", "hello", "--", "sleep", "1000"]);
  await poll("the command runs", 20, isRunning);
  started.kill("SIGKILL");
  await ended;
  await poll("nothing of it is left", 20, () => left().length === 0);
  expect(history().at(-1)).toMatchObject({ run: "sleep", code: 130 });
});

test("a command does not wait for a rollout, and a rollout's lease stays as it is", async () => {
  await setNode();
  const rollout = new Session({
    node: "web1",
    channel: web1.channel(),
    onEvent: () => undefined,
    explain: () => ({ code: "lost", message: "" }),
  });
  const { token } = await rollout.ask("lease", { site: "hello", who: "anna@laptop", pid: 7, release, owner: ownerOf("web1") });
  expect(await on("bin/show", "meanwhile")).toMatchObject({ code: 7, stdout: "hi, meanwhile\n" });
  expect(await rollout.ask("undo", { site: "hello", token, reason: "a test" })).toMatchObject({ live: release });
  await rollout.close();
});

test("what can't be run is refused by name, before anything is sent", async () => {
  await setNode();
  const refused = async (...words: string[]) => {
    const { code, stderr } = await silver.run(words);
    return [code, ...stderr.trimEnd().split("\n")];
  };
  expect(await refused("run", "hello", "--release", "9.9.9-00000000.00000000", "--", "true")).toEqual([
    1,
    "✗ web1: hello has no release 9.9.9-00000000.00000000 on this node",
    `  its releases here: ${release}`,
  ]);
  expect(await refused("run", "hello", "true")).toEqual([
    2,
    "✗ the command comes after --",
    "  such as: silver run hello -- bin/migrate",
  ]);
  expect(await refused("run", "hello")).toEqual([
    2,
    "✗ which command?",
    "  name it after --, such as: silver run hello -- bin/migrate",
  ]);
  expect(await refused("run", "hello", "--node", "web2", "--", "true")).toEqual([
    2,
    "✗ hello is not on web2",
    "  its nodes are: web1",
  ]);
  expect(await refused("run", "hello", "-i", "--", "true")).toEqual([
    2,
    "✗ -i needs a terminal",
    "  without one: silver run SITE -- COMMAND",
  ]);
  expect(await refused("shell", "hello")).toEqual([
    2,
    "✗ silver shell needs a terminal",
    "  without one: silver run SITE -- COMMAND",
  ]);
  expect(await refused("run", "hello", "--json", "--", "true")).toEqual([2, "✗ silver run has no --json", "  leave it out"]);
});

test.each([
  ["run", "constructor", "--", "true"],
  ["logs", "constructor"],
  ["heal", "hello", "constructor"],
  ["secret", "rotate", "constructor"],
])("a site named like a property of every object does not exist: silver %s %s", async (...words) => {
  await setNode();
  const { code, stderr } = await silver.run([...words.slice(0, 1), "-e", "dev", ...words.slice(1)]);
  expect([code, stderr]).toEqual([2, "✗ dev has no site constructor\n  the sites are: hello\n"]);
});

test("a site that serves nothing, and another environment's node, run nothing", async () => {
  await setNode(null);
  expect(await on("true")).toMatchObject({
    code: 1,
    stderr: "✗ web1: hello has no live release on this node\n  roll one out, or name one that is here: --release\n",
  });
  silver.remove();
  rmSync(join(directory, "web1"));
  await setNode(live, {}, "b".repeat(64));
  expect(await on("true")).toMatchObject({ code: 1, stderr: expect.stringContaining("web1 is another environment's") as string });
});
