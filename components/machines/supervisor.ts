import { spawn } from "node:child_process";
import { open, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clone } from "./clone.ts";
import { MachineError } from "./machine-error.ts";
import { machineName } from "./node-disk.ts";
import type { NodeFiles } from "./node-disk.ts";
import { mustRun, runCommand } from "./run-command.ts";

/**
 * The command that boots a node. Loop devices belong to the whole computer, so a node gets all there are (disk quotas are loop images);
 * mounting them needs capabilities that a container lacks by default. Setting the clock and loading modules stay forbidden: they would
 * change this computer.
 */
export function nspawnCommand(machine: string, hostname: string, files: NodeFiles, loopDevices: readonly string[]): string[] {
  return [
    // In the node's network from the start, not by --network-namespace-path, so that its /sys shows its own interfaces.
    "nsenter",
    `--net=${files.namespace}`,
    "systemd-nspawn",
    "--quiet",
    "--boot",
    `--directory=${files.root}`,
    `--machine=${machine}`,
    `--hostname=${hostname}`,
    "--register=no",
    "--keep-unit",
    "--settings=no",
    "--resolv-conf=off",
    "--timezone=off",
    "--link-journal=no",
    "--console=read-only",
    "--capability=all",
    "--drop-capability=CAP_SYS_TIME,CAP_SYS_MODULE",
    ...loopDevices.map((device) => `--bind=${device}`),
  ];
}

/** Whether a node runs, or is about to: its running lock is held. */
export async function isRunning(files: NodeFiles): Promise<boolean> {
  const tried = await runCommand(["flock", "--shared", "--nonblock", "--conflict-exit-code", "99", files.runningLock, "true"]);
  if (tried.code === 99) return true;
  if (tried.code === 0) return false;
  throw new MachineError(`can't tell whether the node in ${files.directory} runs: ${tried.stderr.trim()}`);
}

/** Boots a node under a supervisor in its own session, so that it outlives this process and its terminal. */
export async function startSupervisor(clone: Clone, name: string, files: NodeFiles): Promise<void> {
  const machine = machineName(clone, name);
  const devices = (await readdir("/dev"))
    .filter((device) => /^loop(-control|\d+)$/.test(device))
    .map((device) => `/dev/${device}`);
  const supervised = [
    // Wait, because checking whether the node runs takes the lock for a moment.
    ...["flock", "--wait", "30", files.runningLock],
    ...["sh", join(import.meta.dirname, "supervise.sh"), machine, files.directory],
    ...nspawnCommand(machine, name, files, devices.sort()),
  ];
  // Under systemd, register the node, or it would count as part of the session that ran this.
  const ruled = await runCommand(["test", "-d", "/run/systemd/system"]);
  if (ruled.code === 0) await startUnit(machine, supervised, files);
  else await startSession(supervised, files);
  const deadline = Date.now() + 30_000;
  while (!(await isRunning(files))) {
    if (Date.now() >= deadline) throw new MachineError(`${machine} did not start`, `see ${files.console}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function startUnit(machine: string, supervised: readonly string[], files: NodeFiles): Promise<void> {
  const properties = [
    ...["Delegate=yes", "KillMode=mixed", "TasksMax=infinity"],
    ...[`StandardOutput=append:${files.console}`, `StandardError=append:${files.console}`],
  ];
  await mustRun(`starting ${machine}`, [
    ...["systemd-run", "--quiet", "--collect", `--unit=${machine}`],
    ...properties.map((property) => `--property=${property}`),
    ...supervised,
  ]);
}

async function startSession(supervised: readonly string[], files: NodeFiles): Promise<void> {
  const [program = "", ...args] = supervised;
  const log = await open(files.console, "a");
  try {
    const child = spawn(program, args, {
      cwd: "/",
      detached: true,
      env: { PATH: process.env.PATH ?? "" },
      stdio: ["ignore", log.fd, log.fd],
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    child.unref();
  } finally {
    await log.close();
  }
}

/** Stops a node: cleanly (its own shutdown), or by force after `graceSeconds`. */
export async function stopSupervisor(files: NodeFiles, graceSeconds: number): Promise<void> {
  if (!(await isRunning(files))) return;
  await writeFile(files.stopping, "");
  const deadline = Date.now() + graceSeconds * 1000;
  let told: number | undefined;
  while (await isRunning(files)) {
    const pid = await nspawnPid(files);
    if (pid !== undefined && Date.now() >= deadline) {
      // Its child is the node's init: killing it ends every process of the node; nspawn then cleans up.
      for (const child of await childrenOf(pid)) signal(child, "SIGKILL");
    } else if (pid !== undefined && pid !== told) {
      // nspawn turns SIGTERM into a clean shutdown. Send it only once: a second one forces the node down.
      signal(pid, "SIGTERM");
      told = pid;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await rm(files.stopping, { force: true });
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return text.split(" ").filter(Boolean).map(Number);
}

async function nspawnPid(files: NodeFiles): Promise<number | undefined> {
  const text = await readFile(files.nspawnPid, "utf8").catch(() => "");
  const pid = Number(text.trim());
  return pid > 1 ? pid : undefined;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
