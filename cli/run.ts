import type { Command } from "commander";
import { declaredBy, type DeclaredNode } from "./nodes.ts";
import { siteOf } from "./planned.ts";
import { runOn } from "./remote-run.ts";
import { uploadsOf } from "./uploads.ts";
import { UserError } from "./user-error.ts";

interface Options {
  interactive?: boolean;
  release?: string;
  node?: string;
}

/** `silver run SITE -- COMMAND…`: a command in the environment of a site's live release. Exits as the command does. */
export function run(program: Command): void {
  program
    .command("run <site> [command...]")
    .usage("<site> [options] -- <command...>")
    .description("a command as the site, with the variables, libraries and limits of its live release; @FILE sends a file along")
    .option("-i, --interactive", "give it this terminal")
    .option("--release <id>", "another release that is still on the node")
    .option("--node <name>", "on this node (default: the site's first)")
    .action(async (site: string, command: string[], { interactive = false, release, node }: Options) => {
      const example = `silver run ${site} -- bin/migrate`;
      if (command.length === 0) throw new UserError("which command?", `name it after --, such as: ${example}`, 2);
      // Otherwise an option of the command's would be taken for one of ours.
      if (!process.argv.includes("--")) throw new UserError("the command comes after --", `such as: ${example}`, 2);
      if (interactive) needTerminal("-i");
      const { words, uploads } = uploadsOf(command);
      const place = placeOf(program.opts<{ environment?: string }>().environment, site, node);
      const more = release === undefined ? {} : { release };
      process.exitCode = await runOn(place, { site, words, uploads, terminal: interactive, ...more });
    });
}

/** `silver shell SITE [SERVICE]`: an interpreter with the app loaded, or a service's client. */
export function shell(program: Command): void {
  program
    .command("shell <site> [service]")
    .description("an interpreter with the app loaded, or the client of one of its services, as the site")
    .option("--release <id>", "another release that is still on the node")
    .option("--node <name>", "on this node (default: the site's first)")
    .action(async (site: string, service: string | undefined, { release, node }: Options) => {
      needTerminal("silver shell");
      const place = placeOf(program.opts<{ environment?: string }>().environment, site, node);
      const more = { ...(release === undefined ? {} : { release }), ...(service === undefined ? {} : { service }) };
      process.exitCode = await runOn(place, { site, words: [], uploads: [], terminal: true, ...more });
    });
}

function needTerminal(what: string): void {
  if (process.stdin.isTTY && process.stdout.isTTY) return;
  throw new UserError(`${what} needs a terminal`, "without one: silver run SITE -- COMMAND", 2);
}

/** @throws UserError that names the sites, or the site's nodes */
function placeOf(environment: string | undefined, site: string, node: string | undefined): DeclaredNode {
  const { reach, sites } = declaredBy(environment);
  const declared = siteOf(sites, site, environment);
  const name = node ?? declared.nodes[0] ?? "";
  const found = declared.nodes.includes(name) ? reach[name] : undefined;
  if (found === undefined) throw new UserError(`${site} is not on ${name}`, `its nodes are: ${declared.nodes.join(", ")}`, 2);
  return found;
}
