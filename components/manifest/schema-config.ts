import { z } from "zod";
import { built } from "./built.ts";
import { either, field, map } from "./fields.ts";
import { line, name, path, variable, variableValue } from "./names.ts";
import { notYet } from "./not-yet.ts";
import { serviceTypeNames, serviceTypeOf, serviceTypes } from "./service-types.ts";

const required = map(variable(), line(), "a map: variable → what it is for", "{STRIPE_KEY: from stripe.com/keys}");
const defaults = map(variable(), variableValue(), "a map: variable → value", '{SIGNUPS: "on"}');

/** false: no directory of configuration is demanded, as in Silver Lining. */
const no = z.literal([false, "false"]).transform((): Record<string, string> => ({}));

const DIRECTORY = "a map: variable → text (a directory of configuration is not built yet)";

/** The key `config`. */
export const config = built("config.", {
  required: either([required, no], {
    code: "wrong-type",
    must: "a map: variable → what it is for",
    example: "{STRIPE_KEY: from stripe.com/keys}",
    explain: (value) =>
      String(value) === "true" ? { code: "not-yet", must: DIRECTORY, fix: "name the variables that the app needs" } : undefined,
  })
    .default({})
    .describe(
      "Variables that the environment must give the site, each with a line about what it is for. A rollout is refused while one is missing.",
    ),
  default: either([defaults], {
    code: "wrong-type",
    must: "a map: variable → value",
    example: '{SIGNUPS: "on"}',
    explain: (value) =>
      typeof value === "string" ? { code: "not-yet", must: DIRECTORY, fix: "write the values as variables" } : undefined,
  })
    .default({})
    .describe("Variables, with the value they have where the environment gives none."),
  template: path("the app's directory")
    .exactOptional()
    .describe("Directory of templates from which `silver config create` makes a configuration."),
  checker: line(1)
    .exactOptional()
    .describe("Script, or module:function, that looks at the values before anything on a node moves."),
}).describe("Variables of os.environ, besides those of the services and the platform.");

const type = field(z.enum(serviceTypeNames), {
  code: "bad-choice",
  must: `one of ${Object.keys(serviceTypes).join(", ")}`,
  example: "postgres",
})
  .transform(serviceTypeOf)
  .exactOptional()
  .describe(`${typeSummaries()}. Default: the name it stands under.`);

function typeSummaries(): string {
  return Object.entries(serviceTypes)
    .map(([name, { summary }]) => `${name}: ${summary}`)
    .join("; ");
}

const options = Object.entries(serviceTypes).flatMap(([name, entry]) =>
  Object.entries<z.ZodType<string>>(entry.options).map(([key, option]) => {
    return [key, option.optional().describe(`Of ${name}. ${option.description ?? ""}`)] as const;
  }),
);

const service = z
  .strictObject({ type, ...Object.fromEntries(options) })
  .transform(({ type, ...rest }) => ({ ...(type === undefined ? {} : { type }), options: rest }))
  .describe("One service.");

/** Silver Lining had services under names that are none here, such as writable_root. */
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
