import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { loadPlan } from "../../components/plan/load.ts";
import { canonicalJson } from "../../components/render/canonical-json.ts";
import { renderRelease } from "../../components/render/release.ts";
import { requestRollout } from "../../components/rollout/rollout.ts";
import type { RolloutRequest } from "../../components/rollout/rollout.ts";
import { ownerOf } from "./owner.ts";
import type { Project } from "./project.ts";

const states = resolve(import.meta.dirname, "../upgrade/states");

/** How the engine marks a secret in an exported state. */
const secretMark = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };

/** Gives the project's stack a recorded state. */
export async function importState(project: Project, name: string): Promise<void> {
  await run(project, "stack", "import", "--file", join(states, name));
}

/** Writes into the state what today's program would have left there: the next preview changes nothing. */
export async function settle(project: Project): Promise<void> {
  await settleMachines(project);
  await settleThose(project, () => true);
}

/** The same for machines alone: what their commands print is unknown until they have run, and with it all that follows from it. */
export const settleMachines = (project: Project): Promise<void> => settleThose(project, (urn) => urn.endsWith("-machine"));

async function settleThose(project: Project, areMeant: (urn: string) => boolean): Promise<void> {
  const { steps } = await project.engine.previewJson("--show-secrets");
  const file = join(project.engine.folder, "settled.json");
  await run(project, "stack", "export", "--show-secrets", "--file", file);
  const state = JSON.parse(readFileSync(file, "utf8")) as {
    deployment: { resources: { urn: string; inputs?: object; outputs?: { stdout?: string } }[] };
  };
  for (const resource of state.deployment.resources.filter(({ urn }) => areMeant(urn))) {
    const step = steps.find(({ urn, op }) => urn === resource.urn && op === "update");
    // Only what differs: the rest stands in the state as the engine keeps it.
    const paths = new Set(Object.keys(step?.detailedDiff ?? {}).map((path) => /^\w+/.exec(path)?.[0] ?? path));
    const now = Object.entries(step?.newState?.inputs ?? {}).filter(([key]) => paths.has(key));
    const { inputs = {}, outputs = {} } = resource;
    const marked = now.map(([key, value]) => {
      const recorded = (inputs as Record<string, unknown>)[key];
      return [key, isSecret(recorded) ? { ...recorded, plaintext: JSON.stringify(requestNow(project, recorded)) } : value];
    });
    resource.inputs = { ...inputs, ...Object.fromEntries(marked) } as object;
    resource.outputs = { ...outputs, ...Object.fromEntries(marked) } as object;
    if (resource.urn.endsWith("-machine")) resource.outputs.stdout = printedNow(outputs.stdout);
  }
  writeFileSync(file, JSON.stringify(state));
  await run(project, "stack", "import", "--file", file);
}

interface Secret {
  /** A JSON text of the value. */
  plaintext: string;
}

function isSecret(value: unknown): value is Secret {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.entries(secretMark).every(([key, mark]) => Reflect.get(value, key) === mark)
  );
}

/** What a machine's command prints now. */
function printedNow(printed = "{}"): string {
  const machine = JSON.parse(printed) as { name: string };
  return JSON.stringify({ ...machine, owner: ownerOf(machine.name) });
}

/** What the program would ask of a rollout now, of the machines that are recorded: a preview tells no value that is secret. */
function requestNow({ root }: Project, { plaintext }: Secret): string {
  const { site: recorded, nodes, secrets } = JSON.parse(JSON.parse(plaintext) as string) as RolloutRequest;
  const plan = loadPlan(root, "test").value;
  const site = plan?.sites.find(({ name }) => name === recorded.name);
  if (plan === undefined || site === undefined) throw new Error(`${recorded.name} is not planned any more`);
  const owned = nodes.map((node) => ({ ...node, owner: ownerOf(node.name) }));
  return canonicalJson(requestRollout(plan.ssh, site, renderRelease(site).id, owned, secrets));
}

async function run({ engine }: Project, ...words: string[]): Promise<void> {
  const { code, output } = await engine.run(...words);
  if (code !== 0) throw new Error(output);
}
