/** A command as a resource: which of its scripts runs when, and what stands in the state afterwards. */
import { randomBytes } from "node:crypto";
import { diffInputs } from "./diff.ts";
import { plainInputs, type CommandInputs } from "./inputs.ts";
import type { Output, RunContext } from "./run.ts";
import { unknown, type PropertyMap } from "./values.ts";

export type Run = (script: string, inputs: CommandInputs, context: RunContext) => Promise<Output>;

/** The name and 8 hex digits, as the real plugin does. */
export const newId = (name: string): string => `${name}${randomBytes(4).toString("hex")}`;

export const previewCreate = (inputs: PropertyMap): PropertyMap => ({ ...inputs, stdout: unknown, stderr: unknown });

export async function create(inputs: PropertyMap, run: Run, context: RunContext): Promise<PropertyMap> {
  const plain = plainInputs(inputs);
  if (plain.create === undefined) return { ...inputs, stdout: "", stderr: "" };
  return { ...inputs, ...(await run(plain.create, plain, context)) };
}

/** The output is unknown when an input that the old state has now differs; an added input alone keeps it known. */
export function previewUpdate(old: PropertyMap, inputs: PropertyMap): PropertyMap {
  const changes = [...diffInputs(pickInputs(old), inputs)];
  if (changes.some(([path, change]) => change !== "add" || path in old)) return previewCreate(inputs);
  return { ...inputs, ...printed(old) };
}

/** Runs `update`, or `create` where there is none. */
export async function update(old: PropertyMap, inputs: PropertyMap, run: Run, context: RunContext): Promise<PropertyMap> {
  const plain = plainInputs({ ...inputs, ...printed(old) });
  const script = plain.update ?? plain.create;
  if (script === undefined) return { ...inputs, ...printed(old) };
  return { ...inputs, ...(await run(script, plain, context)) };
}

/** Runs `delete` with everything as the state has it. */
export async function remove(state: PropertyMap, run: Run, context: RunContext): Promise<void> {
  const plain = plainInputs(state);
  if (plain.delete !== undefined) await run(plain.delete, plain, context);
}

/** `local.run`: at once, and again each time. */
export async function runOnce(args: PropertyMap, run: Run, context: RunContext): Promise<PropertyMap> {
  const plain = plainInputs(args);
  return { ...args, ...(await run(plain.command ?? "", plain, context)) };
}

const printed = ({ stdout = "", stderr = "" }: PropertyMap): PropertyMap => ({ stdout, stderr });

function pickInputs(state: PropertyMap): PropertyMap {
  return Object.fromEntries(Object.entries(state).filter(([name]) => name !== "stdout" && name !== "stderr"));
}
