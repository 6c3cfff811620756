import { platformKeys } from "../platforms/registry.ts";
import { parseDocument, stringify } from "yaml";
import type { z } from "zod";
import { fieldRules } from "../text/schema/fields.ts";
import { manifestSchema } from "./schema.ts";
import { defaultOf, descriptionOf, elementOf, fieldAt, recordOf, shapeOf } from "../text/schema/walk.ts";

/** Longest line of a comment, with its indent. */
const WIDTH = 110;

/**
 * An app.yaml with every key that is built: its meaning as a comment, and its default or an example as the value.
 * @param schemaPath path or address of docs/manifest.schema.json, for editors; absent: no line for them
 */
export function renderExample(schemaPath?: string): string {
  const head = schemaPath === undefined ? "" : `# yaml-language-server: $schema=${schemaPath}\n`;
  return head + renderMap(manifestSchema, "").trimStart();
}

/** @param chosen values for some keys: then the example has only those */
function renderMap(schema: z.ZodType, indent: string, chosen?: Record<string, unknown>): string {
  return Object.entries(shapeOf(schema) ?? {})
    .filter(([key]) => chosen === undefined || Object.hasOwn(chosen, key))
    .map(([key, field]) => {
      const value = chosen === undefined ? renderValue(field, indent) : ` ${String(chosen[key])}\n`;
      return `${indent === "" ? "\n" : ""}${comment(descriptionOf(field), indent)}${indent}${Object.hasOwn(platformKeys, key) ? "# " : ""}${key}:${value}`;
    })
    .join("");
}

/** The text after the colon, with the blank before it and the line end after it. */
function renderValue(field: z.ZodType, indent: string): string {
  const bare = fieldAt(field, []) ?? field;
  if (shapeOf(bare)) return `\n${renderMap(bare, `${indent}  `)}`;
  const example = fieldRules.get(bare)?.example ?? "";
  const entry = recordOf(bare)?.valueType;
  const inner = entry && (fieldAt(entry, []) ?? entry);
  if (inner && shapeOf(inner)) return `\n${renderEntries(inner, example, `${indent}  `)}`;
  const preset = defaultOf(field);
  const isEmpty = preset === undefined || (typeof preset === "object" && preset !== null && Object.keys(preset).length === 0);
  return ` ${isEmpty ? (elementOf(bare) ? listOf(example) : example) : stringify(preset, { collectionStyle: "flow" }).trim()}\n`;
}

/** The entries of a map whose names the user chooses, from its example; an empty entry gets all its keys. */
function renderEntries(schema: z.ZodType, example: string, indent: string): string {
  return Object.entries(parseDocument(example).toJS() as Record<string, Record<string, unknown>>)
    .map(([name, values]) => {
      const chosen = Object.keys(values).length > 0 ? values : undefined;
      return `${indent}${name}:\n${renderMap(schema, `${indent}  `, chosen)}`;
    })
    .join("");
}

const listOf = (example: string) => (example.startsWith("[") ? example : `[${example}]`);

/** Lines of a comment, broken between words. */
function comment(text: string, indent: string): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || `${indent}# ${last} ${word}`.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.map((line) => `${indent}# ${line}\n`).join("");
}
