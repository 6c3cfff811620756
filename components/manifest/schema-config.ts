import { z } from "zod";
import { built } from "./built.ts";
import { either, fieldRules, map } from "../text/schema/fields.ts";
import { checker } from "./app-fields.ts";
import { line, variable, variableValue } from "../text/schema/names.ts";
import { path } from "../text/schema/paths.ts";

const required = map(variable(), line(), "a map: variable → what it is for", "{STRIPE_KEY: from stripe.com/keys}");
const defaults = map(variable(), variableValue(), "a map: variable → value", '{SIGNUPS: "on"}');

/** Whether a configuration directory is required, as in Silver Lining. */
const yes = z.literal([true, "true"]).transform(() => true as const);
const no = z.literal([false, "false"]).transform((): Record<string, string> => ({}));

const defaultDirectory = path("the app's directory");

/** The key `config`. */
export const config = built("config.", {
  required: either([required, yes, no], {
    code: "wrong-type",
    must: "a map: variable → what it is for; or true, for a configuration directory",
    example: "{STRIPE_KEY: from stripe.com/keys}",
  })
    .default({})
    .describe(
      "Variables that the environment must give the site, each with a line about what it is for. true: it must give the site a configuration directory (config_dir). A rollout is refused while one is missing.",
    ),
  default: either([defaults, defaultDirectory], {
    code: "wrong-type",
    must: "a map: variable → value; or a directory of the app",
    example: '{SIGNUPS: "on"}',
    explain: (value) => (typeof value === "string" ? wrongPath(value) : undefined),
  })
    .default({})
    .describe(
      "Variables, with the value they have where the environment gives none. Or a directory of the app that is the site's configuration directory where the environment gives none.",
    ),
  template: path("the app's directory", "conf/template")
    .exactOptional()
    .describe("Directory of the app from which `silver config create` makes a configuration directory."),
  checker: checker()
    .exactOptional()
    .describe(
      "Script of the app, or module:function, that looks at the configuration on each node before the release starts there. It is called with the configuration directory; a failure refuses the release.",
    ),
}).describe(
  "Variables of os.environ, besides those of the services and the platform, and the configuration directory, which SILVER_APP_CONFIG names. Secrets are variables: a directory holds none.",
);

/** What is wrong with a text that is no path. */
function wrongPath(value: string) {
  const rule = fieldRules.get(defaultDirectory);
  return { code: "bad-path" as const, must: rule?.must ?? "", fix: "write for example conf/default", ...rule?.explain?.(value) };
}
