import { spawnSync } from "node:child_process";
import type { Command } from "commander";
import { decide, renderChanges, renderMarkdown } from "./comment.ts";
import { acceptOption, changesBetween } from "./plan.ts";
import { planOrReport, reportBroken } from "./planned.ts";
import { previewChanges, previewDiff, previewSchema, type Preview } from "./preview-steps.ts";
import { environmentName, notFound, root, stackWords } from "./pulumi.ts";
import { changedProgram, commitOf, mergeBase } from "./revision.ts";
import type { Issue } from "../components/text/issue.ts";
import { UserError } from "./user-error.ts";
import { withWarnings } from "./warnings.ts";

interface PreviewOptions {
  markdown?: boolean;
  accept: string[];
}

const nothing: Preview = { steps: [], diagnostics: [] };

/** `silver preview`: what `pulumi up` would run, each command with its reason. Needs the stack's secrets, and shows none. */
export function preview(program: Command): void {
  program
    .command("preview [base]")
    .description("what silver up would run, and why (base: the revision that explains it; default: as silver plan)")
    .option("--markdown", "as a comment on a pull request")
    .addOption(acceptOption())
    .action((revision: string | undefined, options: PreviewOptions) => {
      const { environment: named, json } = program.opts<{ environment?: string; json?: boolean }>();
      const environment = environmentName(named);
      const { plan: now, warnings } = planOrReport(root, environment);
      reportBroken(root, now);
      const base = revision === undefined ? mergeBase(root) : commitOf(root, revision);
      const planned = base === undefined ? undefined : changesBetween(base, undefined, environment)[0];
      // When every site is broken the program stops, and nothing would run.
      const found = now.sites.length === 0 && now.broken.length > 0 ? nothing : askPreview(environment);
      const told = previewChanges(found, {
        environment,
        sites: now.sites.map(({ name }) => name),
        broken: now.broken,
        ...(planned === undefined ? {} : { planned }),
        program: base === undefined ? [] : changedProgram(root, base),
      });
      const changes = withWarnings(told, root, now, warnings);
      const decision = decide(changes, options.accept);
      if (json === true) console.log(JSON.stringify({ ...changes, ...decision }, undefined, 2));
      else if (options.markdown === true) process.stdout.write(renderMarkdown(changes, options.accept, previewDiff(found)));
      else console.log([...renderChanges(changes, options.accept), ...warningsOf(found, warnings)].join("\n"));
      process.exitCode = decision.canMerge ? 0 : 1;
    });
}

/**
 * Messages of the preview, except those unrelated to the change, such as the stand-in plugin's greeting.
 * @param known what has been shown already
 */
function warningsOf({ diagnostics }: Preview, known: readonly Issue[] = []): string[] {
  return diagnostics
    .filter(
      ({ severity, message }) =>
        ["warning", "error"].includes(severity) &&
        !message.includes("stand-in for pulumi-resource-command") &&
        !known.some((issue) => message.includes(issue.message)),
    )
    .map(({ message }) => `⚠ ${message.trim()}`);
}

function askPreview(environment: string): Preview {
  const words = ["preview", "--json", "--non-interactive", ...stackWords(environment)];
  // It contains the scripts and the state of each node.
  const run = spawnSync("pulumi", words, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 30 });
  if (run.error !== undefined) throw notFound(run.error);
  const parsed = run.stdout.trim() === "" ? undefined : previewSchema.safeParse(JSON.parse(run.stdout));
  if (run.status === 0 && parsed?.success === true) return parsed.data;
  const told = parsed?.data === undefined ? [] : warningsOf(parsed.data);
  throw new UserError(
    [`the preview of ${environment} failed:`, ...told, run.stderr.trim()].filter((part) => part !== "").join("\n"),
  );
}
