import type { z } from "zod";
import type { Path } from "../source.ts";
import { fieldRules, type FieldRule } from "./fields.ts";

/** The schema of the value at a path, below defaults and transforms; undefined when there is none. */
export function fieldAt(schema: z.ZodType, path: Path): z.ZodType | undefined {
  const bare = unwrap(schema);
  const [head, ...rest] = path;
  if (head === undefined) return bare;
  for (const child of childrenAt(bare, head)) {
    const found = fieldAt(child, rest);
    if (found) return found;
  }
  return undefined;
}

/** The path as in the reference: `*` for a name that the user chooses, `[]` for an item of a list. */
export function keyPatternOf(schema: z.ZodType, path: Path): string {
  const steps = path.map((step, index) => {
    if (typeof step === "number") return "[]";
    const parent = fieldAt(schema, path.slice(0, index));
    return parent && recordOf(parent) ? "*" : step;
  });
  return steps.join(".");
}

/** The rule for the names of the map at a path. */
export function keyRuleAt(schema: z.ZodType, path: Path): FieldRule | undefined {
  const found = fieldAt(schema, path);
  const record = found && recordOf(found);
  return record && fieldRules.get(record.keyType);
}

/** The keys of the map at a path. */
export function keysAt(schema: z.ZodType, path: Path): string[] {
  const found = fieldAt(schema, path);
  return found === undefined ? [] : optionsOf(found).flatMap((option) => Object.keys(shapeOf(option) ?? {}));
}

/** Key → field of a schema of fixed keys, or of one whose first form that is. */
export function shapeOf(schema: z.ZodType): Record<string, z.ZodType> | undefined {
  const def = defOf(schema);
  if (def.type === "union") return shapeOf(unwrap(def.options[0] as z.ZodType));
  return def.type === "object" ? (def.shape as Record<string, z.ZodType>) : undefined;
}

/** Schema of the names and of the values of a map whose names the user chooses. */
export function recordOf(schema: z.ZodType): { keyType: z.ZodType; valueType: z.ZodType } | undefined {
  for (const option of optionsOf(schema)) {
    const def = defOf(option);
    if (def.type === "record") return { keyType: def.keyType as z.ZodType, valueType: def.valueType as z.ZodType };
  }
  return undefined;
}

/** Schema of the values of a list. */
export function elementOf(schema: z.ZodType): z.ZodType | undefined {
  const def = defOf(schema);
  return def.type === "array" ? (def.element as z.ZodType) : undefined;
}

/** The schema below defaults, optionals and transforms; stops at one with its own rule. */
export function unwrap(schema: z.ZodType): z.ZodType {
  // Not `has`, which does not find the rule of a schema that was described afterwards.
  if (fieldRules.get(schema) !== undefined) return schema;
  const def = defOf(schema);
  if (def.type === "default" || def.type === "prefault" || def.type === "optional") return unwrap(def.innerType as z.ZodType);
  return def.type === "pipe" ? unwrap(def.in as z.ZodType) : schema;
}

/** The default of a field as a person would write it; undefined when it has none. */
export function defaultOf(schema: z.ZodType): unknown {
  const def = defOf(schema);
  if (def.type === "default" || def.type === "prefault") return def.defaultValue;
  return def.type === "optional" ? defaultOf(def.innerType as z.ZodType) : undefined;
}

/** What a field is for, in a sentence or two. */
export function descriptionOf(schema: z.ZodType): string {
  if (schema.description !== undefined) return schema.description;
  const def = defOf(schema);
  const inner = def.type === "pipe" ? def.in : "innerType" in def ? def.innerType : undefined;
  return inner === undefined ? "" : descriptionOf(inner as z.ZodType);
}

/** Whether the key of a field is optional. */
export function isOptional(schema: z.ZodType): boolean {
  return ["default", "prefault", "optional"].includes(defOf(schema).type);
}

function childrenAt(schema: z.ZodType, step: string | number): z.ZodType[] {
  return optionsOf(schema).flatMap((option) => {
    const shape = shapeOf(option);
    const child =
      (shape && Object.hasOwn(shape, step) ? shape[step] : undefined) ?? recordOf(option)?.valueType ?? elementOf(option);
    return child ? [child] : [];
  });
}

/** The branches of a union, or the schema alone. */
function optionsOf(schema: z.ZodType): z.ZodType[] {
  const def = defOf(schema);
  return def.type === "union" ? def.options.map((option) => unwrap(option as z.ZodType)) : [schema];
}

const defOf = (schema: z.ZodType) => schema._zod.def as z.core.$ZodTypes["_zod"]["def"];
