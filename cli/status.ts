import { styleText } from "node:util";
import type { Command } from "commander";
import { printableJson } from "../components/text/printable.ts";
import { renderColumns } from "./columns.ts";
import { renderJobs } from "./jobs-status.ts";
import { noSite } from "./planned.ts";
import { environmentName } from "./pulumi.ts";
import { redFirst, statesOnce, type SiteStatus } from "./site-status.ts";
import { statusOfSites } from "./sites-status.ts";

/** `silver status`: what runs where, as the nodes report it and as it answers. Exits 1 when anything is not as declared. */
export function status(program: Command): void {
  program
    .command("status [site]")
    .description("what runs where, asked from the nodes")
    .action(async (only: string | undefined) => {
      const { environment, json } = program.opts<{ environment?: string; json?: boolean }>();
      const rows = await statusOfSites(environment);
      if (only !== undefined && !rows.some(({ site }) => site === only)) {
        const names = [...new Set(rows.map(({ site }) => site))];
        noSite(environmentName(environment), only, names);
      }
      const shown = redFirst(only === undefined ? rows : rows.filter(({ site }) => site === only));
      if (json === true) console.log(printableJson(shown, 2));
      else console.log(renderStatus(shown, process.stdout.isTTY));
      process.exitCode = shown.length > 0 && shown.every(({ state }) => state === "ok") ? 0 : 1;
    });
}

/** @param rows what is wrong first, which is red where there is colour */
export function renderStatus(rows: readonly SiteStatus[], colour: boolean): string {
  const states = statesOnce(rows);
  const cells = rows.map((row, index) => [row.site, row.node, row.live ?? "-", row.previous ?? "-", states[index] ?? ""]);
  const lines = renderColumns(["SITE", "NODE", "LIVE", "PREVIOUS", "STATE"], cells).split("\n");
  const isRed = (index: number) => colour && index > 0 && rows[index - 1]?.state !== "ok";
  const table = lines.map((line, index) => (isRed(index) ? styleText("red", line, { validateStream: false }) : line));
  return [...table, ...renderJobs(rows)].join("\n");
}
