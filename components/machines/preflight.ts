import { mkdir, statfs } from "node:fs/promises";
import { MachineError } from "./machine-error.ts";
import { runCommand } from "./run-command.ts";

/** Program a local node needs → its package in Debian and Ubuntu. */
const programs: Record<string, string> = {
  "systemd-nspawn": "systemd-container",
  mmdebstrap: "mmdebstrap",
  nft: "nftables",
  ip: "iproute2",
  ssh: "openssh-client",
  tar: "tar",
  flock: "util-linux",
};

/** Fails, before anything is made, when no node can boot here: not root, programs missing, namespaces forbidden. */
export async function checkMachine(): Promise<void> {
  checkRoot();
  await checkPrograms();
  const namespaces = await runCommand(["unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "true"]);
  if (namespaces.code !== 0)
    throw new MachineError(
      `this computer forbids new namespaces, so no node can be booted on it\n  ${namespaces.stderr.trim()}`,
      "use a computer without that limit, or a container started with --privileged; or declare a machine that SSH reaches",
    );
}

/** Fails when a program is missing, naming every package to install. */
export async function checkPrograms(): Promise<void> {
  const missing: string[] = [];
  for (const [program, debianPackage] of Object.entries(programs)) {
    const found = await runCommand(["sh", "-c", 'command -v "$1"', "sh", program]);
    if (found.code !== 0) missing.push(debianPackage);
  }
  if (missing.length > 0)
    throw new MachineError(`packages are missing: ${missing.join(", ")}`, `apt-get install ${missing.join(" ")}`);
}

/** Fails when this process does not run as root. */
export function checkRoot(): void {
  if (process.getuid?.() !== 0)
    throw new MachineError(
      "local nodes need root: each is a booted system of its own (systemd-nspawn)",
      "run this as root (sudo -E npm run up), or declare a machine that SSH reaches",
    );
}

/** Fails when the file system of `directory` (created when absent) has less than `megabytes` free. */
export async function checkDisk(directory: string, megabytes: number, what: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const disk = await statfs(directory);
  const free = Math.floor((disk.bavail * disk.bsize) / 1e6);
  if (free < megabytes)
    throw new MachineError(
      `${what} needs ${megabytes} MB in ${directory}, which has ${free} MB free`,
      "free some disk, then run this again",
    );
}
