import * as pulumi from "@pulumi/pulumi";
import type { Owner } from "../../node/contract.ts";
import type { DeclaredMachine } from "../../environment/kinds/registry.ts";
import type { Https } from "../../environment/environment.ts";
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
  /** The environment it is claimed for: printed by its command, and so kept in the state. */
  readonly owner: pulumi.Output<Owner>;
}

/** The environment's own name, with its project's. A backend without organizations calls every one `organization`. */
export function ownerName(): string {
  const organization = pulumi.getOrganization();
  return [...(organization === "organization" ? [] : [organization]), pulumi.getProject(), pulumi.getStack()].join("/");
}

/** What the command of a machine prints. */
export interface Printed {
  address: string;
  /** `ssh-ed25519 AAAA…` */
  hostKey: string;
  machineId: string;
  owner: Owner;
}

export type Kind = DeclaredMachine["kind"];

/** What is known about a machine before it exists. */
export interface MachineArgs<K extends Kind = Kind> {
  declared: Extract<DeclaredMachine, { kind: K }>;
  /** `<ID>-<VERSION_ID>` of /etc/os-release: another system is refused. */
  os: string;
  ssh: Plan["ssh"];
  /** Who signs the certificates of the sites there; absent: it speaks no https. */
  authority?: Https["authority"];
  /** It has who signed them there before, or nobody: its state is the one before, too. */
  kept?: true;
}
