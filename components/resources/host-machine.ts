import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

export interface HostMachineArgs {
  /** Host name or IP address. */
  host: string;
  port: number;
  /** `ssh-ed25519 AAAA…`: the only key that is accepted. */
  hostKey: string;
  /** User that logs in; anyone but root must have sudo without a password. */
  user: string;
  /** `<ID>-<VERSION_ID>` of /etc/os-release: another system is refused. */
  os: string;
  /** Jump host, `[user@]host[:port]`. */
  proxy?: string;
}

/**
 * A machine that somebody else made. Nothing is made or deleted: it is reached once, whenever what is said of it changes, so
 * that an address, a key, a login or a system that is wrong is told in words before anything is set up there.
 */
export class HostMachine extends pulumi.ComponentResource {
  constructor(name: string, args: HostMachineArgs, options?: pulumi.ComponentResourceOptions) {
    super("silver:machines:HostMachine", name, {}, options);
    const { host, port, hostKey, user, os, proxy } = args;
    new local.Command(
      `${name}-machine`,
      {
        create: `node ../components/machines/main.ts reach ${name}`,
        environment: { address: host, port: String(port), hostKey, user, os, ...(proxy === undefined ? {} : { proxy }) },
        addPreviousOutputInEnv: false,
        logging: local.Logging.Stderr,
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
