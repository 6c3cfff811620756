import { z } from "zod";
import { fieldRules } from "./fields.ts";

/**
 * The JSON Schema of what a person writes, for editors that complete, explain and underline: draft 7, which they support best.
 * It covers forms, but not ranges of durations and sizes, nor rules across keys.
 */
export function renderJsonSchema(schema: z.ZodType, title: string): string {
  const made = z.toJSONSchema(schema, {
    io: "input",
    target: "draft-7",
    override: ({ zodSchema, jsonSchema }) => {
      const rule = fieldRules.get(zodSchema as unknown as z.ZodType);
      // Visual Studio Code and its YAML extension show this instead of the pattern.
      if (rule && "pattern" in jsonSchema) jsonSchema.patternErrorMessage = `must be ${rule.must}`;
    },
  });
  const { $schema, ...rest } = made;
  return `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`;
}
