import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Option, type Command } from "commander";
import { blockingWords, planChanges, type Changes, type Rendered } from "../components/plan/changes.ts";
import type { Plan } from "../components/plan/plan.ts";
import { renderRelease } from "../components/render/release.ts";
import { decide, renderChanges, renderMarkdown } from "./comment.ts";
import { planOrReport } from "./planned.ts";
import { root } from "./pulumi.ts";
import { commitOf, mergeBase, withFilesOf } from "./revision.ts";
import { UserError } from "./user-error.ts";
import { withWarnings } from "./warnings.ts";

interface PlanOptions {
  markdown?: boolean;
  accept: string[];
}

/** `silver plan`: what would change between two revisions. Offline: no secret, no node, no Pulumi. */
export function plan(program: Command): void {
  program
    .command("plan [base] [head]")
    .description("what would change between two revisions (default: where the default branch was left, and the files here)")
    .option("--markdown", "as a comment on a pull request")
    .addOption(acceptOption())
    .action((base: string | undefined, head: string | undefined, options: PlanOptions) => {
      const { environment, json } = program.opts<{ environment?: string; json?: boolean }>();
      const from = base === undefined ? mergeBase(root) : commitOf(root, base);
      if (from === undefined)
        throw new UserError("git has no default branch to compare with", "name the revision: silver plan HEAD", 2);
      const all = changesBetween(from, head === undefined ? undefined : commitOf(root, head), environment);
      if (json === true)
        console.log(
          JSON.stringify(
            all.map((each) => ({ ...each, ...decide(each, options.accept) })),
            undefined,
            2,
          ),
        );
      else if (options.markdown === true)
        process.stdout.write(all.map((each) => renderMarkdown(each, options.accept, [])).join("\n"));
      else console.log(all.map((each) => renderChanges(each, options.accept).join("\n")).join("\n\n"));
      process.exitCode = all.every((each) => decide(each, options.accept).canMerge) ? 0 : 1;
    });
}

/** `--accept DATA REPLACED`: what a person has seen and accepts. */
export function acceptOption(): Option {
  return new Option("--accept <word...>", "blocking words to accept").choices([...blockingWords]).default([], "nothing");
}

/**
 * @param head undefined: the working tree
 * @param only one environment; undefined: all of the later revision
 */
export function changesBetween(base: string, head: string | undefined, only: string | undefined): Changes[] {
  return withFilesOf(root, base, (before) => {
    const compare = (after: string) =>
      (only === undefined ? environmentsOf(after) : [only]).map((environment) => {
        const isNew = !existsSync(join(before, `stacks/${environment}.yaml`));
        const one = isNew ? undefined : rendered(planOrReport(before, environment, base).plan);
        const { plan: planned, warnings } = planOrReport(after, environment, head);
        return withWarnings(planChanges(one, rendered(planned)), after, planned, warnings);
      });
    return head === undefined ? compare(root) : withFilesOf(root, head, compare);
  });
}

function rendered(planned: Plan): Rendered {
  return { plan: planned, releases: Object.fromEntries(planned.sites.map((site) => [site.name, renderRelease(site).id])) };
}

/** Leaves out an environment whose file is gone: its stack is destroyed by hand. */
function environmentsOf(after: string): string[] {
  return readdirSync(join(after, "stacks"))
    .flatMap((file) => /^(?!Pulumi\.|base\.)([^.]+)\.yaml$/.exec(file)?.[1] ?? [])
    .sort();
}
