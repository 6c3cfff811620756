import type { Owner } from "../node/contract.ts";
import type { SystemName } from "../systems/systems.ts";

/** A machine as the rest of the project sees it, whatever its kind. */
export interface Machine {
  name: string;
  /** Host name or IP address. */
  address: string;
  /** Of sshd. */
  port: number;
  /** The only key accepted there, as in a known_hosts line: `ssh-ed25519 AAAA…`. */
  hostKey: string;
  /** systemd's machine id: a recreated machine has another. */
  machineId: string;
  /** `<ID>-<VERSION_ID>` of its /etc/os-release. */
  os: SystemName;
  /** The environment that it is made or reached for; absent where a person asks. */
  owner?: Owner;
}
