import { Option, type Command } from "commander";
import type { Args } from "../components/node/contract.ts";
import { Failure } from "../components/rollout/failure.ts";
import { printableJson, printableLines } from "../components/text/printable.ts";
import { askNode, declaredBy } from "./nodes.ts";
import { siteOf } from "./planned.ts";
import { parseSince } from "./since.ts";
import { UserError } from "./user-error.ts";

interface Options {
  lines: string;
  release?: string;
  kind: "app" | "cron" | "rollout";
  access?: boolean;
  follow?: boolean;
  since?: string;
  grep?: string;
}

/** `silver logs SITE`: the last lines of a site, from each of its nodes, or its lines as they come. */
export function logs(program: Command): void {
  program
    .command("logs <site>")
    .description(
      "last lines of a site: what the app said and what went wrong, its jobs alone, what rollouts did, or its requests",
    )
    .option("-n, --lines <count>", "lines of each node", "50")
    .option("--release <id>", "only this release (default: all)")
    .addOption(new Option("--kind <kind>", "which lines").choices(["app", "cron", "rollout"]).default("app"))
    .addOption(new Option("--access", "one line a request, as long as Varnish remembers it").conflicts("kind"))
    .option("--since <when>", "nothing older: 10m, 2h, 3d, or a time such as 2026-11-21T15:00")
    .option("--grep <pattern>", "only lines that contain this regular expression")
    .option("-f, --follow", "go on with new lines until interrupted")
    .action(async (site: string, options: Options) => {
      const { environment, json } = program.opts<{ environment?: string; json?: boolean }>();
      const args = argsOf(site, options);
      const { reach, sites } = declaredBy(environment);
      const declared = siteOf(sites, site, environment);
      const nodes = declared.nodes.flatMap((name) => reach[name] ?? []);
      const show = (node: string, lines: string[]) => {
        if (json === true) console.log(printableJson({ node, lines }));
        else
          for (const line of lines)
            for (const part of printableLines(line)) console.log(nodes.length > 1 ? `${node}  ${part}` : part);
      };
      const asked = nodes.map((node) =>
        askNode(node, "logs", args, (step, text) => {
          if (step === "line") show(node.name, [text]);
        }).catch(asFailure),
      );
      for (const [index, node] of nodes.entries()) {
        const found = await asked[index];
        if (found instanceof Failure) complain(node.name, found);
        else if (found !== undefined) show(node.name, found.lines);
      }
    });
}

function argsOf(site: string, options: Options): Args<"logs"> {
  const lines = Number(options.lines);
  if (!Number.isInteger(lines) || lines < 1 || lines > 10_000)
    throw new UserError(`--lines is ${options.lines}: it must be a number from 1 to 10000`, undefined, 2);
  return {
    site,
    release: options.release ?? null,
    lines,
    kind: options.access === true ? "access" : options.kind,
    ...(options.since === undefined ? {} : { since: parseSince(options.since, Date.now() / 1000) }),
    ...(options.grep === undefined ? {} : { grep: options.grep }),
    ...(options.follow === true ? { follow: true } : {}),
  };
}

/** A node that does not answer says nothing about the others. */
function complain(node: string, { details: { message, fix, log = [] } }: Failure): void {
  const lines = [`✗ ${node}: ${message}`, ...[...log, ...(fix === undefined ? [] : [fix])].map((line) => `  ${line}`)];
  console.error(lines.flatMap(printableLines).join("\n"));
  process.exitCode = 1;
}

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  throw error;
}
