import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

export interface LocalMachineArgs {
  /** `<ID>-<VERSION_ID>` of the image's /etc/os-release, e.g. `debian-12`. */
  os: string;
}

/** What is known of a booted local machine. */
interface MachineRecord {
  address: string;
  /** `ssh-ed25519 AAAA…` */
  hostKey: string;
  machineId: string;
}

/**
 * A machine on this computer: an OS in systemd-nspawn, booted, reached by SSH like any other.
 * Another `os` makes a new machine; deleting removes its files, interface and firewall rule.
 */
export class LocalMachine extends pulumi.ComponentResource {
  /** IPv4 address on this computer's own network. */
  readonly address: pulumi.Output<string>;
  readonly hostKey: pulumi.Output<string>;
  /** systemd's machine id: a machine made anew has another. */
  readonly machineId: pulumi.Output<string>;

  constructor(name: string, args: LocalMachineArgs, options?: pulumi.ComponentResourceOptions) {
    super("silver:machines:LocalMachine", name, {}, options);
    const machine = new local.Command(
      `${name}-machine`,
      {
        create: `node ../components/machines/main.ts ensure ${name}`,
        delete: `node ../components/machines/main.ts remove ${name}`,
        environment: { os: args.os },
        triggers: [args.os],
        addPreviousOutputInEnv: false,
        logging: local.Logging.Stderr,
      },
      // One name is one machine: the old one must be gone before its successor can be made.
      { parent: this, deleteBeforeReplace: true },
    );
    const record = machine.stdout.apply((stdout) => JSON.parse(stdout) as MachineRecord);
    this.address = record.address;
    this.hostKey = record.hostKey;
    this.machineId = record.machineId;
    this.registerOutputs({ address: this.address });
  }
}
