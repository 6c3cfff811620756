import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { howToTrust } from "../components/machines/authority.ts";
import { ownClone } from "../components/machines/clone.ts";
import { printableJson } from "../components/text/printable.ts";
import { verdictDirectory } from "../components/rollout/verdict-file.ts";
import { awaitLocks } from "./locks.ts";
import { environmentName, runPulumi, stackWords } from "./pulumi.ts";
import { statusOfSites } from "./sites-status.ts";
import { endLine, endsOf, withStatus, type SiteEnd } from "./up-end.ts";

/** What is left to do about the certificates of sites that serve. */
const trustLines = (ends: readonly SiteEnd[]): string[] =>
  howToTrust(
    ownClone(),
    ends.flatMap(({ isWell, urls }) => (isWell ? urls : [])),
  );

/** `silver up`: one `pulumi up` without a second preview, in which a failing site doesn't stop the others; its last lines are one a site. */
export function up(program: Command): void {
  program
    .command("up")
    .description("deploy: pulumi up, one verdict a site")
    .option("--preview", "show what would change and ask before changing it")
    .action(async (options: { preview?: boolean }) => {
      const { environment: named, json } = program.opts<{ environment?: string; json?: boolean }>();
      const environment = environmentName(named);
      await awaitLocks(environment, (line) => {
        console.error(line);
      });
      const words = options.preview === true ? [] : ["--yes", "--skip-preview"];
      const directory = mkdtempSync(join(tmpdir(), "silver-up-"));
      try {
        const all = ["up", "--continue-on-error", "--suppress-outputs", ...words, ...stackWords(environment)];
        const code = runPulumi(all, json === true ? "stderr" : "stdout", { [verdictDirectory]: directory });
        const ends = await withStatus(endsOf(environment, directory), () => statusOfSites(environment));
        if (json === true) console.log(printableJson(ends, 2));
        else if (ends.length > 0) console.log(["", ...ends.map(endLine), ...trustLines(ends)].join("\n"));
        process.exitCode = code === 0 && ends.every(({ isWell }) => isWell) ? 0 : 1;
      } finally {
        rmSync(directory, { recursive: true });
      }
    });
}
