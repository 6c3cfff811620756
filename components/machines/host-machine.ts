import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { explainConnection } from "../rollout/ssh.ts";
import type { Owner } from "../node/contract.ts";
import type { SystemName } from "../systems/systems.ts";
import type { Machine } from "./machine.ts";
import { MachineError } from "./machine-error.ts";
import type { Progress } from "./progress.ts";
import { runCommand } from "./run-command.ts";
import type { Finished } from "./run-command.ts";
import { knownHostsLine, sshCommand } from "./ssh-command.ts";

/** An existing machine, and how SSH reaches it. */
export interface Host {
  name: string;
  /** Host name or IP address. */
  address: string;
  port: number;
  /** The only key accepted there: `ssh-ed25519 AAAA…`. */
  hostKey: string;
  /** Its system according to the environment: `<ID>-<VERSION_ID>` of /etc/os-release. */
  os: SystemName;
  /** Users other than root need passwordless sudo there. */
  user: string;
  /** Jump host, `[user@]host[:port]`. */
  proxy?: string;
  /** Private key. Default: those of the SSH agent. */
  keyFile?: string;
}

/** Said before the facts: what the login shell says by itself (a .bashrc) comes before it. */
const mark = "silver-facts";
const facts = `echo ${mark} && cat /etc/machine-id && . /etc/os-release && echo "$ID-$VERSION_ID"`;

/**
 * Logs in and identifies the machine; changes nothing there.
 * Fails with a fix when it can't be reached, has another host key, refuses the login, or runs another system.
 */
export async function reachHost(host: Host): Promise<Machine> {
  const answer = await runThere(host, facts);
  // 255 is ssh's own code; any other is the remote command's.
  if (answer.code === 255 || answer.code === null) {
    const route = { node: host, proxy: host.proxy, files: { knownHosts: "", control: "" } };
    const { message, fix } = explainConnection(route, answer, answer.stderr);
    throw new MachineError(`${host.name}: ${message}`, fix);
  }
  const [machineId = "", os = "no system with /etc/os-release"] =
    answer.stdout.split(`${mark}\n`).at(-1)?.trim().split("\n") ?? [];
  if (os !== host.os)
    throw new MachineError(
      `${host.name}: ${host.address} runs ${os}, but the environment says ${host.os}`,
      `write the os it runs into the environment, or set the machine up with ${host.os}`,
    );
  return { name: host.name, address: host.address, port: host.port, hostKey: host.hostKey, machineId, os: host.os };
}

/**
 * Tells a machine's agent that an environment has it no more, so that another may claim it. Where it does not answer, that is only said:
 * a machine that is gone for good must not keep its node in the environment.
 */
export async function leaveHost(host: Omit<Host, "os">, owner: Owner, progress: Progress): Promise<void> {
  const sudo = host.user === "root" ? "" : "sudo -n ";
  const answer = await runThere(host, `${sudo}/usr/local/bin/silver-agent give-up`, JSON.stringify({ owner }));
  if (answer.code === 0) return;
  const why = answer.stderr.trim().split("\n").at(-1) ?? "";
  progress(`! ${host.name} (${host.address}) was not told that it is free now: ${why}`);
}

/** Runs a command line on the machine. */
async function runThere(host: Omit<Host, "os">, command: string, input = ""): Promise<Finished> {
  const directory = await mkdtemp(join(tmpdir(), "silver-host-"));
  try {
    const knownHosts = join(directory, "known_hosts");
    await writeFile(knownHosts, knownHostsLine(host, host.hostKey));
    return await runCommand(sshCommand({ ...host, knownHosts }, command), { timeoutSeconds: 60, input });
  } finally {
    await rm(directory, { recursive: true });
  }
}
