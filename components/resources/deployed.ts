import * as pulumi from "@pulumi/pulumi";
import { judgeLosses, standingOf, standingOfCommands, type Standing } from "../plan/losses.ts";
import type { Plan } from "../plan/plan.ts";
import { servicesWithData } from "../services/registry.ts";
import { error, type Issue } from "../text/issue.ts";

/**
 * What a plan would lose, compared with what was deployed last: found before anything is registered, since a node's state comes before
 * its sites. Asks the engine only where there is something to lose, which takes as long as reading the stack's state.
 */
export async function lostData(plan: Plan): Promise<Issue[]> {
  const hasData = plan.sites.some(({ services }) => servicesWithData(services).length > 0);
  if (!hasData && plan.isProtected !== true) return [];
  const { standing, wasProtected } = await deployed();
  const isProtected = wasProtected || plan.isProtected === true;
  const losses = judgeLosses(standing, standingOf(plan), { isProtected, broken: plan.broken.map(({ name }) => name) });
  return losses.flatMap(({ message, refused }) =>
    refused === undefined ? [] : [error("lost-data", { file: `stacks/${plan.environment}.yaml` }, message, refused)],
  );
}

/** Outputs of one resource, as far as they are read. */
interface Outputs {
  environment?: Record<string, string>;
  isProtected?: boolean;
}

/** What the stack's state says: of a rollout that failed it has what was declared before. */
async function deployed(): Promise<{ standing: Standing; wasProtected: boolean }> {
  const stackName = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
  const answer = (await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", { stackName })) as {
    outputs: Record<string, { outputs?: Outputs }>;
  };
  const all = Object.entries(answer.outputs).map(([urn, { outputs = {} }]) => ({ name: urn.split("::").at(-1) ?? urn, outputs }));
  const commands = all.flatMap(({ name, outputs: { environment } }) =>
    environment === undefined ? [] : [{ name, variables: environment }],
  );
  return { standing: standingOfCommands(commands), wasProtected: all.some(({ outputs }) => outputs.isProtected === true) };
}
