import type * as pulumi from "@pulumi/pulumi";
import { HostMachine } from "./host.ts";
import { LocalMachine } from "./local.ts";
import type { Kind, Machine, MachineArgs } from "./machine.ts";

type Make<K extends Kind> = (name: string, args: MachineArgs<K>, options: pulumi.ComponentResourceOptions) => Machine;

const kinds: { [K in Kind]: Make<K> } = {
  local: (...args) => new LocalMachine(...args),
  host: (...args) => new HostMachine(...args),
};

/** Creates the machine of a node, of the declared kind. */
export function makeMachine<K extends Kind>(
  name: string,
  args: MachineArgs<K>,
  options: pulumi.ComponentResourceOptions,
): Machine {
  return kinds[args.declared.kind](name, args, options);
}
