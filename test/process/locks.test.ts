// `silver up` where another run holds the stack, or was killed while it did: with a state of its own, and a `pulumi` that only says
// that it was started.
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

const checkout = resolve(import.meta.dirname, "../..");
let root: string;
const started: number[] = [];

const write = (path: string, content: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
  return join(root, path);
};

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "silver-locks-"));
  for (const name of ["cli", "components", "package.json", "Pulumi.yaml"])
    cpSync(join(checkout, name), join(root, name), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(root, "node_modules"));
  for (const name of ["dev", "staging"])
    write(`stacks/${name}.yaml`, "nodes: { web1: { local: true, os: debian-12 } }\nsites: {}\n");
  chmodSync(
    write(
      "bin/pulumi",
      `#!/bin/sh
case "$1" in
  whoami) echo '{"user": "a", "url": "file://${root}/elsewhere"}' ;;
  stack) echo '[{"name": "organization/silverlining/staging", "current": true}]' ;;
  hold) sleep 60 ;;
  *) echo "pulumi $*" ;;
esac
`,
    ),
    0o755,
  );
});

afterEach(() => {
  for (const pid of started.splice(0)) process.kill(-pid, "SIGKILL");
  for (const name of ["state", "elsewhere"]) rmSync(join(root, name), { recursive: true, force: true });
});

afterAll(() => {
  rmSync(root, { recursive: true });
});

const lock = (pid: number, { host = hostname(), stack = "dev", state = "state" } = {}) => {
  const content = { pid, username: "anna", hostname: host, timestamp: "2026-11-21T11:10:00.123Z" };
  const file = write(`${state}/.pulumi/locks/organization/silverlining/${stack}/${pid}.json`, JSON.stringify(content));
  writeFileSync(`${file}.attrs`, "{}");
  return file;
};
/** The number of a process that has ended. */
const endedPid = () => Number(spawnSync("sh", ["-c", "echo $$"], { encoding: "utf8" }).stdout);
/** A process that the system calls `pulumi`. */
const engine = (of: { uid?: number; gid?: number } = {}) => {
  const { pid = -1 } = spawn(join(root, "bin/pulumi"), ["hold"], { detached: true, stdio: "ignore", ...of });
  started.push(pid);
  return pid;
};
const up = (words = ["-e", "dev"], backend: string | undefined = `file://${root}/state`, before: readonly string[] = []) => {
  const environment = { ...process.env, PATH: `${root}/bin:${process.env.PATH ?? ""}`, PULUMI_BACKEND_URL: backend };
  const [program = "", ...args] = [...before, process.execPath, join(root, "cli/main.ts"), "up", ...words];
  const child = spawn(program, args, { cwd: root, env: environment });
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (said.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (said.stderr += chunk.toString()));
  const ended = new Promise<typeof said & { code: number | null }>((settle) => {
    child.on("close", (code) => {
      settle({ ...said, code });
    });
  });
  return { ended, said };
};
const WHO = "a run of anna@";

test("the lock of a run that was killed on this machine is taken away", async () => {
  const pid = endedPid();
  const file = lock(pid);
  expect(await up().ended).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^pulumi up .*--stack dev\n$/) as string,
    stderr: `dev was locked by ${WHO}${hostname()} (process ${pid}, since 2026-11-21T11:10), which is gone: unlocked\n`,
  });
  expect([existsSync(file), existsSync(`${file}.attrs`)]).toEqual([false, false]);
});

test("so is one whose process number is another program's by now", async () => {
  const file = lock(process.pid);
  expect(await up().ended).toMatchObject({ code: 0 });
  expect(existsSync(file)).toBe(false);
});

test("one of a run that goes on is waited for, and its holder is named once", async () => {
  const pid = engine();
  const file = lock(pid);
  const { ended, said } = up();
  const waiting = `dev: ${WHO}${hostname()} (process ${pid}, since 2026-11-21T11:10) is at work; waiting for its end\n`;
  await expect.poll(() => said.stderr, { timeout: 20_000 }).toBe(waiting);
  expect(existsSync(file)).toBe(true);
  expect(said.stdout).toBe("");
  // Its own end: another run that looked at the same time finds nothing to take away.
  rmSync(file);
  expect(await ended).toMatchObject({ code: 0, stderr: waiting, stdout: expect.stringContaining("pulumi up") as string });
});

test("one of a run that is killed meanwhile is taken away then", async () => {
  const pid = engine();
  lock(pid);
  const { ended, said } = up();
  await expect.poll(() => said.stderr, { timeout: 20_000 }).toContain("waiting for its end");
  process.kill(-pid, "SIGKILL");
  started.splice(0);
  expect(await ended).toMatchObject({ code: 0, stderr: expect.stringContaining("which is gone: unlocked") as string });
});

test("one of another machine stays, and the message says what to do", async () => {
  const file = lock(endedPid(), { host: "elsewhere" });
  const { code, stdout, stderr } = await up().ended;
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^✗ dev is locked by a run of anna@elsewhere \(process \d+, since .*can't be seen from here\n/);
  expect(stderr).toContain("\n  wait for its end; if it was killed: pulumi cancel --stack dev\n");
  expect(existsSync(file)).toBe(true);
});

test("locks of other stacks are left alone", async () => {
  const file = lock(endedPid(), { stack: "production" });
  expect(await up().ended).toMatchObject({ code: 0, stderr: "" });
  expect(existsSync(file)).toBe(true);
});

test("the selected stack's is found, in the state that pulumi is logged in to", async () => {
  const file = lock(endedPid(), { stack: "staging", state: "elsewhere" });
  expect(await up([], "").ended).toMatchObject({ code: 0, stderr: expect.stringContaining("staging was locked by") as string });
  expect(existsSync(file)).toBe(false);
});

test("another kind of state is Pulumi's to judge", async () => {
  expect(await up(["-e", "dev"], "s3://bucket").ended).toMatchObject({ code: 0, stderr: "" });
});

test("what a killed run left unfinished is told in one line", async () => {
  const operation = (name: string) => ({ resource: { urn: `urn:pulumi:dev::silverlining::a:b:C::${name}` }, type: "creating" });
  const latest = { pending_operations: [operation("blog-rollout"), operation("web1")] };
  write("state/.pulumi/stacks/silverlining/dev.json", JSON.stringify({ version: 3, checkpoint: { latest } }));
  const { stderr } = await up().ended;
  expect(stderr).toMatch(/^dev: an earlier run was killed while it worked on blog-rollout, web1\. [^\n]*--stack dev\n$/);
  expect(readFileSync(join(root, "state/.pulumi/stacks/silverlining/dev.json"), "utf8")).toContain("pending_operations");
});

test.skipIf(process.getuid?.() !== 0)("the lock of somebody whose processes this user may not see stays", async () => {
  chmodSync(root, 0o755);
  const file = lock(engine({ uid: 65_534, gid: 65_534 }));
  const hidden = 'mount -t proc -o hidepid=invisible proc /proc && exec "$@"';
  const without = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace", "--regid=65534", "--clear-groups"];
  const { said, ended } = up(["-e", "dev"], `file://${root}/state`, ["unshare", "-m", "sh", "-c", hidden, "sh", ...without]);
  await expect.poll(() => said.stderr, { timeout: 20_000 }).toContain("is at work; waiting for its end");
  expect(existsSync(file)).toBe(true);
  for (const pid of started.splice(0)) process.kill(-pid, "SIGKILL");
  expect((await ended).stderr).toContain("which is gone: unlocked");
});
