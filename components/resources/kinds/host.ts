import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Owner } from "../../node/contract.ts";
import { ownerName, type Connection, type Machine, type MachineArgs, type Printed } from "./machine.ts";

/**
 * An existing machine. Creates and deletes nothing: it only connects once whenever its declaration changes, so
 * that a wrong address, key, login or system is reported before anything is set up there, and at the end, to give it up.
 */
export class HostMachine extends pulumi.ComponentResource implements Machine {
  readonly connection: pulumi.Output<Connection>;
  readonly owner: pulumi.Output<Owner>;

  constructor(name: string, args: MachineArgs<"host">, options: pulumi.ComponentResourceOptions) {
    super("silver:machines:HostMachine", name, {}, options);
    const { host, port, hostKey } = args.declared;
    const { user, proxy } = args.ssh;
    const machine = new local.Command(
      `${name}-machine`,
      {
        create: `node ../components/machines/main.ts reach ${name}`,
        delete: `node ../components/machines/main.ts leave ${name}`,
        environment: {
          ...{ address: host, port: String(port), hostKey, user, os: args.os, owner: ownerName() },
          ...(proxy === undefined ? {} : { proxy }),
        },
        // It has the owner's id.
        addPreviousOutputInEnv: true,
        logging: local.Logging.Stderr,
      },
      // A machine made anew in the state is left before it is claimed again.
      { parent: this, deleteBeforeReplace: true },
    );
    this.owner = machine.stdout.apply((stdout) => (JSON.parse(stdout) as Printed).owner);
    this.connection = pulumi.output({ name, address: host, port, user, hostKey });
    this.registerOutputs({});
  }
}
