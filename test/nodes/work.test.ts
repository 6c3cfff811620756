// Workers and jobs on a real node: that they work, that no two releases' workers ever do so at once, and that each of them ends.
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { poll, reboot, ssh } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { RolloutSite, answering, sshAgent } from "../support/rollout-site.ts";
import { useSharedNodes } from "../support/shared-nodes.ts";
import { SilverOn } from "../support/silver-on.ts";
import { siteOn } from "../support/site-on.ts";

const { boot } = useSharedNodes();
let node: TestNode;
let agent: Awaited<ReturnType<typeof sshAgent>>;
let site: RolloutSite;
let silver: SilverOn;
let version = 0;

/** Turns what lies in in/ into out/, and writes down that it lives, ten times a second. */
const worker = `import os, signal, sys, time
import vendored

files, release, mode = os.environ["CONFIG_FILES"], os.environ["SILVER_INSTANCE_NAME"], sys.argv[1]
ending = []
if mode == "ends":
    sys.exit("nothing to do, and the key is " + os.environ["KEY"])
signal.signal(signal.SIGTERM, lambda number, frame: None if mode == "deaf" else ending.append(number))
if mode == "forks" and os.fork() == 0:
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
for name in ("in", "out"):
    os.makedirs(f"{files}/{name}", exist_ok=True)
print("working for", release, flush=True)
while not ending:
    with open(f"{files}/lives", "a") as lives:
        lives.write(f"{time.monotonic_ns()} {release} {os.getpid()}\\n")
    for name in os.listdir(f"{files}/in"):
        try:
            os.rename(f"{files}/in/{name}", f"{files}/out/{name}.{vendored.NAME}")
        except FileNotFoundError:
            pass
    time.sleep(0.1)
print("ending as told", flush=True)
`;

/** Declares the next version of the app. */
function declare(mode: string, options = "count: 2, stop: 20s"): void {
  version += 1;
  site.write("apps/worker/bin/work.py", worker);
  site.write(
    "apps/worker/app.yaml",
    `name: worker
version: 1.${version}.0
runner: src/wsgi.py
services: {files: {quota: 32M}}
config: {required: {KEY: a secret}}
workers: {mail: {run: bin/work.py ${mode}, ${options}}}
processes: {count: 1}
timeouts: {start: 20s}
`,
  );
}

const release = () => site.rollout().release.id;
const files = "/srv/silver/worker/data/g1";
const bodies = async () => (await site.bodies())[0];
const state = () => siteOn(node, "worker");
const units = (which = "*") =>
  ssh(node, `systemctl list-units --plain --no-legend --state=active 'silver-worker-worker.*@${which}.service'`);
const count = (text: string) => text.split("\n").filter((line) => line !== "").length;

/** Lines of workers that live, oldest first: [release, pid]. */
const lives = async () => {
  const lines = (await ssh(node, `sort -n ${files}/lives`)).trim().split("\n");
  return lines.map((line) => line.split(" ").slice(1));
};
/** The releases in the order in which their workers lived: each once, unless two did so at once. */
const turns = async () => {
  const found: string[] = [];
  for (const [id = ""] of await lives()) if (found.at(-1) !== id) found.push(id);
  return found;
};
const works = () =>
  poll(
    "the workers of the release live",
    20,
    async () => (await lives()).at(-1)?.[0] === release() && count(await units()) === 2,
  );

beforeAll(async () => {
  node = await boot("web1");
  agent = await sshAgent(node.keyFile);
  site = new RolloutSite("worker", [node], agent.socket);
  site.writeApp(answering("hello"));
  site.write("apps/worker/lib/python/vendored.py", "NAME = 'done'\n");
  declare("plain");
  await site.setUp();
  const { name, address, port, hostKey } = node;
  silver = new SilverOn(
    { web1: { name, address, port, hostKey, user: "root" } },
    { worker: ["web1"] },
    { SSH_AUTH_SOCK: agent.socket },
  );
});

afterAll(async () => {
  // A failed test leaves them.
  for (const follower of followers) follower.process.kill("SIGINT");
  silver.remove();
  site.remove();
  await agent.stop();
});

test("they work, as the site and with all that its release has, within limits of their own", async () => {
  const { code, stderr } = await site.deploy();
  expect(code, stderr).toBe(0);
  await works();
  await ssh(node, `touch ${files}/in/one ${files}/in/two; chown -R site-worker: ${files}/in`);
  await poll("both are done", 20, async () => (await ssh(node, `ls ${files}/out`)) === "one.done\ntwo.done");
  const shown = await ssh(node, `systemctl show -p User -p MemoryMax -p TasksMax -p Restart 'silver-worker-worker.mail-2@*'`);
  expect(shown).toMatch(/^User=site-worker$/m);
  expect(shown).toMatch(new RegExp(`^MemoryMax=${(400 + 256) * 1024 ** 2}$`, "m"));
  expect((await state()).releases[0]?.units.map(({ name, active, problem }) => [name.split("@")[0], active, problem])).toEqual([
    ["silver-web-worker", true, undefined],
    ["silver-worker-worker.mail-1", true, undefined],
    ["silver-worker-worker.mail-2", true, undefined],
  ]);
  const { stdout } = await silver.run(["logs", "worker", "--grep", "working for"]);
  expect(stdout).toMatch(new RegExp(`^\\S+ worker\\[\\d+\\]: working for ${release()}$`, "m"));
});

test("all that runs for the site shares the part of the machine that each site has", async () => {
  const shown = await ssh(node, `systemctl show -p Id -p Slice --state=active 'silver-w*-worker*'`);
  const slices = [...shown.matchAll(/^Slice=(.*)$/gm)].map(([, slice]) => slice);
  expect(slices).toEqual(Array.from({ length: 3 }, () => "silver-worker.slice"));
  const weights = await ssh(node, "systemctl show -p CPUWeight -p TasksMax silver.slice silver-worker.slice");
  expect([...weights.matchAll(/^CPUWeight=(.*)$/gm)].map(([, weight]) => weight)).toEqual(["100", "100"]);
  expect(weights).toMatch(/^TasksMax=\d+$/m);
});

test("an unchanged second run does nothing to them", async () => {
  const before = await ssh(node, "systemctl show -p MainPID 'silver-worker-worker.*'");
  expect(before).toMatch(/^MainPID=[1-9]\d*\n\nMainPID=[1-9]\d*$/);
  const { code, stderr } = await site.deploy();
  expect([code, stderr]).toEqual([0, expect.stringContaining("unchanged")]);
  expect(await ssh(node, "systemctl show -p MainPID 'silver-worker-worker.*'")).toBe(before);
});

test("a rollout tells the old ones to end, and starts the new ones when they have", async () => {
  const old = release();
  declare("plain");
  const { code, stderr } = await site.deploy();
  expect(code, stderr).toBe(0);
  await works();
  expect(await turns()).toEqual([old, release()]);
  expect(count(await ssh(node, `journalctl -o cat -u 'silver-worker-worker.*@${old}.service' | grep 'ending as told'`))).toBe(2);
});

test("one that is killed is started again", async () => {
  const mainPid = () => ssh(node, `systemctl show -p MainPID --value 'silver-worker-worker.mail-1@${release()}.service'`);
  const before = await mainPid();
  expect(before).toMatch(/^[1-9]\d*$/);
  await ssh(node, `kill -KILL ${before}`);
  await poll("another lives", 20, async () => {
    const after = await mainPid();
    return after !== before && (await lives()).slice(-4).some(([id, pid]) => id === release() && pid === after);
  });
  expect(count(await units())).toBe(2);
});

test("those that are deaf to TERM are killed when their time is over, and those that fork away end with their unit", async () => {
  declare("deaf", "count: 2, stop: 3s");
  expect((await site.deploy()).code).toBe(0);
  await works();
  declare("forks");
  const { code, stderr } = await site.deploy();
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(/work +waiting for silver-worker-worker\.mail-/);
  await works();
  const forked = release();
  declare("plain");
  expect((await site.deploy()).code).toBe(0);
  await works();
  const seen = await turns();
  expect(seen).toEqual([...new Set(seen)]);
  expect(seen.slice(-2)).toEqual([forked, release()]);
  expect(count(await ssh(node, "pgrep -u site-worker -f work.py"))).toBe(2);
});

test("they come back after a reboot, those of the live release alone", async () => {
  const before = count(await ssh(node, `cat ${files}/lives`));
  await reboot(node);
  await poll(
    "they live again",
    60,
    async () => count(await ssh(node, `cat ${files}/lives`)) > before && count(await units()) === 2,
  );
  await works();
  expect(count(await units(release()))).toBe(2);
});

test("those that end as they start are told, while the site serves, until they are right", async () => {
  declare("ends");
  const { code, stderr } = await site.deploy();
  expect(code).toBe(1);
  expect(stderr).toContain(`worker: live-failing. ${release()} serves on every node, but some of its workers do not run.`);
  expect(stderr).toMatch(
    /silver-worker-worker\.mail-[12]@\S+ (ended( with exit code 1)?, and was|does not run: it ended with exit code 1)/,
  );
  expect(stderr).toContain("nothing to do, and the key is [secret]");
  expect(await bodies()).toBe("hello");
  const [, mail] = (await state()).releases[0]?.units ?? [];
  // While it runs again, systemd no longer knows how it ended.
  expect(mail?.problem).toMatch(
    / (?:ended(?: with exit code 1)?, and was started again|does not run: it ended with exit code 1)/,
  );
  declare("plain");
  expect((await site.deploy()).code).toBe(0);
  await works();
});

/** One line a run; what it does is its first word. */
const job = `#!/bin/sh
echo "$1 with $KEY for $(id -un)"
echo "$(date +%s) $SILVER_INSTANCE_NAME" >>"$CONFIG_FILES/$1"
case $1 in
fails) exit 3 ;;
hangs) while :; do sleep 1; done ;;
long) until [ -e "$CONFIG_FILES/go" ]; do sleep 0.2; done ;;
esac
`;

const many = Array.from({ length: 30 }, (_, number) => `many-${number}`);

function declareJobs(): void {
  version += 1;
  site.write("apps/worker/bin/job", job);
  chmodSync(join(site.root, "apps/worker/bin/job"), 0o755);
  site.write(
    "apps/worker/app.yaml",
    `name: worker
version: 1.${version}.0
runner: src/wsgi.py
services: {files: {quota: 32M}}
config: {required: {KEY: a secret}}
cron:
  tick: {at: "* * * * *", run: bin/job tick, memory: 64M}
  fails: {at: "@yearly", run: bin/job fails}
  hangs: {at: "@yearly", run: bin/job hangs, timeout: 3s}
  long: {at: "@yearly", run: bin/job long}
${many.map((name) => `  ${name}: {at: "@yearly", run: bin/job ${name}, memory: 32M}`).join("\n")}
processes: {count: 1}
`,
  );
}

const jobs = async () => Object.fromEntries(((await state()).jobs ?? []).map((each) => [each.name, each]));
/** As its timer would. */
const start = (name: string) => ssh(node, `systemctl start silver-cron-worker.${name}@${release()}.service`);
const running = () => ssh(node, "systemctl list-units --plain --no-legend 'silver-job-worker.*'");

/** Starts jobs all at once, waits until each has ended, and prints how many agents of root there were at most at a moment. */
const startAtOnce = `import glob, json, subprocess, sys, time

release, *names = sys.argv[1:]

def is_agent(path):
    try:
        with open(path, "rb") as file:
            program, *words = file.read().split(b"\\0")
    except OSError:
        return False
    return program.endswith(b"python3") and bool({b"start-job", b"end-job"} & {*words})

def have_ended():
    try:
        with open("/srv/silver/worker/jobs.json") as file:
            known = json.load(file)
    except FileNotFoundError:
        return False
    return all(known.get(name, {}).get("last") for name in names)

subprocess.run(["systemctl", "start", "--no-block", *(f"silver-cron-worker.{name}@{release}.service" for name in names)], check=True)
most, end = 0, time.monotonic() + 90
while not have_ended() and time.monotonic() < end:
    most = max(most, sum(map(is_agent, glob.glob("/proc/[0-9]*/cmdline"))))
    time.sleep(0.02)
print(most)
`;

/** They follow the site's lines since before it had a job. */
let followers: ReturnType<SilverOn["start"]>[] = [];

test("without workers in the manifest none is left, and jobs take their place", async () => {
  followers = ["cron", "app"].map((kind) => silver.start(["logs", "worker", "--follow", "--kind", kind]));
  declareJobs();
  const { code, stderr } = await site.deploy();
  expect(code, stderr).toBe(0);
  expect(await units()).toBe("");
  const links = await ssh(node, "ls /etc/systemd/system/multi-user.target.wants");
  expect(links).not.toMatch(/^silver-worker-/m);
  expect(links.split("\n")).toContain(`silver-cron-worker.tick@${release()}.timer`);
  const { tick, fails } = await jobs();
  // It may have ticked already.
  expect(tick).toMatchObject({ failures: 0 });
  expect(Math.abs((tick?.next ?? 0) - Date.now() / 1000)).toBeLessThan(61);
  expect((fails?.next ?? 0) - Date.now() / 1000).toBeGreaterThan(61);
});

test("how a run ended is known: badly, or that its time was over", async () => {
  await start("fails");
  await start("hangs");
  await poll("both have ended", 60, async () => {
    const { fails, hangs } = await jobs();
    return fails?.last?.result === "exit code 3" && hangs?.last?.result === "it ran past its timeout";
  });
  expect((await jobs()).fails).toMatchObject({ failures: 1, running: 0 });
  const { stdout } = await silver.run(["logs", "worker", "--kind", "cron"]);
  expect(stdout).toMatch(/^\S+ job\[\d+\]: fails with \[secret\] for site-worker$/m);
  expect(stdout).toMatch(/job\[\d+\]: fails ended after \S+ s: exit code 3$/m);
  for (const follower of followers) {
    follower.process.kill("SIGINT");
    const { stdout: lines } = await follower.ended;
    expect(lines).toMatch(/^\S+ job\[\d+\]: fails with \[secret\] for site-worker$/m);
    expect(lines).toMatch(/job\[\d+\]: hangs ended after \S+ s: it ran past its timeout$/m);
  }
  const told = await silver.run(["status", "worker"]);
  expect(told.code).toBe(1);
  expect(told.stdout).toMatch(/job fails failed at \S+: exit code 3/);
  expect(told.stdout).toMatch(/^worker hangs +web1 +\S+ +it ran past its timeout after \S+ +\S+$/m);
});

test("many that are due at once each run, and few agents at a time take memory for them", async () => {
  const most = await ssh(node, `python3 - ${release()} ${many.join(" ")}`, startAtOnce);
  // One may end while the list of processes is read, and the next begin.
  expect(Number(most)).toBeGreaterThan(0);
  expect(Number(most)).toBeLessThan(5);
  const known = await jobs();
  expect(many.map((name) => known[name]?.last?.result)).toEqual(many.map(() => null));
  expect(await ssh(node, `cat ${files}/many-* | wc -l; ls ${files} | grep -c many-`)).toBe(`${many.length}\n${many.length}`);
  expect(await ssh(node, "ls /run | grep -c silver-job- || true; stat -c '%U %A' /run/silver-jobs-worker.*")).toMatch(
    /^0(?:\nroot -rw-.----- *){2}$/,
  );
});

test("one under way at a cut-over ends under its own release, is not started twice, and keeps that release", async () => {
  const old = release();
  await start("long");
  expect(await running()).toContain(`@${old}.service`);
  const shown = await ssh(node, "systemctl show -p User -p MemoryMax 'silver-job-worker.long.*'");
  expect(shown).toMatch(/^User=site-worker$/m);
  const minute = await ssh(node, "date +%M");
  declareJobs();
  expect((await site.deploy()).code).toBe(0);
  await poll("the next minute", 70, async () => (await ssh(node, "date +%M")) !== minute);
  await start("long");
  expect(await jobs()).toMatchObject({ long: { running: 1, skipped: 1, last: null } });
  expect(await ssh(node, `cat ${files}/long`)).toMatch(new RegExp(`^\\d+ ${old}$`));
  expect(count(await running())).toBe(1);
  await ssh(node, `touch ${files}/go`);
  await poll("it has ended", 30, async () => (await jobs()).long?.last?.result === null);
  expect((await jobs()).long?.running).toBe(0);
});

test("its timer starts one each minute, in the live release alone, also after a reboot", async () => {
  const ticks = async () =>
    (await ssh(node, `cat ${files}/tick`))
      .trim()
      .split("\n")
      .map((line) => line.split(" "));
  await poll("one tick of the release", 70, async () => (await ticks()).at(-1)?.[1] === release());
  const onceAMinute = async () => {
    const minutes = (await ticks()).map(([at]) => Math.floor(Number(at) / 60));
    expect(new Set(minutes).size).toBe(minutes.length);
  };
  await onceAMinute();
  await reboot(node);
  const before = (await ticks()).length;
  await poll("two more", 200, async () => (await ticks()).length >= before + 2);
  await onceAMinute();
  expect(new Set((await ticks()).slice(before).map(([, id]) => id))).toEqual(new Set([release()]));
  expect((await jobs()).tick).toMatchObject({ failures: 0 });
});

test("without anything to do in the manifest nothing is left", async () => {
  version += 1;
  site.write(
    "apps/worker/app.yaml",
    `name: worker\nversion: 1.${version}.0\nrunner: src/wsgi.py\nservices: {files: {quota: 32M}}\nconfig: {required: {KEY: a secret}}\nprocesses: {count: 1}\n`,
  );
  expect((await site.deploy()).code).toBe(0);
  expect((await state()).jobs).toEqual([]);
  expect(await ssh(node, "ls /etc/systemd/system/multi-user.target.wants")).not.toMatch(/^silver-(?:worker|cron)-/m);
});
