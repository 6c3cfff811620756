// `silver`: everything to do with sites besides editing files. It reads and acts; declarations stay in git.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { refuseUnused, visibleGlobalOptions } from "./global-options.ts";
import { printableJson, printableLines } from "../components/text/printable.ts";
import { UserError } from "./user-error.ts";

type Verb = (program: Command) => void;

/** Loads a verb only when it is called, or when all are listed: loading all takes longer than starting. */
const verbs: Record<string, () => Promise<Verb>> = {
  validate: async () => (await import("./validate.ts")).validate,
  init: async () => (await import("./init.ts")).init,
  convert: async () => (await import("./convert.ts")).convert,
  up: async () => (await import("./up.ts")).up,
  destroy: async () => (await import("./destroy.ts")).destroy,
  status: async () => (await import("./status.ts")).status,
  heal: async () => (await import("./heal.ts")).heal,
  logs: async () => (await import("./logs.ts")).logs,
  run: async () => (await import("./run.ts")).run,
  shell: async () => (await import("./run.ts")).shell,
  config: async () => (await import("./config.ts")).config,
  plan: async () => (await import("./plan.ts")).plan,
  preview: async () => (await import("./preview.ts")).preview,
  secret: async () => (await import("./secret.ts")).secret,
  lock: async () => (await import("./lock.ts")).lock,
  claim: async () => (await import("./claim.ts")).claim,
};

const root = join(import.meta.dirname, "..");
const { version: own } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
const version = `silver ${own} (Node ${process.versions.node}, ${root})`;

const program = new Command("silver")
  .description("Web apps on your own servers: check, deploy, look, act.")
  .option("-e, --environment <name>", "the environment, i.e. the Pulumi stack (default: the selected one)")
  .option("--json", "machine-readable output on stdout")
  .version(version, "--version", "the version of silver and of Node, and where the project is")
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
    // A program reads stdout: there is always one value on it.
    if (program.opts<{ json?: boolean }>().json === true)
      console.log(printableJson({ error: error.message, ...(error.fix === undefined ? {} : { fix: error.fix }) }, 2));
    console.error(printableLines(`✗ ${error.message}`).join("\n"));
    if (error.fix !== undefined) console.error(printableLines(`  ${error.fix}`).join("\n"));
    process.exitCode = error.exitCode;
  } else throw error;
}
