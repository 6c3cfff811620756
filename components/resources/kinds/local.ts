import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Owner } from "../../node/contract.ts";
import { ownerName, type Connection, type Machine, type MachineArgs, type Printed } from "./machine.ts";

/**
 * A machine on this computer: an OS in systemd-nspawn, booted, reached by SSH like any other.
 * Another `os` makes a new machine; deleting removes its files, interface and firewall rule.
 * What another environment of this checkout has made is refused, and not removed.
 */
export class LocalMachine extends pulumi.ComponentResource implements Machine {
  readonly connection: pulumi.Output<Connection>;
  readonly owner: pulumi.Output<Owner>;

  constructor(name: string, { os, authority, kept }: MachineArgs<"local">, options: pulumi.ComponentResourceOptions) {
    super("silver:machines:LocalMachine", name, {}, options);
    const machine = new local.Command(
      `${name}-machine`,
      {
        create: `node ../components/machines/main.ts ensure ${name}`,
        delete: `node ../components/machines/main.ts remove ${name}`,
        environment: { os, owner: ownerName(), ...(authority === undefined ? {} : { authority }) },
        triggers: [os],
        // It has the owner's id.
        addPreviousOutputInEnv: true,
        logging: local.Logging.Stderr,
      },
      // One name is one machine: delete the old one before creating its successor.
      {
        parent: this,
        deleteBeforeReplace: true,
        ...(kept === true ? { ignoreChanges: ["environment.authority"] } : {}),
      },
    );
    const printed = machine.stdout.apply((stdout) => JSON.parse(stdout) as Printed);
    this.connection = printed.apply(({ address, hostKey, machineId }) => {
      return { name, address, port: 22, user: "root", hostKey, machineId };
    });
    this.owner = printed.apply(({ owner }) => owner);
    this.registerOutputs({ address: this.connection.address });
  }
}
