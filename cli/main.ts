// `silver`: everything to do with sites besides editing files. It reads and acts; declarations stay in git.
import { Command, CommanderError } from "commander";
import { refuseUnused, visibleGlobalOptions } from "./global-options.ts";
import { UserError } from "./user-error.ts";

type Verb = (program: Command) => void;

/** Loads a verb only when it is called, or when all are listed: loading all takes longer than starting. */
const verbs: Record<string, () => Promise<Verb>> = {
  validate: async () => (await import("./validate.ts")).validate,
  init: async () => (await import("./init.ts")).init,
  convert: async () => (await import("./convert.ts")).convert,
  up: async () => (await import("./up.ts")).up,
  status: async () => (await import("./status.ts")).status,
  logs: async () => (await import("./logs.ts")).logs,
  config: async () => (await import("./config.ts")).config,
  plan: async () => (await import("./plan.ts")).plan,
  preview: async () => (await import("./preview.ts")).preview,
};

const program = new Command("silver")
  .description("Web apps on your own servers: check, deploy, look, act.")
  .option("-e, --environment <name>", "the environment, i.e. the Pulumi stack (default: the selected one)")
  .option("--json", "machine-readable output on stdout")
  .configureHelp({ showGlobalOptions: true, visibleGlobalOptions })
  .hook("preAction", refuseUnused)
  .showSuggestionAfterError()
  .showHelpAfterError("(silver --help lists every verb)")
  .exitOverride();

const [first = ""] = process.argv.slice(2);
for (const name of Object.hasOwn(verbs, first) ? [first] : Object.keys(verbs)) (await verbs[name]?.())?.(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof UserError) {
    console.error(`✗ ${error.message}`);
    if (error.fix !== undefined) console.error(`  ${error.fix}`);
    process.exitCode = error.exitCode;
  } else throw error;
}
