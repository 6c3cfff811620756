import { rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  ensureNode,
  listNodes,
  removeAllNodes,
  removeNode,
  startAllNodes,
  startNode,
  stopNode,
} from "../../components/machines/local-machine.ts";
import { filesOf } from "../../components/machines/node-disk.ts";
import { mustRun, runCommand } from "../../components/machines/run-command.ts";
import { interfaceName } from "../../components/machines/subnet.ts";
import { poll, ssh, trySsh, useNodes } from "../support/nodes.ts";
import { otherOs, testOs } from "../support/systems.ts";

const nodes = useNodes("local-machine");
const neighbours = useNodes("local-machine neighbours");
const quiet = () => undefined;
const bootId = "cat /proc/sys/kernel/random/boot_id";

/** Every line this computer shows that names a clone: processes, interfaces, mounts, control groups, firewall, registry, files. */
async function tracesOf(cloneId: string): Promise<string[]> {
  const shown = await Promise.all([
    mustRun("processes", ["ps", "-eo", "args"]),
    mustRun("interfaces", ["ip", "-oneline", "link"]),
    readFile("/proc/self/mounts", "utf8"),
    mustRun("control groups", ["find", "/sys/fs/cgroup", "-type", "d"]),
    mustRun("firewall", ["nft", "list", "ruleset"]),
    mustRun("loop devices", ["losetup", "--list"]),
    mustRun("files of systemd", ["find", "/run/systemd"]),
    readFile("/var/lib/silverlining/network.json", "utf8").catch(() => ""),
  ]);
  return shown.flatMap((text) => text.split("\n")).filter((line) => line.includes(cloneId));
}

const nspawnPid = async (name: string) => Number(await readFile(filesOf(nodes.clone, name).nspawnPid, "utf8"));

test("a new node is booted, opened by the clone's key, and is what its record says", async () => {
  const node = await nodes.boot("web1");
  const seen = await ssh(
    node,
    "systemctl is-system-running; cat /etc/hostname /etc/machine-id; . /etc/os-release; echo $ID-$VERSION_ID",
  );
  expect(seen).toBe(`running\nweb1\n${node.machineId}\n${testOs}`);
  expect(await listNodes(nodes.clone)).toEqual([
    {
      name: "web1",
      address: node.address,
      port: 22,
      hostKey: node.hostKey,
      machineId: node.machineId,
      os: testOs,
      running: true,
    },
  ]);
});

test("a node reaches the package archive by name, and trusts the authorities that this computer trusts", async () => {
  const node = await nodes.boot("web1");
  await ssh(node, "apt-get update -q --error-on=any");
  await ssh(node, "for own in /usr/local/share/ca-certificates/*.crt; do [ ! -e $own ] || openssl verify $own; done");
});

test("ensuring an existing node changes nothing", async () => {
  const node = await nodes.boot("web1");
  const before = await ssh(node, bootId);
  expect(await nodes.boot("web1")).toEqual(node);
  expect(await ssh(node, bootId)).toBe(before);
});

test("a node of an earlier checkout in this place, whose key is gone, is reported at once, and left alone", async () => {
  const node = await nodes.boot("web1");
  const before = await ssh(node, bootId);
  const keyFile = join(dirname(nodes.clone.keyFile), "another");
  await mustRun("making another key", ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keyFile]);
  onTestFinished(() => {
    for (const file of [keyFile, `${keyFile}.pub`]) rmSync(file);
  });
  const spec = { name: "web1", os: testOs, prepared: [] };
  await expect(ensureNode({ ...nodes.clone, keyFile }, spec, quiet)).rejects.toThrow(
    `node web1 at ${node.address} was made with a key that is not this checkout's`,
  );
  expect(await ssh(node, bootId)).toBe(before);
});

test("ensuring one node twice at once makes one node", async () => {
  const [first, second] = await Promise.all([nodes.boot("twin"), nodes.boot("twin")]);
  expect(second).toEqual(first);
  await removeNode(nodes.clone, "twin", quiet);
});

test("a stopped node starts again with its disk, address and host key", async () => {
  const node = await nodes.boot("web1");
  await ssh(node, "echo kept >/root/file");
  const before = await ssh(node, bootId);
  await stopNode(nodes.clone, "web1", quiet);
  expect((await listNodes(nodes.clone)).map(({ running }) => running)).toEqual([false]);
  await stopNode(nodes.clone, "web1", quiet);
  expect(await startNode(nodes.clone, "web1", quiet)).toMatchObject({ address: node.address, hostKey: node.hostKey });
  // The known host key is the one from before: another would refuse the login.
  expect(await ssh(node, "cat /root/file")).toBe("kept");
  expect(await ssh(node, bootId)).not.toBe(before);
});

test("a node that reboots itself comes back", async () => {
  const node = await nodes.boot("web1");
  const before = await ssh(node, bootId);
  await trySsh(node, "systemctl reboot");
  const after = await poll("the node is up again", 60, async () => {
    const { code, stdout } = await trySsh(node, bootId);
    return code === 0 && stdout.trim() !== before && stdout;
  });
  expect(after).not.toBe("");
  await poll("it is booted", 60, async () => (await trySsh(node, "systemctl is-system-running")).stdout.trim() === "running");
});

test("a node whose systemd-nspawn was killed leaves no process behind, and boots again", async () => {
  const node = await nodes.boot("web1");
  process.kill(await nspawnPid("web1"), "SIGKILL");
  await poll("the node is down", 20, async () => (await listNodes(nodes.clone)).every(({ running }) => !running));
  expect((await tracesOf(nodes.clone.id)).filter((line) => line.includes("cgroup") || line.includes("nspawn"))).toEqual([]);
  expect(await nodes.boot("web1")).toEqual(node);
});

test("a node whose supervisor was killed shuts down, and boots again", async () => {
  const node = await nodes.boot("web1");
  const status = await readFile(`/proc/${await nspawnPid("web1")}/status`, "utf8");
  process.kill(Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]), "SIGKILL");
  await poll("the node is down", 60, async () => (await listNodes(nodes.clone)).every(({ running }) => !running));
  expect(await nodes.boot("web1")).toEqual(node);
});

test("nodes come back where they were when this computer has forgotten its network", async () => {
  const node = await nodes.boot("web1");
  // What a reboot of this computer leaves: disks and /var/lib, no process, interface, mount or rule.
  await stopNode(nodes.clone, "web1", quiet);
  await mustRun("forgetting the bridge", ["ip", "link", "delete", interfaceName(nodes.clone.id)]);
  await mustRun("forgetting the rules", ["nft", "delete", "table", "inet", "silverlining"]);
  await startAllNodes(nodes.clone, quiet);
  expect(await ssh(node, "getent hosts deb.debian.org >/dev/null && echo reached")).toBe("reached");
});

test("a node that another firewall cuts off boots, with a warning", async () => {
  await stopNode(nodes.clone, "web1", quiet);
  const rule = `chain forward { type filter hook forward priority 10; iifname "${interfaceName(nodes.clone.id)}" drop; }\n`;
  await mustRun("another firewall", ["nft", "-f", "-"], { input: `table inet silver_test_firewall { ${rule} }\n` });
  try {
    const said: string[] = [];
    await startNode(nodes.clone, "web1", (line) => said.push(line));
    expect(said.at(-1)).toMatch(/^! web1 can't look up [a-z]+\.(?:ubuntu\.com|debian\.org), so it will get no packages/);
  } finally {
    await mustRun("no other firewall", ["nft", "delete", "table", "inet", "silver_test_firewall"]);
  }
});

test("a node can mount a disk image of fixed size, and does not keep its loop device when it is removed", async () => {
  const node = await nodes.boot("quota");
  await ssh(node, "truncate -s 20M /root/disk && mkfs.ext4 -q /root/disk && mount -o loop /root/disk /mnt");
  expect((await trySsh(node, "dd if=/dev/zero of=/mnt/file bs=1M count=30 2>&1")).stdout).toContain("No space left on device");
  // More than a computer has as it boots.
  const many =
    "for number in $(seq 20); do cp /root/disk /root/disk$number && mkdir /mnt$number && mount -o loop /root/disk$number /mnt$number || exit; done";
  await ssh(node, `umount /mnt && ${many}`);
  expect(await ssh(node, "findmnt --list --noheadings --output TARGET | grep -c '^/mnt[0-9]'")).toBe("20");
  const device = await ssh(node, "losetup --find --show /etc/hostname");
  await removeNode(nodes.clone, "quota", quiet);
  expect((await runCommand(["losetup", device])).code).not.toBe(0);
});

test("a node can't do what would change this computer", async () => {
  const node = await nodes.boot("web1");
  expect((await trySsh(node, "date --set='2001-01-01'")).stderr).toMatch(
    /cannot set date: (?:Operation not permitted|Permission denied)/,
  );
  expect(await ssh(node, "date +%Y")).toBe(String(new Date().getUTCFullYear()));
});

test("prepared packages are installed and none of their services runs", async () => {
  const node = await nodes.boot("prepared", { prepared: ["varnish"] });
  expect(await ssh(node, "varnishd -V 2>&1 | head -n 1")).toContain("varnish");
  expect((await trySsh(node, "systemctl is-enabled varnish.service")).stdout).toBe("disabled\n");
  expect((await trySsh(node, "pgrep varnishd")).stdout).toBe("");
  await removeNode(nodes.clone, "prepared", quiet);
});

test("Debian 13 boots as well", async () => {
  const node = await nodes.boot("other", { os: otherOs });
  expect(await ssh(node, "systemctl is-system-running; . /etc/os-release; echo $ID-$VERSION_ID")).toBe(`running\n${otherOs}`);
});

test("an existing node with another os is refused, and stays", async () => {
  const node = await nodes.boot("web1");
  const asked = ensureNode(nodes.clone, { name: "web1", os: otherOs, prepared: [] }, quiet);
  await expect(asked).rejects.toThrow(`node web1 exists and runs ${testOs}, not ${otherOs}`);
  expect(await nodes.boot("web1")).toEqual(node);
});

test("nodes of one clone reach each other; those of another clone are out of reach, and outlive it", async () => {
  const [one, two] = [await nodes.boot("web1"), await nodes.boot("other", { os: otherOs })];
  const other = await neighbours.boot("web1");
  expect(other.address.split(".").slice(0, 3)).not.toEqual(one.address.split(".").slice(0, 3));
  const dial = (address: string) => `timeout 3 bash -c ': </dev/tcp/${address}/22' && echo reached || echo not`;
  expect(await ssh(one, dial(two.address))).toBe("reached");
  expect(await ssh(one, dial(other.address))).toBe("not");
  expect(await ssh(other, dial(one.address))).toBe("not");
  await removeAllNodes(neighbours.clone, quiet);
  expect(await tracesOf(neighbours.clone.id)).toEqual([]);
  expect(await ssh(one, dial(two.address))).toBe("reached");
  await ssh(one, "getent hosts deb.debian.org");
});

test("removing the last node leaves no process, interface, mount, rule or file behind", async () => {
  await nodes.boot("web1");
  await removeAllNodes(nodes.clone, quiet);
  expect(await tracesOf(nodes.clone.id)).toEqual([]);
  const left = await mustRun("files", ["find", dirname(nodes.clone.nodesDirectory), "-mindepth", "1"]);
  // The clone's key is the caller's: in a checkout it is in .silver/ssh.
  expect(
    left
      .trim()
      .split("\n")
      .map((path) => path.replace(/.*\//, ""))
      .sort(),
  ).toEqual(["id_ed25519", "id_ed25519.pub"]);
  await removeNode(nodes.clone, "web1", quiet);
});
