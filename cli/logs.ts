import { Option, type Command } from "commander";
import { askNode, declaredBy } from "./nodes.ts";
import { UserError } from "./user-error.ts";

/** `silver logs SITE`: the last lines of a site's journal, from each of its nodes. */
export function logs(program: Command): void {
  program
    .command("logs <site>")
    .description("last lines of a site: what the app and its server wrote, or what rollouts did")
    .option("-n, --lines <count>", "lines of each node", "50")
    .option("--release <id>", "only this release (default: all)")
    .addOption(new Option("--kind <kind>", "which lines").choices(["app", "rollout"]).default("app"))
    .action(async (site: string, options: { lines: string; release?: string; kind: "app" | "rollout" }) => {
      const { environment, json } = program.opts<{ environment?: string; json?: boolean }>();
      const lines = Number(options.lines);
      if (!Number.isInteger(lines) || lines < 1 || lines > 10_000)
        throw new UserError(`--lines is ${options.lines}: it must be a number from 1 to 10000`, undefined, 2);
      const { reach, sites } = declaredBy(environment);
      const declared = sites[site];
      if (declared === undefined)
        throw new UserError(`there is no site ${site}`, `the sites are: ${Object.keys(sites).join(", ")}`, 2);
      for (const name of declared.nodes) {
        const node = reach[name];
        if (node === undefined) continue;
        const found = await askNode(node, "logs", { site, release: options.release ?? null, lines, kind: options.kind });
        if (json === true) console.log(JSON.stringify({ node: name, lines: found.lines }));
        else for (const line of found.lines) console.log(declared.nodes.length > 1 ? `${name}  ${line}` : line);
      }
    });
}
