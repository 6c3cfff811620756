import fc from "fast-check";

/** The forms of JSON Schema that the contract uses. */
export interface JsonSchema {
  type?: "object" | "array" | "string" | "integer" | "number" | "boolean" | "null";
  properties?: Record<string, JsonSchema>;
  required?: string[];
  propertyNames?: JsonSchema;
  additionalProperties?: JsonSchema | false;
  items?: JsonSchema;
  pattern?: string;
  enum?: string[];
  const?: string;
  minimum?: number;
  maximum?: number;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Values that a schema takes. */
export function valueOf(schema: JsonSchema): fc.Arbitrary<Json> {
  if (schema.type === undefined) return fc.oneof(...(schema.anyOf ?? schema.oneOf ?? []).map(valueOf));
  switch (schema.type) {
    case "object":
      return objectOf(schema);
    case "array":
      return fc.array(valueOf(schema.items ?? {}), { maxLength: 3 });
    case "string": {
      const words = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
      return words === undefined ? fc.stringMatching(new RegExp(schema.pattern ?? "")) : fc.constantFrom(...words);
    }
    case "integer":
      return fc.integer({ min: schema.minimum ?? -1000, max: 100_000 });
    case "number":
      return fc.double({ min: schema.minimum ?? -1000, max: 100_000, noNaN: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
  }
}

function objectOf(schema: JsonSchema): fc.Arbitrary<Json> {
  if (schema.propertyNames !== undefined && schema.additionalProperties) {
    return fc.dictionary(valueOf(schema.propertyNames) as fc.Arbitrary<string>, valueOf(schema.additionalProperties), {
      maxKeys: 3,
    });
  }
  const fields = Object.entries(schema.properties ?? {}).map(([key, field]) => [key, valueOf(field)] as const);
  return fc.record(Object.fromEntries(fields), { requiredKeys: schema.required ?? [] });
}

/** What takes the place of a value, however that looked. */
const strangers: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json[]>(
    null,
    true,
    0,
    -1,
    1.5,
    2 ** 60,
    "",
    "..",
    "/",
    "a\0b",
    "a/../b",
    "/etc//x",
    [],
    [null],
    {},
    { type: "files" },
  ),
  fc.string({ unit: "binary" }),
);

/** The same value with one mistake somewhere in it, mostly. */
export function mutated(value: Json): fc.Arbitrary<Json> {
  const here =
    typeof value === "string" ? fc.oneof(strangers, fc.constantFrom(`${value}\n`, `${value}\0`, ` ${value}`)) : strangers;
  if (Array.isArray(value)) {
    const inside = value.map((item, index) => mutated(item).map((other) => value.with(index, other)));
    return fc.oneof(here, ...inside);
  }
  if (typeof value !== "object" || value === null) return here;
  const keys = Object.keys(value);
  const without = (gone: string) => Object.fromEntries(Object.entries(value).filter(([key]) => key !== gone));
  return fc.oneof(
    here,
    fc.tuple(fc.constantFrom("force", "a b", ""), strangers).map(([key, other]) => ({ ...value, [key]: other })),
    ...keys.map((key) => fc.constant(without(key))),
    ...keys.map((key) => mutated(value[key] ?? null).map((other) => ({ ...value, [key]: other }))),
  );
}
