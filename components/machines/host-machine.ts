import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { explainSsh } from "../rollout/ssh.ts";
import type { SystemName } from "../systems/systems.ts";
import type { Machine } from "./machine.ts";
import { MachineError } from "./machine-error.ts";
import { runCommand } from "./run-command.ts";
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

const facts = 'cat /etc/machine-id && . /etc/os-release && echo "$ID-$VERSION_ID"';

/**
 * Logs in and identifies the machine; changes nothing there.
 * Fails with a fix when it can't be reached, has another host key, refuses the login, or runs another system.
 */
export async function reachHost(host: Host): Promise<Machine> {
  const directory = await mkdtemp(join(tmpdir(), "silver-host-"));
  try {
    const knownHosts = join(directory, "known_hosts");
    await writeFile(knownHosts, knownHostsLine(host, host.hostKey));
    const answer = await runCommand(sshCommand({ ...host, knownHosts }, facts), { timeoutSeconds: 60 });
    // 255 is ssh's own code; any other is the remote command's.
    if (answer.code === 255 || answer.code === null) {
      const route = { node: host, proxy: host.proxy, files: { knownHosts, control: "" } };
      const { message, fix } = explainSsh(route, answer, answer.stderr);
      throw new MachineError(`${host.name}: ${message}`, fix);
    }
    const [machineId = "", os = "no system with /etc/os-release"] = answer.stdout.trim().split("\n");
    if (os !== host.os)
      throw new MachineError(
        `${host.name}: ${host.address} runs ${os}, but the environment says ${host.os}`,
        `write the os it runs into the environment, or set the machine up with ${host.os}`,
      );
    return { name: host.name, address: host.address, port: host.port, hostKey: host.hostKey, machineId, os: host.os };
  } finally {
    await rm(directory, { recursive: true });
  }
}
