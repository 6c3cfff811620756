import { readFileSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { poll, ssh, trySsh } from "../support/nodes.ts";
import { useSharedNodes } from "../support/shared-nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { RolloutSite, answering, sshAgent } from "../support/rollout-site.ts";
import { soak } from "../support/soak.ts";

const suite = useSharedNodes();
let site: RolloutSite;
let web1: TestNode;
let web2: TestNode;
let agent: Awaited<ReturnType<typeof sshAgent>>;

beforeAll(async () => {
  web1 = await suite.boot("web1");
  web2 = await suite.boot("web2");
  agent = await sshAgent(web1.keyFile);
  site = new RolloutSite("roll", [web1, web2], agent.socket);
  site.writeApp(answering("first"));
  await site.setUp();
});
afterAll(async () => {
  site.remove();
  await agent.stop();
});
/** Every test begins with `first` on both nodes. */
beforeEach(async () => {
  site.writeApp(answering("first"));
  const { code, stderr } = await site.deploy();
  expect(code, stderr).toBe(0);
});

const releases = async (): Promise<(string | null)[]> => (await site.states()).map(({ live }) => live);

test("a release serves on every node once its rollout is over", async () => {
  site.writeApp(answering("second"));
  const { release } = site.rollout();
  const { code, stdout, stderr } = await site.deploy();
  expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: `{"release":"${release.id}","verdict":"live"}\n` });
  expect(await site.bodies()).toEqual(["second", "second"]);
  expect(await releases()).toEqual([release.id, release.id]);
  expect((await site.get(web1)).headers["x-silver-release"]).toBe(`roll ${release.id}`);
});

test("the same release again is unchanged, and nothing moves on any node", async () => {
  const before = await site.states();
  const { code, stdout, stderr } = await site.deploy();
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ verdict: "unchanged" });
  expect(await site.states()).toEqual(before);
});

test("a live release that someone stopped is started again, and nothing is flipped", async () => {
  const before = await site.states();
  await ssh(web1, "systemctl stop 'silver-web-roll@*'");
  const { code, stdout, stderr } = await site.deploy();
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ verdict: "live" });
  expect(stderr).toMatch(/web1 +prepare +silver-web-roll@\S+: did not run/);
  expect(await site.bodies()).toEqual(["first", "first"]);
  expect(await site.states()).toEqual(before);
});

const failing = (code: string): string => `import socket\n${code}\n${answering("broken")}`;

test.each([
  ["that can't be parsed", "def broken(:", "SyntaxError"],
  ["that fails when it is imported", "raise RuntimeError('no such table: posts')", "RuntimeError: no such table: posts"],
  [
    "that fails on one node alone",
    "if socket.gethostname() == 'web2': raise RuntimeError('not on this one')",
    "RuntimeError: not on this one",
  ],
])("an app %s is rolled back: the traceback is shown and the old release serves", async (_, code, trace) => {
  const before = await releases();
  site.writeApp(failing(code));
  const { code: exit, stdout, stderr } = await site.deploy();
  expect(exit).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ verdict: "reverted" });
  const summary = stderr.slice(stderr.indexOf("roll: reverted."));
  expect(summary).toContain("Rolled back: ");
  expect(summary).toContain("/health: status 500, expected 200");
  expect(summary).toContain(trace);
  expect(summary).toContain(
    `  web1 serves ${String(before[0])}\n  web2 serves ${String(before[1])}\n  next: fix apps/roll, then pulumi up\n`,
  );
  expect(await releases()).toEqual(before);
  expect(await site.bodies()).toEqual(["first", "first"]);
});

test("a secret reaches the app, but no process list and no output, not even in its own traceback", async () => {
  site.writeApp(`import os\nraise RuntimeError("bad key " + os.environ["KEY"])\n${answering("never")}`);
  const { child, told, ended } = site.start();
  const seen: string[] = [];
  while (child.exitCode === null) {
    seen.push(
      ...readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name))
        .map(commandLine),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { stdout } = await ended;
  // The process lists of the nodes are part of this computer's.
  expect(seen.some((line) => line.includes("silver-agent"))).toBe(true);
  for (const text of [told(), stdout, ...seen]) expect(text).not.toContain("sesame-open");
  expect(told()).toContain("RuntimeError: bad key [secret]");
});

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

test("of two concurrent rollouts one wins, and the other is told which", async () => {
  site.writeApp(answering("winner"));
  const first = site.start();
  await poll("the first prepares", 60, () => first.told().includes("web2     prepare"));
  // Held, as by a slow machine: shorter than a node waits before it takes a rollout for dead.
  first.child.kill("SIGSTOP");
  const second = await site.deploy();
  first.child.kill("SIGCONT");
  expect(second.code).toBe(1);
  expect(JSON.parse(second.stdout)).toMatchObject({ verdict: "refused" });
  expect(second.stderr).toMatch(
    new RegExp(
      `\\S+@\\S+ \\(process ${String(first.child.pid)}\\) has held the lease since \\d{4}-.*, for ${site.rollout().release.id}`,
    ),
  );
  expect((await first.ended).code).toBe(0);
  expect(await site.bodies()).toEqual(["winner", "winner"]);
});

test.each([
  ["web1     connect", 0],
  ["web1     upload", 1],
  ["web1     prepare", 2],
  ["web1     check", 3],
  ["web1     flip", 4],
  ["web2     flip", 5],
  ["web2     cut-over", 6],
])("killed after %j, all nodes serve one release, and the next run brings the new one", async (line, index) => {
  const before = await releases();
  site.writeApp(answering(`killed ${String(index)}`));
  const { release } = site.rollout();
  const running = site.start();
  await poll(line, 60, () => running.told().includes(line));
  running.child.kill("SIGKILL");
  await running.ended;
  const after = await releases();
  expect(new Set(after).size).toBe(1);
  for (const live of after) expect([before[0], release.id]).toContain(live);
  const { code, stderr } = await site.deploy();
  expect(code, stderr).toBe(0);
  expect(await site.bodies()).toEqual([`killed ${String(index)}`, `killed ${String(index)}`]);
});

test("an agent that is killed during prepare has its work undone, on both nodes", async () => {
  const before = await releases();
  site.writeApp(`import time\ntime.sleep(3)\n${answering("never")}`);
  const running = site.start();
  await poll("web2 prepares", 60, () => running.told().includes("web2     prepare  starting"));
  const pid = await ssh(
    web2,
    "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -q 'agent.pyz serve' && echo ${p#/proc/}; done | head -n 1",
  );
  await ssh(web2, `kill -9 ${pid}`);
  const { code, stdout, stderr } = await running.ended;
  expect({ code, verdict: (JSON.parse(stdout) as { verdict: string }).verdict }, stderr).toEqual({
    code: 1,
    verdict: "refused",
  });
  expect(stderr).toContain("web2 ended the session");
  expect(await releases()).toEqual(before);
  expect(await site.bodies()).toEqual(["first", "first"]);
});

test("a node that the network cuts off for a while goes back on its own, and the others with it", async () => {
  const before = await releases();
  site.writeApp(answering("never"));
  const running = site.start();
  await poll("web2 has the files", 60, () => running.told().includes("web2     upload"));
  running.child.kill("SIGSTOP");
  const cut =
    "nft 'add table inet cut; add chain inet cut in { type filter hook input priority -10; }; add rule inet cut in tcp dport 22 drop'";
  await ssh(web2, `systemd-run --quiet sh -c "sleep 1; ${cut}; sleep 35; nft delete table inet cut"`);
  await poll("web2 is cut off", 30, async () => !(await listens(web2)));
  running.child.kill("SIGCONT");
  const { code, stdout, stderr } = await running.ended;
  expect({ code, verdict: (JSON.parse(stdout) as { verdict: string }).verdict }, stderr).toEqual({
    code: 1,
    verdict: "refused",
  });
  expect(stderr).toMatch(/web2, \S+: web2 ended the session .*not responding/);
  expect(await releases()).toEqual(before);
  expect(await site.bodies()).toEqual(["first", "first"]);
});

function listens(node: TestNode): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: node.address, port: node.port, timeout: 1000 });
    const tell = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", tell(true)).once("timeout", tell(false)).once("error", tell(false));
  });
}

test("no request fails during five rollouts", async () => {
  const answers: string[] = [];
  let going = true;
  const visitors = [web1, web2, web1, web2].map(async (node) => {
    while (going) {
      const answer = await site.get(node).catch((error: unknown) => ({ status: 0, body: String(error) }));
      answers.push(`${answer.status} ${answer.body}`);
    }
  });
  for (const text of ["a", "b", "c", "d", "e"]) {
    site.writeApp(answering(text));
    const { code, stderr } = await site.deploy();
    expect(code, stderr).toBe(0);
  }
  going = false;
  await Promise.all(visitors);
  expect(answers.length).toBeGreaterThan(100);
  expect([...new Set(answers)].toSorted()).toEqual(["200 a", "200 b", "200 c", "200 d", "200 e", "200 first"]);
});

test("Varnish survives the end of releases that it has kept connections to, and forgets them", async () => {
  const nodes = [web1, web2];
  const admin = "varnishadm -T 127.0.0.1:6082 -S /etc/varnish/secret";
  const rounds = 3 * soak;
  for (let round = 0; round < rounds; round++) {
    const [old] = await releases();
    site.writeApp(answering(`round ${String(round)}`));
    const { code, stderr } = await site.deploy();
    expect(code, stderr).toBe(0);
    await Promise.all(
      nodes.map(async (node) => {
        const facts = await ssh(node, `grep -h -A1 '^backend' /srv/silver/roll/releases/${String(old)}/conf/site.vcl`);
        const address = /"([0-9.]+)"/.exec(facts)?.[1] ?? "";
        const connected = async () => Number(await ssh(node, `ss -Htn dst ${address} | wc -l`));
        if (round === 0) expect(await connected()).toBeGreaterThan(0);
        await ssh(node, `silver-agent retire roll ${String(old)}`);
        expect(await connected()).toBe(0);
        // Connections for the next round to keep.
        await Promise.all(Array.from({ length: 16 }, () => site.get(node)));
      }),
    );
  }
  for (const node of nodes) {
    expect((await ssh(node, `${admin} vcl.list | grep -Ev 'discarded|->' | grep -c r_roll_`)).trim()).toBe("1");
    expect((await trySsh(node, `${admin} panic.show`)).stdout).toContain("not panicked");
  }
}, 0);

test("a wrong host key, a refused login, a closed port and a missing agent are each reported as such", async () => {
  site.writeApp(answering("not sent"));
  const { nodes } = site.rollout();
  const key2 = nodes[1]?.hostKey ?? "";
  const wrongKey = await site.deploy({ nodes: nodes.map((node) => ({ ...node, hostKey: key2 })) });
  expect(wrongKey.stderr).toMatch(/web1, connect: root@\S+:22 showed another host key: expected SHA256:\S+, found SHA256:\S+\n/);
  const closed = await site.deploy({ nodes: nodes.map((node) => ({ ...node, port: 2222 })) });
  expect(closed.stderr).toMatch(
    /web1, connect: root@\S+:2222 can't be reached: ssh: connect to host \S+ port 2222: Connection refused/,
  );
  const noKey = await site.start({ env: { SSH_AUTH_SOCK: "/nowhere" } }).ended;
  expect(noKey.stderr).toMatch(/web1, connect: root@\S+:22 refused the login: .*Permission denied \(publickey/);
  await ssh(web2, "mv /usr/local/bin/silver-agent /usr/local/bin/away");
  const noAgent = await site.deploy();
  await ssh(web2, "mv /usr/local/bin/away /usr/local/bin/silver-agent");
  expect(noAgent.stderr).toMatch(/web2, connect: web2 has no agent \(.*silver-agent: No such file or directory\)/);
  expect(noAgent.stderr).toContain("web1 serves 1.0.0-");
  for (const { code, stdout } of [wrongKey, closed, noKey, noAgent]) {
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: "refused" });
  }
  expect(await site.bodies()).toEqual(["first", "first"]);
});

test("a user other than root rolls out through sudo", async () => {
  for (const node of site.nodes) {
    await ssh(
      node,
      "id deploy 2>/dev/null || useradd -m -s /bin/sh deploy; echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy; mkdir -p ~deploy/.ssh; cp ~/.ssh/authorized_keys ~deploy/.ssh/; chown -R deploy ~deploy/.ssh",
    );
  }
  site.writeApp(answering("by deploy"));
  const nodes = site.rollout().nodes.map((node) => ({ ...node, user: "deploy" }));
  const { code, stderr } = await site.deploy({ nodes });
  expect(code, stderr).toBe(0);
  expect(await site.bodies()).toEqual(["by deploy", "by deploy"]);
  await ssh(web1, "rm /etc/sudoers.d/deploy");
  site.writeApp(answering("without sudo"));
  const refused = await site.deploy({ nodes });
  // The second is what Ubuntu 26.04's sudo says, which is sudo-rs.
  expect(refused.stderr).toMatch(
    /web1, connect: deploy may not use sudo on web1: sudo: (?:a password|interactive authentication) is required/,
  );
});

test("a removed site serves nothing any more, its data is archived, and it can come back", async () => {
  const removed = await site.start({ args: ["remove"] }).ended;
  expect(removed.code, removed.stderr).toBe(0);
  expect(removed.stderr).toContain("roll: removed. Its data is kept in the archive of each node.");
  expect((await site.get(web1)).status).toBeGreaterThanOrEqual(400);
  expect((await trySsh(web1, "ls /srv/silver/.archive")).stdout).toContain("roll");
  expect((await site.start({ args: ["remove"] }).ended).code).toBe(0);
  await site.setUp();
  const { code, stderr } = await site.deploy();
  expect(code, stderr).toBe(0);
  expect(await site.bodies()).toEqual(["first", "first"]);
});
