import { readdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { Owner } from "../node/contract.ts";
import { systemNames } from "../systems/systems.ts";
import { settleAuthority } from "./authority.ts";
import { bootNode } from "./boot-node.ts";
import type { Clone } from "./clone.ts";
import { createNode } from "./create-node.ts";
import type { NodeSpec } from "./create-node.ts";
import { withLock } from "./lock.ts";
import type { Machine } from "./machine.ts";
import { MachineError } from "./machine-error.ts";
import { lowerNetwork, releaseAddress } from "./network.ts";
import { filesOf, machineName, readRecord, removeDisk, writeRecord } from "./node-disk.ts";
import type { NodeFiles, NodeRecord } from "./node-disk.ts";
import { isSameHere, ownerHere } from "./owner.ts";
import { checkMachine, checkRoot } from "./preflight.ts";
import type { Progress } from "./progress.ts";
import { runCommand } from "./run-command.ts";
import { isRunning, stopSupervisor } from "./supervisor.ts";

/** A node as `list` shows it. */
export interface ListedNode extends Machine {
  running: boolean;
}

/** Seconds a node has to shut down: systemd gives a unit 90. */
const shutdownSeconds = 100;

/**
 * Ensures that a node runs: creates it when absent, starts it when stopped, waits until it has booted and accepts logins.
 * An existing node keeps its address, host key and disk. Safe to run again, and concurrently.
 * @throws MachineError when it is another environment's
 */
export async function ensureNode(clone: Clone, spec: NodeSpec, progress: Progress): Promise<Machine> {
  const { name, os, owner, hasAuthority } = spec;
  checkName(name);
  await checkMachine();
  return alone(clone, name, async (files) => {
    const found = await readRecord(files);
    const owned = owner === undefined ? {} : { owner: ownerHere(found?.owner, owner) };
    if (found !== undefined && found.os !== os)
      throw new MachineError(
        `node ${name} exists and runs ${found.os}, not ${os}`,
        `remove it first (its disk goes with it): node components/machines/main.ts remove ${name}`,
      );
    const { hasAuthority: hadAuthority, ...made } = found ?? (await createNode(clone, spec, progress));
    const isWanted = hasAuthority ?? hadAuthority === true;
    const without: NodeRecord = { ...made, ...owned };
    const record: NodeRecord = isWanted || hadAuthority === true ? { ...without, hasAuthority: true } : without;
    await writeRecord(files, record);
    await bootNode(clone, record, progress);
    if (record.hasAuthority === true) await settleAuthority(clone, record, isWanted, progress);
    // Not before it is gone: a node that does not boot has it still.
    if (!isWanted) await writeRecord(files, without);
    return machineOf(record);
  });
}

/** Starts a stopped node with the address and host key it had, even after this computer was rebooted. */
export async function startNode(clone: Clone, name: string, progress: Progress): Promise<Machine> {
  checkName(name);
  await checkMachine();
  return alone(clone, name, async (files) => {
    const record = await readRecord(files);
    if (record === undefined)
      throw new MachineError(
        `this checkout has no node ${name}`,
        `make it: node components/machines/main.ts ensure ${name} --os ${systemNames[0]}`,
      );
    await bootNode(clone, record, progress);
    if (record.hasAuthority === true) await settleAuthority(clone, record, true, progress);
    return machineOf(record);
  });
}

/** Shuts a node down cleanly; its disk and its address stay. Does nothing when it is stopped or absent. */
export async function stopNode(clone: Clone, name: string, progress: Progress): Promise<void> {
  checkName(name);
  checkRoot();
  await alone(clone, name, async (files) => {
    const record = await readRecord(files);
    if (record === undefined) return;
    const wasRunning = await isRunning(files);
    await stopSupervisor(files, shutdownSeconds);
    await lowerNetwork(clone, record.place, files.namespace);
    if (wasRunning) progress(`✓ Node ${name} stopped`);
  });
}

/**
 * Removes a node and all it has on this computer, including its disk. Does nothing when it is absent, or another environment's.
 * @param owner the environment that lets it go. Default: a person does, whoever has it
 */
export async function removeNode(clone: Clone, name: string, progress: Progress, owner?: Owner): Promise<void> {
  checkName(name);
  checkRoot();
  await alone(clone, name, async (files) => {
    const record = await readRecord(files);
    if (record?.owner !== undefined && owner !== undefined && !isSameHere(record.owner, owner)) {
      progress(`Node ${name} belongs to ${record.owner.name}, whose state is in ${record.owner.backend}: left alone`);
      return;
    }
    if (record !== undefined) {
      await stopSupervisor(files, 0);
      await lowerNetwork(clone, record.place, files.namespace);
    }
    await removeDisk(files);
    await releaseAddress(clone, name);
    // Remove the parent directories with the last node.
    await runCommand(["rmdir", "--ignore-fail-on-non-empty", clone.nodesDirectory, dirname(clone.nodesDirectory)]);
    if (record !== undefined) progress(`✓ Node ${name} removed`);
  });
}

/** Starts every node of the clone. */
export async function startAllNodes(clone: Clone, progress: Progress): Promise<void> {
  for (const { name } of await listNodes(clone)) await startNode(clone, name, progress);
}

/**
 * Removes every node of the clone, including half-made ones.
 * @param isMeant by its name. Default: every one
 */
export async function removeAllNodes(
  clone: Clone,
  progress: Progress,
  isMeant: (name: string) => boolean = () => true,
): Promise<void> {
  for (const name of (await namesOf(clone)).filter(isMeant)) await removeNode(clone, name, progress);
}

/** Every node of the clone, by name. */
export async function listNodes(clone: Clone): Promise<ListedNode[]> {
  const nodes: ListedNode[] = [];
  for (const name of await namesOf(clone)) {
    const files = filesOf(clone, name);
    const record = await readRecord(files);
    if (record !== undefined) nodes.push({ ...machineOf(record), running: await isRunning(files) });
  }
  return nodes;
}

async function namesOf(clone: Clone): Promise<string[]> {
  const entries = await readdir(clone.nodesDirectory).catch(() => []);
  return [...new Set(entries.map((entry) => entry.replace(/^\.new-/, "")))].sort();
}

function checkName(name: string): void {
  if (!/^[a-z][a-z0-9-]{0,23}$/.test(name))
    throw new MachineError(`"${name}" can't name a node`, "use at most 24 of a-z, 0-9 and -, the first of them a letter");
}

/** One command at a time per node: a second waits, then finds what the first has made. */
function alone<T>(clone: Clone, name: string, action: (files: NodeFiles) => Promise<T>): Promise<T> {
  return withLock(`/run/lock/silverlining/${machineName(clone, name)}.lock`, 2400, () => action(filesOf(clone, name)));
}

function machineOf({ name, address, port, hostKey, machineId, os, owner }: NodeRecord): Machine {
  return { name, address, port, hostKey, machineId, os, ...(owner === undefined ? {} : { owner }) };
}
