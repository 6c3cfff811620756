import type { Command } from "commander";
import { Failure } from "../components/rollout/failure.ts";
import { askNode, declaredBy } from "./nodes.ts";
import { renderColumns } from "./columns.ts";
import { statusOf, type SiteStatus } from "./site-status.ts";
import { UserError } from "./user-error.ts";

/** `silver status`: what runs where, as the nodes report it. Exits 1 when anything differs from the declaration. */
export function status(program: Command): void {
  program
    .command("status [site]")
    .description("what runs where, asked from the nodes")
    .action(async (only: string | undefined) => {
      const { environment, json } = program.opts<{ environment?: string; json?: boolean }>();
      const { reach, sites } = declaredBy(environment);
      const answers = await Promise.all(
        Object.values(reach).map(async (node) => ({
          node: node.name,
          found: await askNode(node, "status", { site: null }).catch(asFailure),
        })),
      );
      const rows: SiteStatus[] = [];
      for (const [site, { declared, nodes }] of Object.entries(sites)) {
        for (const name of nodes)
          rows.push(statusOf(site, declared ?? null, name, answers.find(({ node }) => node === name)?.found));
      }
      for (const { node, found } of answers) {
        if (found instanceof Failure) continue;
        // Sites that no environment declares any more but that still serve.
        const strays = found.sites.filter((state) => state.live !== null && sites[state.site]?.nodes.includes(node) !== true);
        for (const state of strays) rows.push({ ...statusOf(state.site, null, node, found), state: "not declared" });
      }
      if (only !== undefined && !rows.some(({ site }) => site === only))
        throw new UserError(`there is no site ${only}`, `the sites are: ${Object.keys(sites).join(", ")}`, 2);
      const shown = only === undefined ? rows : rows.filter(({ site }) => site === only);
      if (json === true) console.log(JSON.stringify(shown, undefined, 2));
      else
        console.log(
          renderColumns(
            ["SITE", "NODE", "LIVE", "PREVIOUS", "STATE"],
            shown.map((row) => [row.site, row.node, row.live ?? "-", row.previous ?? "-", row.state]),
          ),
        );
      process.exitCode = shown.length > 0 && shown.every(({ state }) => state === "ok") ? 0 : 1;
    });
}

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  throw error;
}
