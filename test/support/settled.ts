import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Project } from "./project.ts";

const states = resolve(import.meta.dirname, "../upgrade/states");

/** How the engine marks a secret in an exported state. */
const secretMark = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };

/** Gives the project's stack a recorded state. */
export async function importState(project: Project, name: string): Promise<void> {
  await run(project, "stack", "import", "--file", join(states, name));
}

/**
 * Writes into the state what today's program would have left there: the next preview changes nothing. Only for a state
 * whose machines an update does not touch.
 */
export async function settle(project: Project): Promise<void> {
  const { steps } = await project.engine.previewJson("--show-secrets");
  const file = join(project.engine.folder, "settled.json");
  await run(project, "stack", "export", "--show-secrets", "--file", file);
  const state = JSON.parse(readFileSync(file, "utf8")) as {
    deployment: { resources: { urn: string; inputs?: object; outputs?: object }[] };
  };
  for (const resource of state.deployment.resources) {
    const step = steps.find(({ urn, op }) => urn === resource.urn && op === "update");
    // Only what differs: the rest stands in the state as the engine keeps it.
    const paths = new Set(Object.keys(step?.detailedDiff ?? {}).map((path) => /^\w+/.exec(path)?.[0] ?? path));
    const now = Object.entries(step?.newState?.inputs ?? {}).filter(([key]) => paths.has(key));
    const { inputs = {}, outputs = {} } = resource;
    const marked = now.map(([key, value]) => [
      key,
      isSecret(inputs, key) ? { ...secretMark, plaintext: JSON.stringify(value) } : value,
    ]);
    resource.inputs = { ...inputs, ...Object.fromEntries(marked) } as object;
    resource.outputs = { ...outputs, ...Object.fromEntries(marked) } as object;
  }
  writeFileSync(file, JSON.stringify(state));
  await run(project, "stack", "import", "--file", file);
}

function isSecret(inputs: object, key: string): boolean {
  const value = (inputs as Record<string, unknown>)[key];
  return typeof value === "object" && value !== null && Object.keys(secretMark).every((mark) => mark in value);
}

async function run({ engine }: Project, ...words: string[]): Promise<void> {
  const { code, output } = await engine.run(...words);
  if (code !== 0) throw new Error(output);
}
