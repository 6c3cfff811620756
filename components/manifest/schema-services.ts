import { z } from "zod";
import { serviceTypeNames, serviceTypeOf, serviceTypes } from "../services/registry.ts";
import { either, field, map } from "../text/schema/fields.ts";
import { serviceKey } from "../text/schema/names.ts";
import { suggest } from "../text/suggest.ts";
import { notYet } from "./not-yet.ts";

const type = field(z.enum(serviceTypeNames), {
  code: "bad-choice",
  must: `one of ${Object.keys(serviceTypes).join(", ")}`,
  example: "postgres",
})
  .transform(serviceTypeOf)
  .exactOptional()
  .describe(`${typeSummaries()}. Default: its name.`);

function typeSummaries(): string {
  return Object.entries(serviceTypes)
    .map(([name, { summary }]) => `${name}: ${summary}`)
    .join("; ");
}

const typeOptions = Object.entries(serviceTypes).flatMap(([name, entry]) =>
  Object.entries<z.ZodType<string>>(entry.options).map(([key, option]) => {
    return { key, option, name, meaning: option.description ?? "" };
  }),
);

/** An option that several types share has one form; each type describes its meaning there. */
const options = typeOptions.map(({ key, option }) => {
  const same = Map.groupBy(
    typeOptions.filter((other) => other.key === key),
    ({ meaning }) => meaning,
  );
  const meanings = [...same].map(([meaning, types]) => `${types.map(({ name }) => name).join(", ")}: ${meaning}`);
  return [key, option.optional().describe(`${meanings.join("; ")}.`)] as const;
});

const serviceKeys = z
  .strictObject({ type, ...Object.fromEntries(options) })
  .transform(({ type, ...rest }) => ({ ...(type === undefined ? {} : { type }), options: rest }));

/** A type alone, and nothing where the name is the type, stand for a service without options, as in app.ini. */
const service = either(
  [
    serviceKeys,
    z
      .enum(serviceTypeNames)
      .transform((type): { type?: string } => ({ type }))
      .pipe(serviceKeys),
    z
      .null()
      .transform(() => ({}))
      .pipe(serviceKeys),
  ],
  {
    code: "wrong-type",
    must: "a type, or a map of its type and its options",
    example: "{type: postgres}",
    explain: explainService,
  },
).describe("One service; its type alone where it has no options.");

function explainService(value: unknown) {
  const [word = "", ...rest] = typeof value === "string" ? value.split(/[ \t]+/) : [];
  const later = notYet(`services.*.type=${word}`);
  if (later !== undefined) return { code: "not-yet" as const, must: "a type that is built already", fix: later };
  if (serviceTypeOf(word) !== undefined) {
    const written = [`type: ${word}`, ...rest.map((option) => option.replace("=", ": "))];
    return { fix: `write {${written.join(", ")}}` };
  }
  const meant = suggest(word, serviceTypeNames);
  return meant === undefined ? undefined : { fix: `did you mean ${meant}?` };
}

/** Silver Lining had service names that don't exist here, such as writable_root. */
function explainName(value: unknown) {
  const later = notYet(`services.*.type=${String(value)}`);
  return later === undefined ? undefined : { code: "not-yet" as const, must: "a service that is built already", fix: later };
}

/** The key `services`. */
export const services = map(
  serviceKey(explainName),
  service,
  "a map: name → service",
  "{db: {type: postgres}, files: {quota: 2G}}",
).describe("What the platform makes for the site besides its processes. Each yields variables: CONFIG_<NAME>_URL and others.");
