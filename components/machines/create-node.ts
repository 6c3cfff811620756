import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Owner } from "../node/contract.ts";
import type { SystemName } from "../systems/systems.ts";
import type { Clone } from "./clone.ts";
import { putDirectory } from "./put-file.ts";
import { furnishRoot } from "./furnish-root.ts";
import { ensureImage } from "./image.ts";
import { withLock } from "./lock.ts";
import { claimAddress } from "./network.ts";
import { filesOf, makingDirectory, nodeFiles, removeTree, writeRecord } from "./node-disk.ts";
import type { NodeRecord } from "./node-disk.ts";
import { checkDisk } from "./preflight.ts";
import { extractImage } from "./prepared-image.ts";
import type { Progress } from "./progress.ts";
import { mustRun } from "./run-command.ts";
import { knownHostsLine } from "./ssh-command.ts";

/** Properties of a new node. */
export interface NodeSpec {
  name: string;
  os: SystemName;
  /** Packages already in its image, with their services disabled: for tests that can't wait for apt. */
  prepared: readonly string[];
  /** The environment that wants it. Default: a person does, and it stays whose it is. */
  owner?: Owner;
  /** Whether it gets the checkout's authority for certificates. Default: as before; a new one does not. */
  hasAuthority?: boolean;
}

/** Disk of a node: 280 MB when new (measured), then the packages and releases of a few sites. */
const nodeMegabytes = 1000;

/** Makes a node's disk from its image, with its own identity and address: complete, or not at all. */
export async function createNode(clone: Clone, spec: NodeSpec, progress: Progress): Promise<NodeRecord> {
  const { name, os, prepared } = spec;
  const files = filesOf(clone, name);
  await checkDisk(clone.nodesDirectory, nodeMegabytes, `node ${name}`);
  const authorizedKey = await ensureKey(clone);
  const archive = await ensureImage(os, prepared, progress);
  progress(`  … making ${name} (${os})`);
  const made = nodeFiles(makingDirectory(files));
  await removeTree(made.directory);
  await putDirectory(made.root, 0o755);
  await extractImage(archive, made.root);
  const machineId = randomBytes(16).toString("hex");
  const hostKey = await furnishRoot(made.root, { name, machineId, authorizedKey });
  const place = await claimAddress(clone, name);
  const record: NodeRecord = { name, address: place.address, port: 22, hostKey, machineId, os, place };
  await writeFile(made.knownHosts, knownHostsLine(record, hostKey));
  await writeRecord(made, record);
  await rename(made.directory, files.directory);
  return record;
}

/** The public half of the key to this clone's nodes; creates the key when there is none. */
function ensureKey(clone: Clone): Promise<string> {
  return withLock(`/run/lock/silverlining/${clone.id}-key.lock`, 60, async () => {
    const publicKey = () => readFile(`${clone.keyFile}.pub`, "utf8");
    const found = await publicKey().catch(() => undefined);
    if (found !== undefined) return found;
    await mkdir(dirname(clone.keyFile), { recursive: true, mode: 0o700 });
    const comment = `silverlining ${clone.checkout}`;
    await mustRun("making a key", ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", clone.keyFile]);
    return publicKey();
  });
}
