// `silver run` and `silver shell` on a real node: a command with all that the live release has, and nothing of it left behind.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { poll, ssh } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { RolloutSite, answering, sshAgent } from "../support/rollout-site.ts";
import { useSharedNodes } from "../support/shared-nodes.ts";
import { SilverOn } from "../support/silver-on.ts";

const { boot } = useSharedNodes();
const files = mkdtempSync(join(tmpdir(), "silver-run-"));
let node: TestNode;
let agent: Awaited<ReturnType<typeof sshAgent>>;
let site: RolloutSite;
let silver: SilverOn;

beforeAll(async () => {
  node = await boot("web1");
  agent = await sshAgent(node.keyFile);
  site = new RolloutSite("runner", [node], agent.socket);
  site.writeApp(`${answering("hello")}\nimport os\nGREETING = "the key is " + os.environ["KEY"]\n`);
  site.write("apps/runner/lib/python/vendored.py", "NAME = 'vendored'\n");
  site.write("apps/runner/bin/show", '#!/bin/sh\necho "$1: $(id -un) in $(pwd), $KEY"\necho mistakes >&2\nexit 7\n');
  chmodSync(join(site.root, "apps/runner/bin/show"), 0o755);
  await site.setUp();
  const { code, stderr } = await site.deploy();
  expect(code, stderr).toBe(0);
  const { name, address, port, hostKey } = node;
  silver = new SilverOn(
    { web1: { name, address, port, hostKey, user: "root" } },
    { runner: ["web1"] },
    { SSH_AUTH_SOCK: agent.socket },
  );
});

afterAll(async () => {
  silver.remove();
  site.remove();
  rmSync(files, { recursive: true });
  await agent.stop();
});

const on = (...command: string[]) => silver.run(["run", "runner", "--", ...command]);
const units = () => ssh(node, "systemctl list-units --all --plain --no-legend 'silver-run-*'; ls /var/lib/silver/runs");

test("a command has the release's variables and directory, the site's user, and its own streams and exit code", async () => {
  const release = site.rollout().release.id;
  expect(await on("bin/show", "it's me")).toEqual({
    code: 7,
    stdout: `it's me: site-runner in /srv/silver/runner/releases/${release}/app, sesame-open\n`,
    stderr: "mistakes\n",
  });
  expect(await silver.run(["run", "runner", "--", "tr", "a-z", "A-Z"], "typed\n")).toMatchObject({ code: 0, stdout: "TYPED\n" });
  expect(await on("sh", "-c", "kill -TERM $$")).toMatchObject({
    code: 143,
    stderr: expect.stringContaining("SIGTERM") as string,
  });
});

test("Python finds the app and its libraries, also where a command starts it", async () => {
  const told = "import wsgi, vendored; print(wsgi.GREETING, vendored.NAME)";
  expect(await on("sh", "-c", `python3 -c '${told}'`)).toEqual({
    code: 0,
    stdout: "the key is sesame-open vendored\n",
    stderr: "",
  });
  expect(await on("python", "-c", told)).toMatchObject({ code: 0, stdout: "the key is sesame-open vendored\n" });
});

test("a command that there is not ends with 127 and says where it was looked for", async () => {
  expect(await on("bin/nothing")).toEqual({
    code: 127,
    stdout: "",
    stderr: "silver: bin/nothing: command not found: the app has no such file\n",
  });
});

test("it is confined as the release is, and its files are copies that nobody can write", async () => {
  writeFileSync(join(files, "data.csv"), "one,two\n");
  const tries = "cat $1; echo more >$1; touch /srv/silver/runner/x; ls /proc | grep -c '^[0-9]'; cat /proc/1/comm";
  const { stdout, stderr } = await on("sh", "-c", tries, "sh", `@${join(files, "data.csv")}`);
  expect(stdout).toMatch(/^one,two\n\d{1,2}\n$/);
  expect(stderr).toMatch(/cannot create \/tmp\/run\/1\/data.csv: Read-only/);
  expect(stderr).toMatch(/touch: cannot touch '\/srv\/silver\/runner\/x'/);
  expect(stderr).toContain("/proc/1/comm: No such file");
});

test("its words and its secrets are in no unit, no journal and no argument of systemd, and an interrupt ends it", async () => {
  const { process, ended } = silver.start([
    "run",
    "runner",
    "--",
    "sh",
    "-c",
    'echo "begun $KEY"; exec sleep 1000',
    "my-own-word",
  ]);
  await poll("the command runs", 20, async () => (await ssh(node, "ps -u site-runner -o args")).includes("sleep"));
  const seen = await ssh(
    node,
    "systemctl show 'silver-run-*'; systemctl cat 'silver-run-*'; ps -u root -o args; journalctl --no-pager --since=-5min; cat /srv/silver/runner/history.jsonl",
  );
  expect(seen).toContain("MemoryMax=");
  for (const word of ["sesame-open", "my-own-word", "sleep 1000"]) expect(seen).not.toContain(word);
  process.kill("SIGINT");
  expect(await ended).toMatchObject({ code: 130, stdout: "begun sesame-open\n" });
  expect(await units()).toBe("");
  const lines = (await ssh(node, "tail -n 1 /srv/silver/runner/history.jsonl")).trim();
  expect(JSON.parse(lines)).toMatchObject({ who: expect.stringContaining("@") as string, run: "sh", code: 130 });
});

test("a command ends with the silver that started it", async () => {
  const { process, ended } = silver.start(["run", "runner", "--", "sleep", "1000"]);
  await poll("the command runs", 20, async () => (await ssh(node, "ps -u site-runner -o args")).includes("sleep"));
  process.kill("SIGKILL");
  await ended;
  await poll("nothing of it is left", 20, async () => (await units()) === "");
});

test("silver shell is an interpreter with the app loaded, in a terminal", async () => {
  const { stdout } = await silver.startInTerminal(
    ["shell", "runner"],
    "import sys, os; print(application.__name__, sys.stdin.isatty(), os.open('/dev/tty', 0) > 2)\nexit()\n",
  ).ended;
  expect(stdout).toContain("runner 1.0.0-");
  expect(stdout).toContain("application True True");
  expect(await units()).toBe("");
});

test("what can't be run is refused by name", async () => {
  expect(await silver.run(["run", "runner", "--release", "9.9.9-00000000.00000000", "--", "true"])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("runner has no release 9.9.9-00000000.00000000 on this node") as string,
  });
});
