#!/usr/bin/env node
// `silver`: what one does with sites besides editing files. It reads and acts; what is declared stays in git.
import { Command, CommanderError } from "commander";
import { config } from "./config.ts";
import { convert } from "./convert.ts";
import { init } from "./init.ts";
import { logs } from "./logs.ts";
import { plan } from "./plan.ts";
import { preview } from "./preview.ts";
import { status } from "./status.ts";
import { up } from "./up.ts";
import { UserError } from "./user-error.ts";
import { validate } from "./validate.ts";

const program = new Command("silver")
  .description("Web apps on your own servers: check, deploy, look, act.")
  .option("-e, --environment <name>", "the environment, i.e. the Pulumi stack (default: the selected one)")
  .option("--json", "machine-readable output on stdout")
  .showSuggestionAfterError()
  .showHelpAfterError("(silver --help lists every verb)")
  .exitOverride();

for (const verb of [validate, init, convert, up, status, logs, config, plan, preview]) verb(program);

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
