import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Connection, Machine, MachineArgs } from "./machine.ts";

/**
 * An existing machine. Creates and deletes nothing: it only connects once whenever its declaration changes, so
 * that a wrong address, key, login or system is reported before anything is set up there.
 */
export class HostMachine extends pulumi.ComponentResource implements Machine {
  readonly connection: pulumi.Output<Connection>;

  constructor(name: string, args: MachineArgs<"host">, options: pulumi.ComponentResourceOptions) {
    super("silver:machines:HostMachine", name, {}, options);
    const { host, port, hostKey } = args.declared;
    const { user, proxy } = args.ssh;
    new local.Command(
      `${name}-machine`,
      {
        create: `node ../components/machines/main.ts reach ${name}`,
        environment: {
          ...{ address: host, port: String(port), hostKey, user, os: args.os },
          ...(proxy === undefined ? {} : { proxy }),
        },
        addPreviousOutputInEnv: false,
        logging: local.Logging.Stderr,
      },
      { parent: this },
    );
    this.connection = pulumi.output({ name, address: host, port, user, hostKey });
    this.registerOutputs({});
  }
}
