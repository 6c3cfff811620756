import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { isMade } from "../environment/kinds/registry.ts";
import type { Owner } from "../node/contract.ts";
import { agentZipapp, type Zipapp } from "../node/zipapp.ts";
import { installCommand, installInput } from "../node/install-command.ts";
import { httpsText } from "../plan/https.ts";
import { aptFacts } from "../plan/apt.ts";
import type { NodePlan, Plan } from "../plan/plan.ts";
import { canonicalJson } from "../render/canonical-json.ts";
import { renderNodeState } from "../render/node-state.ts";
import { sizeText } from "../text/size-text.ts";
import type { Connection } from "./kinds/machine.ts";
import { makeMachine } from "./kinds/registry.ts";

export interface NodeArgs {
  plan: Plan;
  node: NodePlan;
}

let packed: Zipapp | undefined;
/** The agent for the nodes: packed while Pulumi starts its plugin for the first machine, not before. */
const agent = (): Zipapp => (packed ??= agentZipapp());

/** A machine with its agent and its state: everything on it that sites share. */
export class Node extends pulumi.ComponentResource {
  readonly connection: pulumi.Output<Connection>;
  /** The environment, as the machine knows it. */
  readonly owner: pulumi.Output<Owner>;

  constructor(name: string, args: NodeArgs, options?: pulumi.ComponentResourceOptions) {
    super("silver:resources:Node", name, {}, options);
    const { plan, node } = args;
    const signed = {
      ...(node.https === undefined ? {} : { authority: node.https.authority }),
      ...(node.kept === undefined ? {} : { kept: node.kept }),
    };
    const machine = makeMachine(name, { declared: node.machine, os: node.os, ssh: plan.ssh, ...signed }, { parent: this });
    this.connection = machine.connection;
    this.owner = machine.owner;

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
            ...(node.memoryBytes === undefined ? {} : { memory: sizeText(node.memoryBytes) }),
            ...(node.trustProxies === undefined ? {} : { trustProxies: node.trustProxies }),
            ...(node.https === undefined ? {} : { https: httpsText(node.https) }),
            ...(node.apt === undefined ? {} : { apt: aptFacts(node.apt) }),
            routes: node.routes.map((route) => `${route.host}${route.path} → ${route.site}`),
            agent: agent().sha256,
            user,
          }),
        ),
        stdin: this.owner.apply((owner) => installInput(agent(), owner, state, canonicalJson)),
        addPreviousOutputInEnv: false,
        logging: remote.Logging.Stderr,
      },
      {
        parent: this,
        hideDiffs: ["stdin", "connection"],
        // Unknown routes must not be lost; on a new machine, what was declared last is set up again.
        ...(node.kept === true ? { ignoreChanges: ["create", "stdin"] } : {}),
        // A removed machine takes its state along: run nothing on it first.
        ...(isMade(node.machine) ? { deletedWith: machine } : {}),
        // A machine that can't be reached is reported by its own command.
        dependsOn: [machine],
      },
    );
    // Read back by the next run, which may declare it otherwise.
    this.registerOutputs(plan.isProtected === true ? { isProtected: true } : {});
  }
}
