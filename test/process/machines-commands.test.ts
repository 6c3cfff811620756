import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { cloneOf } from "../../components/machines/clone.ts";
import { ensureNode, removeNode, startNode } from "../../components/machines/local-machine.ts";
import { withLock } from "../../components/machines/lock.ts";
import { MachineError } from "../../components/machines/machine-error.ts";
import { machineName, nodeFiles } from "../../components/machines/node-disk.ts";
import { checkDisk, checkPrograms, checkRoot } from "../../components/machines/preflight.ts";
import { mustRun, runCommand } from "../../components/machines/run-command.ts";
import { knownHostsLine, sshCommand } from "../../components/machines/ssh-command.ts";
import { nspawnCommand } from "../../components/machines/supervisor.ts";

const quiet = () => undefined;
let directory: string;

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "silver-machines-")));
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(directory, { recursive: true });
});

test("a checkout is the same clone by any path to it, and another checkout is another", () => {
  for (const name of ["one", "two"]) mkdirSync(join(directory, name));
  symlinkSync(join(directory, "one"), join(directory, "link"));
  vi.stubEnv("XDG_STATE_HOME", "/state");
  const one = cloneOf(join(directory, "one"));
  expect(one.id).toMatch(/^[0-9a-f]{6}$/);
  expect(one).toEqual({
    id: one.id,
    checkout: join(directory, "one"),
    nodesDirectory: `/state/silverlining/${one.id}/nodes`,
    keyFile: join(directory, "one/.silver/ssh/id_ed25519"),
    authority: { certificate: join(directory, "one/.silver/authority.crt"), key: join(directory, "one/.silver/authority.key") },
  });
  expect(cloneOf(join(directory, "link"))).toEqual(one);
  expect(cloneOf(join(directory, "two")).id).not.toBe(one.id);
});

test("a failed command reports its last output; one ended by a signal did not succeed", async () => {
  await expect(mustRun("counting", ["sh", "-c", "seq 20 >&2; exit 3"])).rejects.toThrow(
    "counting failed (sh, exit code 3)\n  11\n  12\n  13\n  14\n  15\n  16\n  17\n  18\n  19\n  20",
  );
  await expect(mustRun("ending", ["sh", "-c", "kill -TERM $$"])).rejects.toThrow("ending failed (sh, killed by SIGTERM)");
  await expect(runCommand(["no-such-program"])).rejects.toThrow(
    new MachineError("this computer has no no-such-program", "install the package that brings no-such-program"),
  );
});

test("a command reads its input, and is killed when its time is over", async () => {
  expect(await mustRun("echo", ["cat"], { input: "one\ntwo" })).toBe("one\ntwo");
  expect(await runCommand(["sleep", "600"], { timeoutSeconds: 0.05 })).toMatchObject({ code: null, signal: "SIGKILL" });
});

test("two holders of a lock go one after the other", async () => {
  const file = join(directory, "lock");
  const events: string[] = [];
  const hold = (name: string) =>
    withLock(file, 10, async () => {
      events.push(`${name} in`);
      await runCommand(["sleep", "0.05"]);
      events.push(`${name} out`);
    });
  await Promise.all([hold("a"), hold("b")]);
  const [first] = events;
  const order = first === "a in" ? ["a", "b"] : ["b", "a"];
  expect(events).toEqual(order.flatMap((name) => [`${name} in`, `${name} out`]));
});

test("a lock held too long is reported, and one whose holder died is free", async () => {
  const file = join(directory, "lock");
  const holder = spawn("flock", [file, "sh", "-c", "echo held; exec sleep 600"], {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  await new Promise((done) => holder.stdout.once("data", done));
  await expect(withLock(file, 0, () => Promise.resolve())).rejects.toThrow(`waited 0 s for the lock ${file}`);
  process.kill(-(holder.pid ?? 0), "SIGKILL");
  expect(await withLock(file, 10, () => Promise.resolve("mine"))).toBe("mine");
});

test("a failed action releases its lock", async () => {
  const file = join(directory, "lock");
  await expect(withLock(file, 0, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await withLock(file, 0, () => Promise.resolve("mine"))).toBe("mine");
});

test("too little disk space is reported in megabytes, before anything is made", async () => {
  await expect(checkDisk(directory, 1e9, "node web1")).rejects.toThrow(
    /^node web1 needs 1000000000 MB in .*, which has \d+ MB free$/,
  );
  await checkDisk(join(directory, "new"), 0, "node web1");
});

test("missing programs are reported all at once, as the packages to install", async () => {
  symlinkSync("/bin/sh", join(directory, "sh"));
  vi.stubEnv("PATH", directory);
  await expect(checkPrograms()).rejects.toMatchObject({
    message: "packages are missing: systemd-container, mmdebstrap, nftables, iproute2, openssh-client, tar, util-linux",
    fix: "apt-get install systemd-container mmdebstrap nftables iproute2 openssh-client tar util-linux",
  });
});

test("users other than root are refused", () => {
  vi.spyOn(process, "getuid").mockReturnValue(1000);
  expect(checkRoot).toThrow("local nodes need root");
});

test("bad names and unknown systems are refused before anything is made", async () => {
  vi.stubEnv("XDG_STATE_HOME", join(directory, "state"));
  const clone = cloneOf(directory);
  const name = "a-name-with-more-than-24-characters";
  const refusal = `"${name}" can't name a node`;
  await expect(ensureNode(clone, { name, os: "debian-12", prepared: [] }, quiet)).rejects.toThrow(refusal);
  await expect(startNode(clone, name, quiet)).rejects.toThrow(refusal);
  await expect(removeNode(clone, "../web1", quiet)).rejects.toThrow('"../web1" can\'t name a node');
  const unknown = spawnSync(process.execPath, ["components/machines/main.ts", "ensure", "web1"], {
    env: { ...process.env, os: "plan9" },
    encoding: "utf8",
  });
  expect(unknown.stderr).toBe(
    '✗ "plan9" is not a known system\n  choose one of ubuntu-24.04, ubuntu-26.04, debian-12, debian-13\n',
  );
  expect(unknown.status).toBe(1);
  expect(existsSync(join(directory, "state"))).toBe(false);
});

test("a node is booted in its network, with every loop device, and can't set the clock or load modules", () => {
  const clone = { ...cloneOf(directory), id: "3fa2c1" };
  expect(
    nspawnCommand(machineName(clone, "web1"), "web1", nodeFiles("/nodes/web1"), ["/dev/loop-control", "/dev/loop0"]),
  ).toEqual([
    "nsenter",
    "--net=/nodes/web1/network",
    "systemd-nspawn",
    "--quiet",
    "--boot",
    "--directory=/nodes/web1/root",
    "--machine=sl-3fa2c1-web1",
    "--hostname=web1",
    "--register=no",
    "--keep-unit",
    "--settings=no",
    "--resolv-conf=off",
    "--timezone=off",
    "--link-journal=no",
    "--console=read-only",
    "--capability=all",
    "--drop-capability=CAP_SYS_TIME,CAP_SYS_MODULE",
    "--bind=/dev/loop-control",
    "--bind=/dev/loop0",
  ]);
});

test("ssh trusts only one host key, never prompts and reads no user's settings", () => {
  const target = {
    address: "10.0.0.7",
    port: 2222,
    user: "silver",
    knownHosts: "/known",
    keyFile: "/key",
    proxy: "jump@bastion",
  };
  expect(sshCommand(target, "uptime").join(" ")).toBe(
    "ssh -F none -p 2222 -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/known -o GlobalKnownHostsFile=/dev/null " +
      "-o UpdateHostKeys=no -o ConnectTimeout=10 -o ServerAliveInterval=5 -o IdentitiesOnly=yes -i /key -J jump@bastion silver@10.0.0.7 -- uptime",
  );
  expect(knownHostsLine(target, "ssh-ed25519 AAAA")).toBe("[10.0.0.7]:2222 ssh-ed25519 AAAA\n");
  expect(knownHostsLine({ ...target, port: 22 }, "ssh-ed25519 AAAA")).toBe("10.0.0.7 ssh-ed25519 AAAA\n");
});

test.each([
  ["starts a node that rebooted again, until it powers off", "[ $(wc -l <log) -ge 3 ] || exit 133; exit 0", 3, 0],
  ["lets a node that is being stopped go, even if it was rebooting", ": >stopping; exit 133", 1, 133],
  ["does not start a node again that failed", "exit 1", 1, 1],
])("the supervisor %s", async (_, then, runs, code) => {
  const words = ["sh", resolve("components/machines/supervise.sh"), "sl-test-machines", directory];
  // A stop that was asked of the run before is none of this one's.
  writeFileSync(join(directory, "stopping"), "");
  const ended = await runCommand([...words, "sh", "-c", `cd '${directory}'; echo run >>log; ${then}`]);
  expect(ended.code).toBe(code);
  expect(readFileSync(join(directory, "log"), "utf8")).toBe("run\n".repeat(runs));
  expect(existsSync(join(directory, "nspawn.pid"))).toBe(false);
});
