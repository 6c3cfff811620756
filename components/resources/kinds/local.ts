import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Connection, Machine, MachineArgs } from "./machine.ts";

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
export class LocalMachine extends pulumi.ComponentResource implements Machine {
  readonly connection: pulumi.Output<Connection>;

  constructor(name: string, { os }: MachineArgs<"local">, options: pulumi.ComponentResourceOptions) {
    super("silver:machines:LocalMachine", name, {}, options);
    const machine = new local.Command(
      `${name}-machine`,
      {
        create: `node ../components/machines/main.ts ensure ${name}`,
        delete: `node ../components/machines/main.ts remove ${name}`,
        environment: { os },
        triggers: [os],
        addPreviousOutputInEnv: false,
        logging: local.Logging.Stderr,
      },
      // One name is one machine: delete the old one before creating its successor.
      { parent: this, deleteBeforeReplace: true },
    );
    this.connection = machine.stdout.apply((stdout) => {
      const { address, hostKey, machineId } = JSON.parse(stdout) as MachineRecord;
      return { name, address, port: 22, user: "root", hostKey, machineId };
    });
    this.registerOutputs({ address: this.connection.address });
  }
}
