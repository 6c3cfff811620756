import { readFile, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Clone } from "./clone.ts";
import type { Machine } from "./machine.ts";
import type { NodeAddress } from "./network.ts";
import { mustRun, runCommand } from "./run-command.ts";

/** One local node's directory and its files. */
export interface NodeFiles {
  directory: string;
  root: string;
  record: string;
  /** Locked (flock) while the node runs: the kernel knows for sure, where a process id may be stale. */
  runningLock: string;
  console: string;
  /** Its network namespace is mounted on this file. */
  namespace: string;
  knownHosts: string;
  /** Process id of systemd-nspawn. */
  nspawnPid: string;
  /** Exists while the node is being stopped: then it is not started again, even if it was rebooting. */
  stopping: string;
}

/** The record of a local node. */
export interface NodeRecord extends Machine {
  place: NodeAddress;
  /** It has the checkout's authority for certificates; absent: it does not. */
  hasAuthority?: true;
}

/** The paths of a node in `directory`. */
export function nodeFiles(directory: string): NodeFiles {
  return {
    directory,
    root: join(directory, "root"),
    record: join(directory, "node.json"),
    runningLock: join(directory, "running.lock"),
    console: join(directory, "console.log"),
    namespace: join(directory, "network"),
    knownHosts: join(directory, "known_hosts"),
    nspawnPid: join(directory, "nspawn.pid"),
    stopping: join(directory, "stopping"),
  };
}

/** The paths of a clone's node. */
export function filesOf(clone: Clone, name: string): NodeFiles {
  return nodeFiles(join(clone.nodesDirectory, name));
}

/** Where a node is made, beside its final place; it is moved there once complete. */
export function makingDirectory(files: NodeFiles): string {
  return join(dirname(files.directory), `.new-${basename(files.directory)}`);
}

/** Name of the node's machine on this computer, in its control group and its process: unique across clones. */
export function machineName(clone: Clone, name: string): string {
  return `sl-${clone.id}-${name}`;
}

/** The record of a node; undefined when there is none. */
export async function readRecord(files: NodeFiles): Promise<NodeRecord | undefined> {
  const text = await readFile(files.record, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as NodeRecord);
}

/** Writes the record of a node, whole or not at all. */
export async function writeRecord(files: NodeFiles, record: NodeRecord): Promise<void> {
  await writeFile(`${files.record}.new`, `${JSON.stringify(record, undefined, 2)}\n`);
  await rename(`${files.record}.new`, files.record);
}

/** Removes a stopped node's disk, and any leftovers of making it. */
export async function removeDisk(files: NodeFiles): Promise<void> {
  await detachLoops(files.root);
  await removeTree(files.directory);
  await removeTree(makingDirectory(files));
}

/** Removes a directory without ever following a mount out of it. */
export async function removeTree(directory: string): Promise<void> {
  await mustRun(`removing ${directory}`, ["rm", "-rf", "--one-file-system", directory]);
}

/** Loop devices belong to the whole computer: one that a node left attached to its file would stay. */
async function detachLoops(root: string): Promise<void> {
  const listed = await mustRun("listing loop devices", ["losetup", "--json", "--list", "-O", "NAME,BACK-INO"]);
  const { loopdevices } = JSON.parse(listed || '{"loopdevices":[]}') as { loopdevices: { name: string; "back-ino": number }[] };
  if (loopdevices.length === 0) return;
  const wanted = loopdevices.flatMap((device) => ["-o", "-inum", String(device["back-ino"])]).slice(1);
  const found = await runCommand(["find", root, "-xdev", "(", ...wanted, ")", "-printf", "%i\\n"]);
  const own = new Set(found.stdout.split("\n"));
  for (const device of loopdevices) {
    if (own.has(String(device["back-ino"]))) await mustRun(`detaching ${device.name}`, ["losetup", "--detach", device.name]);
  }
}
