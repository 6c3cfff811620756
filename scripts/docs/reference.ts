import type { z } from "zod";
import { fieldRules } from "../../components/text/schema/fields.ts";
import {
  defaultOf,
  descriptionOf,
  elementOf,
  fieldAt,
  isOptional,
  recordOf,
  shapeOf,
} from "../../components/text/schema/walk.ts";

/** The reference of a schema: one part for each key at its top, with a table of the keys below it. */
export function renderReference(schema: z.ZodType): string {
  const parts = Object.entries(shapeOf(schema) ?? {}).map(([key, field]) => {
    const rows = rowsBelow(field, key);
    const head = `### ${key}\n\n${descriptionOf(field)}\n\n`;
    if (rows.length === 0) return `${head}${factsOf(field)}\n`;
    return `${head}| key | value | default | meaning |\n|---|---|---|---|\n${rows.join("")}`;
  });
  return parts.join("\n");
}

/** Value and default of a key without keys below it, as a sentence. */
function factsOf(field: z.ZodType): string {
  const facts = [`Value: ${cell(valueOf(field))}.`];
  if (!isOptional(field)) facts.push("Must be given.");
  else if (presetOf(field) !== "") facts.push(`Default: ${presetOf(field)}.`);
  return facts.join(" ");
}

/** Rows of the keys below a field; a name of the writer's choice stands as `NAME`. */
function rowsBelow(field: z.ZodType, path: string): string[] {
  const bare = fieldAt(field, []) ?? field;
  const entry = recordOf(bare)?.valueType;
  const inner = entry && (fieldAt(entry, []) ?? entry);
  if (inner && shapeOf(inner)) return rowsBelow(inner, `${path}.NAME`);
  return Object.entries(shapeOf(bare) ?? {}).flatMap(([key, child]) => {
    const below = rowsBelow(child, `${path}.${key}`);
    return below.length > 0 ? below : [row(`${path}.${key}`, child)];
  });
}

function row(path: string, field: z.ZodType): string {
  const preset = isOptional(field) ? presetOf(field) : "must be given";
  return `| \`${path}\` | ${cell(valueOf(field))} | ${cell(preset)} | ${cell(descriptionOf(field))} |\n`;
}

/** What a value must be: its field's rule, without the form of what stands in a list. */
function valueOf(field: z.ZodType): string {
  const bare = fieldAt(field, []) ?? field;
  const element = elementOf(bare);
  const each = element && fieldRules.get(fieldAt(element, []) ?? element)?.must;
  const rule = fieldRules.get(bare)?.must ?? "a map";
  return each === undefined ? rule : `${rule}; each ${each}`;
}

function presetOf(field: z.ZodType): string {
  const preset = defaultOf(field);
  if (preset === undefined) return "";
  if (typeof preset === "object" && preset !== null && Object.keys(preset).length === 0) return "none";
  return `\`${typeof preset === "string" ? preset : JSON.stringify(preset)}\``;
}

const cell = (text: string) => text.replaceAll("|", "\\|");
