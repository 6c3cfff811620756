import { z } from "zod";
import type { Code } from "../code.ts";

// Otherwise zod generates and compiles a function for each map of fixed keys, which takes longer than it saves on 1,000 manifests.
z.config({ jitless: true });

/** What to tell a person about a value that a field refuses; zod only knows that it is wrong. */
export interface FieldRule {
  code: Code;
  /** Completes "it must be …", e.g. `true or false`. */
  must: string;
  /** A valid value, as YAML. */
  example: string;
  /** The value may be confidential: no message shows it. Default: false. */
  isHidden?: boolean;
  /** More about one refused value. Default: `must` is enough. */
  explain?: (value: unknown) => Partial<Explanation> | undefined;
  /** More about a number where a text must be, as it is written: `1.10`. It replaces what the reader says of it. */
  explainNumber?: (written: string) => Partial<Explanation> | undefined;
}

/** Overrides of the field's general text for one refused value. */
export interface Explanation {
  code: Code;
  must: string;
  fix: string;
}

/** The rule of each field, by its schema. Not zod's own metadata, which goes into the JSON Schema. */
export const fieldRules = z.registry<FieldRule>();

/** A schema with its rule. */
export function field<T extends z.ZodType>(schema: T, rule: FieldRule): T {
  fieldRules.add(schema, rule);
  return schema;
}

/** A text of one form. */
export function text(pattern: RegExp, rule: FieldRule) {
  return field(z.string().regex(pattern), rule);
}

/** One of a closed list of words. */
export function choice<const T extends readonly [string, ...string[]]>(words: T) {
  return field(z.enum(words), { code: "bad-choice", must: `one of ${words.join(", ")}`, example: words[0] });
}

/** true or false, or the texts "true" and "false", because the INI form has only texts. */
export function toggle() {
  const word = z.enum(["true", "false"]).transform((text) => text === "true");
  return field(z.union([z.boolean(), word]), { code: "bad-switch", must: "true or false", example: "true" });
}

/** true or false kept as text, for its reader to parse. */
export function unparsedToggle() {
  const words = z.enum(["true", "false"]);
  return field(z.union([z.boolean().transform(String).pipe(words), words]), {
    code: "bad-switch",
    must: "true or false",
    example: "true",
  });
}

/** A list without duplicates. `must` completes "it must be …"; `least` is the smallest number of values. */
export function list<T extends z.ZodType>(item: T, must: string, example: string, least = 0) {
  const schema = z
    .array(item)
    .min(least)
    .check(({ value, issues }) => {
      const seen = new Set<unknown>();
      for (const [index, one] of value.entries()) {
        if (seen.has(one)) issues.push({ code: "custom", path: [index], input: one, params: { rule: REPEATED } });
        seen.add(one);
      }
    })
    .meta({ uniqueItems: true });
  return field(schema, {
    code: "wrong-type",
    must: least > 0 ? `${must}, at least ${least}` : must,
    example,
    explain: (value) => (/^[A-Za-z0-9._/-]+$/.test(String(value)) ? { fix: `write [${String(value)}]` } : undefined),
  });
}

/** Such a list, of words without commas, kept as one text with a comma between them, for its reader to split. At least one. */
export function unparsedList<T extends z.ZodType<string>>(item: T, must: string, example: string) {
  return list(item, must, example, 1)
    .transform((items) => items.join(","))
    .pipe(z.string());
}

const REPEATED: FieldRule = {
  code: "repeated-value",
  must: "a value that does not stand in the list before",
  example: "",
  explain: () => ({ fix: "delete one of the two" }),
};

/** A map whose names have one form. `must` completes "it must be …". */
export function map<K extends z.ZodType<string, string>, V extends z.ZodType>(key: K, value: V, must: string, example: string) {
  return field(z.record(key, value), { code: "wrong-type", must, example });
}

/** One of several forms; the first is the one that documentation shows. */
export function either<const T extends readonly z.ZodType[]>(options: T, rule: FieldRule) {
  return field(z.union(options), rule);
}
