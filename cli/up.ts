import type { Command } from "commander";
import { runPulumi, stackWords } from "./pulumi.ts";

/** `silver up`: one `pulumi up` without a second preview, in which a failing site doesn't stop the others. */
export function up(program: Command): void {
  program
    .command("up")
    .description("deploy: pulumi up, one verdict a site")
    .option("--preview", "show what would change and ask before changing it")
    .action((options: { preview?: boolean }) => {
      const { environment } = program.opts<{ environment?: string }>();
      const words = options.preview === true ? [] : ["--yes", "--skip-preview"];
      process.exitCode = runPulumi(["up", "--continue-on-error", ...words, ...stackWords(environment)]) === 0 ? 0 : 1;
    });
}
