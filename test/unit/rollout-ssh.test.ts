import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { agentCommand, explainSsh, fingerprint, makeSshFiles, rsyncWords } from "../../components/rollout/ssh.ts";
import type { SshRoute } from "../../components/rollout/ssh.ts";
import { aRollout } from "../support/rollout-fixture.ts";

const [root] = aRollout(["web1"]).nodes;
if (root === undefined) throw new Error("a rollout has nodes");
const route = (node: Partial<typeof root> = {}, proxy?: string): SshRoute => ({
  node: { ...root, ...node },
  proxy,
  files: { knownHosts: "/tmp/silver-x/0.hosts", control: "/tmp/silver-x/0.s" },
});

test("the session's ssh trusts one host key, asks nobody anything and keeps its connection for the upload", () => {
  expect(agentCommand(route()).join(" ")).toBe(
    "ssh -T -o ControlMaster=yes -o ControlPath=/tmp/silver-x/0.s -o ControlPersist=no -o BatchMode=yes -o StrictHostKeyChecking=yes " +
      "-o UserKnownHostsFile=/tmp/silver-x/0.hosts -o GlobalKnownHostsFile=/dev/null -o HostKeyAlias=silver-node-web1 " +
      "-o HostKeyAlgorithms=ssh-ed25519 -o UpdateHostKeys=no -o CheckHostIP=no -o PreferredAuthentications=publickey " +
      "-o RemoteCommand=none -o IdentitiesOnly=no -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3 -o ForwardAgent=no -o ForwardX11=no -o ClearAllForwardings=yes -o LogLevel=INFO " +
      "-p 22 root@10.0.0.1 /usr/local/bin/silver-agent serve",
  );
});

test("another user than root goes by sudo, and a proxy is jumped over as the same user", () => {
  expect(agentCommand(route({ user: "silver", port: 2222 }, "bastion.acme.net")).join(" ")).toContain(
    "-J silver@bastion.acme.net -p 2222 silver@10.0.0.1 sudo -n /usr/local/bin/silver-agent serve",
  );
  expect(agentCommand(route({}, "jump@bastion:2200"))).toContain("jump@bastion:2200");
  expect(rsyncWords(route({ user: "silver" }), "/srv/x").shell).toContain("sudo -n rsync");
});

test("an RSA key is asked for by its modern signatures", () => {
  expect(agentCommand(route({ hostKey: "ssh-rsa AAAA" }))).toContain("HostKeyAlgorithms=rsa-sha2-512,rsa-sha2-256");
});

test("an upload goes over the session's connection and never opens one of its own", () => {
  expect(rsyncWords(route(), "/srv/silver/hello/releases/x.partial/app")).toEqual({
    shell: ["-e", "ssh -S /tmp/silver-x/0.s -o ControlMaster=no -o BatchMode=yes -o ProxyCommand=false -o RemoteCommand=none"],
    target: "root@silver-node-web1:/srv/silver/hello/releases/x.partial/app/",
  });
});

test("known host keys stand in files of their owner's alone, and are gone afterwards", () => {
  const rollout = aRollout(["web1", "web2"]);
  const { routeTo, remove } = makeSshFiles(rollout.nodes, rollout.ssh.proxy);
  const files = rollout.nodes.map((node) => routeTo(node).files.knownHosts);
  expect(files.map((file) => readFileSync(file, "utf8"))).toEqual([
    "silver-node-web1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtleQ==\n",
    "silver-node-web2 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtleQ==\n",
  ]);
  const [file = ""] = files;
  expect([statSync(file).mode & 0o777, statSync(dirname(file)).mode & 0o777]).toEqual([0o600, 0o700]);
  remove();
  remove();
  expect(existsSync(dirname(file))).toBe(false);
});

const changed = `@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
The fingerprint for the ED25519 key sent by the remote host is
SHA256:abcDEF123+/x.
Please contact your system administrator.
Host key verification failed.`;

test.each([
  [changed, 255, "host-key", `showed another host key: expected ${fingerprint(root.hostKey)}, found SHA256:abcDEF123+/x`],
  [
    "Unable to negotiate with 10.0.0.1 port 22: no matching host key type found. Their offer: ssh-rsa",
    255,
    "host-key",
    "found one of another type",
  ],
  [
    "root@10.0.0.1: Permission denied (publickey).",
    255,
    "login",
    "root@10.0.0.1:22 refused the login: root@10.0.0.1: Permission denied (publickey).",
  ],
  [
    "sudo: interactive authentication is required",
    1,
    "login",
    "root may not use sudo on web1: sudo: interactive authentication is required",
  ],
  ["sudo: a password is required", 1, "login", "root may not use sudo on web1: sudo: a password is required"],
  [
    "bash: line 1: /usr/local/bin/silver-agent: No such file or directory",
    127,
    "agent-missing",
    "web1 has no agent (bash: line 1",
  ],
  [
    "ssh: connect to host 10.0.0.1 port 22: Connection timed out",
    255,
    "unreachable",
    "can't be reached: ssh: connect to host 10.0.0.1 port 22: Connection timed out",
  ],
  [
    "ssh: Could not resolve hostname web1.acme.net: Name or service not known",
    255,
    "unreachable",
    "can't be reached: ssh: Could not resolve",
  ],
  ["spawn ssh ENOENT", null, "unreachable", "can't be reached: spawn ssh ENOENT"],
] as const)("ssh saying %j is told as %s %s", (stderr, code, failure, message) => {
  const told = explainSsh(route(), { code }, stderr);
  expect(told.code).toBe(failure);
  expect(told.message).toContain(message);
  expect(told.node).toBe("web1");
  expect(told.fix).toBeTruthy();
});

test("a proxy that is not known, or refuses the login, is told as what stopped the way", () => {
  const way = route({}, "bastion.acme.net");
  const unknown =
    "No ED25519 host key is known for bastion.acme.net and you have requested strict checking.\nHost key verification failed.\nConnection closed by UNKNOWN port 65535";
  expect(explainSsh(way, { code: 255 }, unknown)).toMatchObject({
    code: "host-key",
    message: expect.stringContaining(
      "the host key of the proxy bastion.acme.net, on the way to web1, is unknown here: No ED25519",
    ) as string,
  });
  const refused = "root@bastion.acme.net: Permission denied (publickey).\nConnection closed by UNKNOWN port 65535";
  expect(explainSsh(way, { code: 255 }, refused).message).toContain(
    "refused the login: root@bastion.acme.net: Permission denied",
  );
  expect(
    explainSsh(
      way,
      { code: 255 },
      changed.replace("Host key verification", "Host key for silver-node-web1 has changed.\nHost key verification"),
    ).message,
  ).toContain("root@10.0.0.1:22 showed another host key");
});

test("another host key is told as the line that the environment would have", () => {
  const told = explainSsh(route(), { code: 255 }, changed, (_, found) => `ssh-ed25519 AAAA-of-${found}`);
  expect(told.fix).toBe(
    'if web1 was set up again, write into the environment hostKey: "ssh-ed25519 AAAA-of-SHA256:abcDEF123+/x"; if not, find out what answers there',
  );
});

test("a fingerprint is what ssh-keygen -l prints", () => {
  expect(fingerprint("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl")).toBe(
    "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU",
  );
});
