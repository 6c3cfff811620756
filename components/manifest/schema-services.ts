import { z } from "zod";
import { serviceTypeNames, serviceTypeOf, serviceTypes } from "../services/registry.ts";
import { field, map } from "../text/schema/fields.ts";
import { name } from "../text/schema/names.ts";
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
    return { key, option, meaning: `${name}: ${option.description ?? ""}` };
  }),
);

/** An option that several types share has one form; each type describes its meaning there. */
const options = typeOptions.map(({ key, option }) => {
  const meanings = typeOptions.filter((other) => other.key === key).map(({ meaning }) => meaning);
  return [key, option.optional().describe(`${meanings.join("; ")}.`)] as const;
});

const service = z
  .strictObject({ type, ...Object.fromEntries(options) })
  .transform(({ type, ...rest }) => ({ ...(type === undefined ? {} : { type }), options: rest }))
  .describe("One service.");

/** Silver Lining had service names that don't exist here, such as writable_root. */
function explainName(value: unknown) {
  const later = notYet(`services.*.type=${String(value)}`);
  return later === undefined ? undefined : { code: "not-yet" as const, must: "a service that is built already", fix: later };
}

/** The key `services`. */
export const services = map(
  name(explainName),
  service,
  "a map: name → service",
  "{db: {type: postgres}, files: {quota: 2G}}",
).describe("What the platform makes for the site besides its processes. Each yields variables: CONFIG_<NAME>_URL and others.");
