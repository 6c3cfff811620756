import { readFile } from "node:fs/promises";
import type { Clone } from "./clone.ts";
import { MachineError } from "./machine-error.ts";
import { claimAddress, raiseNetwork } from "./network.ts";
import { filesOf } from "./node-disk.ts";
import type { NodeFiles, NodeRecord } from "./node-disk.ts";
import { secondsSince } from "./progress.ts";
import type { Progress } from "./progress.ts";
import { runCommand } from "./run-command.ts";
import { sshCommand } from "./ssh-command.ts";
import type { SshTarget } from "./ssh-command.ts";
import { interfaceName } from "./subnet.ts";
import { isRunning, startSupervisor } from "./supervisor.ts";

/** Seconds a node may take from its start until systemd has booted it. Measured: 1. */
const bootSeconds = 120;

/** Starts a stopped node, and waits until it has booted and accepts logins. */
export async function bootNode(clone: Clone, record: NodeRecord, progress: Progress): Promise<void> {
  const files = filesOf(clone, record.name);
  const started = Date.now();
  const standing = !(await isRunning(files));
  if (standing) {
    const place = await claimAddress(clone, record.name, record.place);
    if (place.address !== record.address)
      throw new MachineError(
        `the address ${record.address} of node ${record.name} was given to another checkout`,
        `remove the node and make it again: node components/machines/main.ts remove ${record.name}`,
      );
    progress(`  … starting ${record.name}`);
    await raiseNetwork(clone, record.place, files.namespace);
    await startSupervisor(clone, record.name, files);
  }
  await awaitBoot(clone, record, files);
  if (!standing) return;
  progress(`✓ Node ${record.name} booted at ${record.address} ${secondsSince(started)}`);
  await checkWayOut(clone, record, progress);
}

/**
 * Warns when the node can't resolve its package archive: apt would fail much later, with less of a hint.
 * Not an error, because the node works without it. Behind apt's proxy the node need not resolve anything.
 */
async function checkWayOut(clone: Clone, record: NodeRecord, progress: Progress): Promise<void> {
  const ask = `! grep -qs Proxy /etc/apt/apt.conf.d/90host || exit 0
    set -- $(grep -ho 'http://[^/ ]*' /etc/apt/sources.list); timeout 10 getent hosts "\${1#http://}" >&2 || echo "\${1#http://}"`;
  const { stdout } = await runCommand(sshCommand(rootOf(clone, record), ask), { timeoutSeconds: 30 });
  const archive = stdout.trim();
  if (archive !== "")
    progress(
      `! ${record.name} can't look up ${archive}, so it will get no packages. If this computer can, another firewall here drops what ` +
        `nodes send (Docker's does: iptables -I DOCKER-USER -i ${interfaceName(clone.id)} -j ACCEPT, and -o likewise)`,
    );
}

/** Waits until sshd accepts logins and systemd has finished booting. */
async function awaitBoot(clone: Clone, record: NodeRecord, files: NodeFiles): Promise<void> {
  const target = {
    address: record.address,
    port: record.port,
    user: "root",
    knownHosts: files.knownHosts,
    keyFile: clone.keyFile,
  };
  const ask = sshCommand(target, "systemctl is-system-running --wait");
  const deadline = Date.now() + bootSeconds * 1000;
  let last = "";
  while (Date.now() < deadline && (await isRunning(files))) {
    const answer = await runCommand(ask, { timeoutSeconds: bootSeconds });
    const state = answer.stdout.trim();
    // "degraded": a unit failed, which is for the node's administrator to judge.
    if (state === "running" || state === "degraded") return;
    last = state || answer.stderr.trim();
    if (last.includes("Permission denied"))
      throw new MachineError(
        `node ${record.name} at ${record.address} was made with a key that is not this checkout's: an earlier checkout was here`,
        `restore its .silver; or remove the node, with its disk: node components/machines/main.ts remove ${record.name}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const log = (await readFile(files.console, "utf8").catch(() => "")).trim().split("\n").slice(-15);
  throw new MachineError(
    `node ${record.name} at ${record.address} did not boot: ${last || "it ended"}\n  ${log.join("\n  ")}`,
    `see ${files.console}; node components/machines/main.ts remove ${record.name} removes it`,
  );
}

function rootOf(clone: Clone, { name, address, port }: NodeRecord): SshTarget {
  return { address, port, user: "root", knownHosts: filesOf(clone, name).knownHosts, keyFile: clone.keyFile };
}
