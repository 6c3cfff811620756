import { existsSync } from "node:fs";
import { join } from "node:path";
import { Option, type Command } from "commander";
import { blockingWords, planChanges, type Changes, type Rendered } from "../components/plan/changes.ts";
import { environmentNames } from "../components/plan/environment-names.ts";
import type { Plan } from "../components/plan/plan.ts";
import { renderRelease } from "../components/render/release.ts";
import { printableJson } from "../components/text/printable.ts";
import { decide, renderChanges, renderMarkdown } from "./comment.ts";
import { orComment } from "./not-planned.ts";
import { planOrReport } from "./planned.ts";
import { root } from "./pulumi.ts";
import { judgeDowngrades } from "./downgrades.ts";
import { checkGit, changedProgram, commitOf, mergeBase, partsOfProgram, withFilesOf } from "./revision.ts";
import { judgeSecretValues } from "./secret-values.ts";
import { UserError } from "./user-error.ts";
import { withWarnings } from "./warnings.ts";

interface PlanOptions {
  markdown?: boolean;
  accept: string[];
  head?: string;
}

/** `silver plan`: what would change between two revisions. Offline: no secret, no node, no Pulumi. */
export function plan(program: Command): void {
  program
    .command("plan [base] [head]")
    .description("what would change between two revisions (default: where the default branch was left, and the files here)")
    .option("--markdown", "as a comment on a pull request")
    .addOption(acceptOption())
    .addOption(headOption())
    .action((base: string | undefined, head: string | undefined, options: PlanOptions) => {
      const { environment, json } = program.opts<{ environment?: string; json?: boolean }>();
      orComment(options.markdown === true, environment, () => {
        const from = base === undefined ? mergeBase(root) : commitOf(root, base);
        if (from === undefined) {
          checkGit(root);
          throw new UserError("git has no default branch to compare with", "name the revision: silver plan HEAD", 2);
        }
        const [to, taken] = [head, options.head].map((revision) =>
          revision === undefined ? undefined : commitOf(root, revision),
        );
        const all = changesBetween(from, { ...(to && { to }), ...(taken && { taken }) }, environment).map((changes) => {
          // Both sides were rendered by the program here, so what it would do otherwise is not among the changes.
          const program = partsOfProgram(changedProgram(root, from, to ?? taken));
          return program.length === 0 ? changes : { ...changes, notJudged: program };
        });
        if (json === true)
          console.log(
            printableJson(
              all.map((each) => ({ ...each, ...decide(each, options.accept) })),
              2,
            ),
          );
        else if (options.markdown === true)
          process.stdout.write(all.map((each) => renderMarkdown(each, options.accept, [])).join("\n"));
        else console.log(all.map((each) => renderChanges(each, options.accept).join("\n")).join("\n\n"));
        process.exitCode = all.every((each) => decide(each, options.accept).canMerge) ? 0 : 1;
      });
    });
}

/** `--accept DATA REPLACED`: what a person has seen and accepts. */
export function acceptOption(): Option {
  return new Option("--accept <word...>", "blocking words to accept").choices([...blockingWords]).default([], "nothing");
}

/** `--head REVISION`: where the files here are from, when only apps and environments were taken from it. */
export function headOption(): Option {
  return new Option("--head <revision>", "the revision that apps/ and stacks/*.yaml here are of, whose program is not here");
}

/** What a revision is compared with: another one, or the files here, as far as known those of a commit. */
interface Later {
  to?: string;
  taken?: string;
}

/**
 * The changes since a commit, as git has them.
 * @param only one environment; undefined: all of the later revision
 */
export function changesBetween(base: string, { to: head, taken }: Later, only: string | undefined): Changes[] {
  // A head that was taken has the bytes that git keeps; what it is compared with has them, too.
  const asStored = taken !== undefined;
  const compareWith = (before: string): Changes[] => {
    const compare = (after: string) =>
      // An environment whose file is gone is left out: its stack is destroyed by hand.
      (only === undefined ? environmentNames(after) : [only]).map((environment) => {
        const isNew = !existsSync(join(before, `stacks/${environment}.yaml`));
        const one = isNew ? undefined : { root: before, ...planOrReport(before, environment, base) };
        const other = { root: after, ...planOrReport(after, environment, head) };
        const changes = planChanges(one && rendered(one.plan), rendered(other.plan));
        const range = head ?? taken;
        const judged = judgeDowngrades(changes, { root, base, plan: other.plan, asStored });
        const told = withWarnings(judged, other, one);
        const compared = judgeSecretValues(told, { root, before, after, plan: other.plan });
        return { ...compared, commits: { base, ...(range === undefined ? {} : { head: range }) } };
      });
    return head === undefined ? compare(root) : withFilesOf(root, head, compare, { asStored });
  };
  return withFilesOf(root, base, compareWith, { asStored });
}

function rendered(planned: Plan): Rendered {
  return { plan: planned, releases: Object.fromEntries(planned.sites.map((site) => [site.name, renderRelease(site).id])) };
}
