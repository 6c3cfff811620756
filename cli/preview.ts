import { spawnSync } from "node:child_process";
import type { Command } from "commander";
import { decide, renderChanges, renderMarkdown } from "./comment.ts";
import { acceptOption, changesBetween, headOption } from "./plan.ts";
import { orComment } from "./not-planned.ts";
import { declaredBy } from "./nodes.ts";
import { withoutOwnSecrets } from "./own-secrets.ts";
import { NotPlanned, planOrReport, reportBroken } from "./planned.ts";
import { previewChanges, previewDiff, previewSchema, type Preview } from "./preview-steps.ts";
import { environmentName, notFound, root, stackWords } from "./pulumi.ts";
import { changedProgram, commitOf, mergeBase, partsOfProgram, renderingOf } from "./revision.ts";
import { isMade } from "../components/environment/kinds/registry.ts";
import type { Changes } from "../components/plan/changes.ts";
import type { Plan } from "../components/plan/plan.ts";
import { issueLine } from "../components/text/code-frame.ts";
import { isError, type Issue } from "../components/text/issue.ts";
import { printableJson, printableLines } from "../components/text/printable.ts";
import { UserError } from "./user-error.ts";
import { withWarnings } from "./warnings.ts";

interface PreviewOptions {
  markdown?: boolean;
  accept: string[];
  head?: string;
}

const nothing: Preview = { steps: [], diagnostics: [] };

/** `silver preview`: what `pulumi up` would run, each command with its reason. Needs the stack's secrets, and shows none. */
export function preview(program: Command): void {
  program
    .command("preview [base]")
    .description("what silver up would run, and why (base: the revision that explains it; default: as silver plan)")
    .option("--markdown", "as a comment on a pull request")
    .addOption(acceptOption())
    .addOption(headOption())
    .action((revision: string | undefined, options: PreviewOptions) => {
      const { environment: named, json } = program.opts<{ environment?: string; json?: boolean }>();
      orComment(options.markdown === true, named, () => {
        const environment = environmentName(named);
        const { plan: now, warnings } = planOrReport(root, environment);
        reportBroken(root, now);
        const base = revision === undefined ? mergeBase(root) : commitOf(root, revision);
        const head = options.head === undefined ? undefined : commitOf(root, options.head);
        const { planned, unread } = sinceBase(base, head, environment);
        // When every site is broken the program stops, and nothing would run.
        const found = now.sites.length === 0 && now.broken.length > 0 ? nothing : askPreview(environment);
        const told = tell(found, now, planned, base === undefined ? [] : renderingOf(changedProgram(root, base)));
        // Another program ran here than the one that would be merged.
        const unseen = head === undefined ? [] : partsOfProgram(changedProgram(root, head));
        const changes = {
          ...(planned === undefined ? withWarnings(told, { root, plan: now, warnings }) : { ...told, ...remarksOf(planned) }),
          ...(unread === undefined ? {} : { unread }),
          ...(unseen.length === 0 ? {} : { notJudged: unseen }),
        };
        const decision = decide(changes, options.accept);
        if (json === true) console.log(printableJson({ ...changes, ...decision }, 2));
        else if (options.markdown === true)
          process.stdout.write(renderMarkdown(changes, options.accept, "failed" in found ? [] : previewDiff(found)));
        else {
          const more = "failed" in found ? [] : warningsOf(found, warnings);
          console.log([...renderChanges(changes, options.accept), ...more].join("\n"));
        }
        process.exitCode = decision.canMerge ? 0 : 1;
      });
    });
}

/** The changes in git; or, where the base can't be planned, why: what Pulumi sees is told all the same. */
function sinceBase(
  base: string | undefined,
  head: string | undefined,
  environment: string,
): { planned?: Changes; unread?: readonly string[] } {
  if (base === undefined) return {};
  try {
    const [planned] = changesBetween(base, { ...(head && { taken: head }) }, environment);
    return planned === undefined ? {} : { planned };
  } catch (error) {
    // What is wrong here, and not in the base, is for this change to correct: nothing of it is run.
    if (!(error instanceof NotPlanned) || error.revision === "") throw error;
    return { unread: [error.message, ...error.issues.filter(isError).map(issueLine), "correct that on the base branch first"] };
  }
}

/** Addresses of the machines that the project made, as they were deployed last; none where nothing is. */
function addressesOf(environment: string): Record<string, string> {
  try {
    return Object.fromEntries(Object.values(declaredBy(environment).reach).map(({ name, address }) => [name, address]));
  } catch (error) {
    if (error instanceof UserError) return {};
    throw error;
  }
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
    .flatMap(({ message }) => printableLines(`⚠ ${message.trim()}`));
}

/**
 * What a preview found, or, where it failed, what git says of the change: a comment is wanted then most of all.
 * @throws UserError with the reason where git has nothing to compare with
 */
function tell(found: Preview | FailedPreview, now: Plan, planned: Changes | undefined, program: string[]): Changes {
  if ("failed" in found) {
    const summary = `the preview of ${now.environment} failed:`;
    if (planned === undefined) throw new UserError([summary, ...found.failed].join("\n"));
    console.error([summary, ...found.failed].flatMap(printableLines).join("\n"));
    return { ...planned, failed: found.failed };
  }
  const { environment, sites, broken } = now;
  // Only a location of every host is found by the address of a node.
  const needsAddress = now.sites.some(({ routes }) => routes.some(({ host }) => host === "*"));
  const addresses = needsAddress && now.nodes.some(({ machine }) => isMade(machine)) ? addressesOf(environment) : {};
  const background = { environment, addresses, plan: now, sites: sites.map(({ name }) => name), broken, program };
  return previewChanges(found, planned === undefined ? background : { ...background, planned });
}

const remarksOf = ({ warnings = [], commits }: Changes) => ({ warnings, ...(commits && { commits }) });

/** Why there is no preview, in lines. */
interface FailedPreview {
  failed: string[];
}

function askPreview(environment: string): Preview | FailedPreview {
  const words = ["preview", "--json", "--non-interactive", ...stackWords(environment)];
  // It contains the scripts and the state of each node.
  const run = spawnSync("pulumi", words, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 30 });
  if (run.error !== undefined) throw notFound(run.error);
  const parsed = parsePreview(run.stdout);
  if (run.status === 0 && parsed?.success === true) return parsed.data;
  const told = parsed?.data === undefined ? [] : warningsOf(parsed.data);
  const said = [...told, run.stderr.trim(), ...(parsed === undefined ? [run.stdout.trim()] : [])];
  return { failed: said.flatMap((part) => (part === "" ? [] : withoutOwnSecrets(part).split("\n"))) };
}

/** What Pulumi printed as JSON; undefined where it printed something else. */
function parsePreview(text: string): ReturnType<typeof previewSchema.safeParse> | undefined {
  try {
    return previewSchema.safeParse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
