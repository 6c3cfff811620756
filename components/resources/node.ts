import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { agentZipapp, type Zipapp } from "../node/zipapp.ts";
import { installCommand, installInput } from "../node/install-command.ts";
import type { NodePlan, Plan } from "../plan/plan.ts";
import { canonicalJson } from "../render/canonical-json.ts";
import { renderNodeState } from "../render/node-state.ts";
import { HostMachine } from "./host-machine.ts";
import { LocalMachine } from "./local-machine.ts";

export interface NodeArgs {
  plan: Plan;
  node: NodePlan;
}

/** How a node is reached; no key stands here: SSH logs in through the agent of whoever runs the program. */
export interface Connection {
  name: string;
  address: string;
  port: number;
  user: string;
  hostKey: string;
  /** Only for machines that Pulumi made. */
  machineId?: string;
}

let packed: Zipapp | undefined;
/** The agent that nodes are to have: packed while Pulumi starts its plugin for the first machine, and not before. */
const agent = (): Zipapp => (packed ??= agentZipapp());

/** A machine with its agent and its state: everything on it that sites share. */
export class Node extends pulumi.ComponentResource {
  readonly connection: pulumi.Output<Connection>;

  constructor(name: string, args: NodeArgs, options?: pulumi.ComponentResourceOptions) {
    super("silver:resources:Node", name, {}, options);
    const { plan, node } = args;
    const machine = machineOf(plan, node, this);
    this.connection = connectionTo(plan, node, machine);

    const state = renderNodeState(plan, node);
    new remote.Command(
      `${name}-state`,
      {
        connection: this.connection.apply(({ address, port, user, hostKey }) => ({
          host: address,
          port,
          user,
          hostKey,
          ...(plan.ssh.proxy === undefined ? {} : { proxy: { host: plan.ssh.proxy, user } }),
          dialErrorLimit: 3,
        })),
        create: this.connection.apply(({ machineId, user }) =>
          installCommand({
            node: name,
            os: node.os,
            ...(machineId === undefined ? {} : { machineId }),
            packages: state.packages,
            sites: node.sites,
            routes: node.routes.map((route) => `${route.host}${route.path} → ${route.site}`),
            agent: agent().sha256,
            user,
          }),
        ),
        stdin: this.connection.apply(() => installInput(agent(), state, canonicalJson)),
        addPreviousOutputInEnv: false,
        logging: remote.Logging.Stderr,
      },
      {
        parent: this,
        hideDiffs: ["stdin", "connection"],
        // Routes that nobody can tell must not be lost; on a machine made anew, what was declared last is set up again.
        ...(node.kept === true ? { ignoreChanges: ["create", "stdin"] } : {}),
        // A machine that goes takes its state along: nothing has to be run on it first.
        ...(machine instanceof LocalMachine ? { deletedWith: machine } : {}),
        // Whoever can't be reached is told of in the machine's words.
        dependsOn: [machine],
      },
    );
    this.registerOutputs({});
  }
}

function machineOf(plan: Plan, { name, machine, os }: NodePlan, parent: Node): LocalMachine | HostMachine {
  if (machine.kind === "local") return new LocalMachine(name, { os }, { parent });
  const { host, port, hostKey } = machine;
  const { user, proxy } = plan.ssh;
  return new HostMachine(name, { host, port, hostKey, user, os, ...(proxy === undefined ? {} : { proxy }) }, { parent });
}

function connectionTo(
  plan: Plan,
  { name, machine: declared }: NodePlan,
  machine: LocalMachine | HostMachine,
): pulumi.Output<Connection> {
  if (machine instanceof LocalMachine)
    return pulumi
      .all([machine.address, machine.hostKey, machine.machineId])
      .apply(([address, hostKey, machineId]) => ({ name, address, port: 22, user: "root", hostKey, machineId }));
  if (declared.kind === "local") throw new Error(`node ${name}: a local node without its machine`);
  return pulumi.output({ name, address: declared.host, port: declared.port, user: plan.ssh.user, hostKey: declared.hostKey });
}
