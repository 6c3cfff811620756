import type * as pulumi from "@pulumi/pulumi";
import type { DeclaredMachine } from "../../environment/kinds/registry.ts";
import type { Plan } from "../../plan/plan.ts";

/** How to reach a node; without a key, SSH uses the agent of the user who runs the program. */
export interface Connection {
  name: string;
  address: string;
  port: number;
  user: string;
  hostKey: string;
  /** Only for machines that the project created. */
  machineId?: string;
}

/**
 * The machine of a node. What a reviewer should see are inputs of its own command; creating, changing and deleting it are
 * verbs of components/machines/main.ts.
 */
export interface Machine extends pulumi.ComponentResource {
  readonly connection: pulumi.Output<Connection>;
}

export type Kind = DeclaredMachine["kind"];

/** What is known about a machine before it exists. */
export interface MachineArgs<K extends Kind = Kind> {
  declared: Extract<DeclaredMachine, { kind: K }>;
  /** `<ID>-<VERSION_ID>` of /etc/os-release: another system is refused. */
  os: string;
  ssh: Plan["ssh"];
}
