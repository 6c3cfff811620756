import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { reachHost } from "../../components/machines/host-machine.ts";
import type { Host } from "../../components/machines/host-machine.ts";
import { mustRun } from "../../components/machines/run-command.ts";
import { ssh, useNodes } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { otherOs, testOs } from "../support/systems.ts";

const nodes = useNodes("host-machine");
let node: TestNode;
let host: Host;
let directory: string;

beforeAll(async () => {
  node = await nodes.boot("web1");
  const { address, port, hostKey, os, keyFile } = node;
  host = { name: "web9", address, port, hostKey, os, user: "root", keyFile };
  directory = await mkdtemp(join(tmpdir(), "silver-test-"));
});

afterAll(() => rm(directory, { recursive: true }));

/** Makes a key pair and returns the path of the private half. */
async function makeKey(name: string): Promise<string> {
  const file = join(directory, name);
  await mustRun("making a key", ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file]);
  return file;
}

test("a machine reached by SSH is the same record as a local one", async () => {
  const { name, address, port, hostKey, machineId, os } = node;
  expect({ ...(await reachHost(host)), name }).toEqual({ name, address, port, hostKey, machineId, os });
});

test("a user other than root reaches it as well, at another port", async () => {
  await ssh(node, "useradd --create-home deployer && cp -r /root/.ssh /home/deployer/ && chown -R deployer: /home/deployer/.ssh");
  await ssh(node, "printf 'Port 22\\nPort 2222\\n' >/etc/ssh/sshd_config.d/ports.conf");
  // Ubuntu's systemd listens for sshd, at the ports that a generator reads.
  await ssh(node, "if systemctl --quiet is-active ssh.socket; then systemctl daemon-reload && systemctl restart ssh.socket; fi");
  await ssh(node, "systemctl restart ssh");
  expect(await reachHost({ ...host, user: "deployer", port: 2222 })).toMatchObject({ port: 2222, machineId: node.machineId });
});

test("another host key is refused, with the fingerprint that was expected and the one that was found", async () => {
  const other = `${await makeKey("host")}.pub`;
  const [type = "", key = ""] = (await mustRun("reading", ["cat", other])).split(" ");
  const fingerprintOf = async (file: string) =>
    (await mustRun("fingerprint", ["ssh-keygen", "-l", "-f", file])).split(" ")[1] ?? "none";
  const expected = await fingerprintOf(other);
  const found = await fingerprintOf(join(node.root, "etc/ssh/ssh_host_ed25519_key.pub"));
  await expect(reachHost({ ...host, hostKey: `${type} ${key}` })).rejects.toThrow(
    `web9: root@${node.address}:22 showed another host key: expected ${expected}, found ${found}`,
  );
});

test("a refused login says so", async () => {
  await expect(reachHost({ ...host, keyFile: await makeKey("stranger") })).rejects.toThrow(
    `web9: root@${node.address}:22 refused the login: root@${node.address}: Permission denied (publickey`,
  );
});

test("a closed port is reported", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  await expect(reachHost({ ...host, address: "127.0.0.1", port })).rejects.toThrow(
    `web9: root@127.0.0.1:${port} can't be reached: ssh: connect to host 127.0.0.1 port ${port}: Connection refused`,
  );
});

test("an unknown host name is reported", async () => {
  await expect(reachHost({ ...host, address: "no-such-host.invalid" })).rejects.toThrow(
    "web9: root@no-such-host.invalid:22 can't be reached: ssh: Could not resolve hostname no-such-host.invalid",
  );
});

test("a system other than the declared one is refused", async () => {
  await expect(reachHost({ ...host, os: otherOs })).rejects.toThrow(
    `web9: ${node.address} runs ${testOs}, but the environment says ${otherOs}`,
  );
});
