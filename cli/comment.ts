import { blockedBy, isUnexplained, type BlockingWord, type Change, type Changes } from "../components/plan/changes.ts";
import type { Detail } from "../components/plan/changes-site.ts";
import { placeText } from "../components/text/code-frame.ts";
import { isError, type Issue } from "../components/text/issue.ts";
import { printable, printableLines } from "../components/text/printable.ts";

/** The decision about changes. */
export interface Decision {
  /** What blocks it and was not accepted, each with its subject: `REPLACED web1`. */
  stopped: string[];
  canMerge: boolean;
}

/**
 * Whether changes may go in: never with a broken site, a refused or an unexplained change, or when the preview failed; with a blocking
 * word only if a person accepted it.
 */
export function decide({ changes, broken, notJudged, unread, failed }: Changes, accepted: readonly string[]): Decision {
  const blocked = changes.flatMap((change) => blockedBy(change).map((word) => ({ word, change })));
  const stopped = [
    ...blocked.filter(({ word }) => !accepted.includes(word)).map(({ word, change }) => `${word} ${change.name}`),
    ...(notJudged === undefined || accepted.includes("PROGRAM") ? [] : [`PROGRAM ${notJudged.join(", ")}`]),
    ...changes.filter(isRefused).map(({ name }) => `refused ${name}`),
    ...changes.filter(isUnexplained).map(({ name }) => `unexplained ${name}`),
    ...broken.map(({ name }) => `broken ${name}`),
    ...(unread === undefined ? [] : ["the base can't be planned"]),
    ...(failed === undefined ? [] : ["the preview failed"]),
  ];
  return { stopped, canMerge: stopped.length === 0 };
}

const isRefused = ({ losses = [] }: Change): boolean => losses.some(({ refused }) => refused !== undefined);

/** The changes as lines: first the decision, then each site and node, broken ones first, then what runs. */
export function renderChanges(changes: Changes, accepted: readonly string[]): string[] {
  const all = changes.changes;
  const rest = changes.notJudged === undefined ? "unchanged" : "not judged";
  const names = [...[...changes.broken, ...all].map(({ name }) => name), ...(changes.untouched.length === 0 ? [] : [rest])];
  const width = Math.max(0, ...names.map((name) => name.length)) + 2;
  return [
    headline(changes, accepted),
    ...changes.broken.flatMap((site) => brokenLines(site, width)),
    ...all.flatMap((change) => changeLines(change, width)),
    ...(changes.untouched.length === 0 ? [] : [`${rest.padEnd(width)}${changes.untouched.join(", ")}`]),
    ...(changes.warnings ?? []).map((warning) => `⚠ ${warning}`),
    ...(changes.unread === undefined
      ? []
      : ["✘ the base can't be planned; what is above is what Pulumi says:", ...changes.unread.map((line) => `  ${line}`)]),
    ...(changes.failed === undefined
      ? []
      : ["✘ the preview failed; what is above is what git says:", ...changes.failed.map((line) => `  ${line}`)]),
    ...(all.length === 0 ? [] : ["Runs:", ...all.flatMap((change) => runLines(change))]),
  ].map(printable);
}

/**
 * The comment on a pull request: what a person reads first is open, the full diff is folded. The program that posts it finds the one of
 * this environment again by its first line.
 * @param diff lines of a diff, without secrets
 */
export function renderMarkdown(changes: Changes, accepted: readonly string[], diff: readonly string[]): string {
  const [headline = "", ...rest] = renderChanges(changes, accepted);
  const lines = bounded(rest, mostOfLines);
  const more = bounded(diff, mostOfDiff);
  return [
    markOf(changes.environment),
    `**${shortened(headline, mostOfLine)}**`,
    ...(lines.length === 0 ? [] : ["", fenced(lines, "text")]),
    ...(changes.commits === undefined ? [] : ["", rangeText(changes.commits)]),
    ...(more.length === 0 ? [] : ["", "<details><summary>full diff</summary>", "", fenced(more, "diff"), "", "</details>"]),
    "",
  ].join("\n");
}

/**
 * The comment where an environment could not be planned, found again like the other one.
 * @param found what is wrong, in lines (`told`) and as errors at their places; `next` says what to do, in Markdown
 */
export function renderNotPlanned(
  environment: string,
  { told, issues, next }: { told: string; issues: readonly Issue[]; next: string },
): string {
  const errors = issues.flatMap(({ code, place, message, fix }) => [
    `${placeText(place)} [${code}] ${message}`,
    ...(fix === undefined ? [] : [`  ${fix}`]),
  ]);
  const lines = bounded([...told.split("\n"), ...errors].flatMap(printableLines), mostOfLines);
  return [
    markOf(environment),
    `**${environment} · not planned · ✘ what would change is unknown**`,
    "",
    fenced(lines, "text"),
    "",
    next,
    "",
  ].join("\n");
}

/** The first line of a comment: by it the program that posts it finds the one of an environment again. */
const markOf = (environment: string): string => `<!-- silver ${environment} -->`;

/** Bytes of the parts of a comment, which has room for 65,536 characters at GitHub. */
const mostOfLines = 30_000;
const mostOfDiff = 25_000;
/** Characters of one line. */
const mostOfLine = 1_000;

/** As many lines as there is room for, and how many are left out. */
function bounded(lines: readonly string[], most: number): string[] {
  let left = most;
  const kept = lines.map((line) => shortened(line, mostOfLine)).filter((line) => (left -= Buffer.byteLength(line) + 1) > 0);
  const out = lines.length - kept.length;
  return out === 0 ? kept : [...kept, `… and ${out} more ${out === 1 ? "line" : "lines"}: the log of the job has all`];
}

function shortened(line: string, most: number): string {
  return line.length > most
    ? `${Array.from(line)
        .slice(0, most - 1)
        .join("")}…`
    : line;
}

function headline(changes: Changes, accepted: readonly string[]): string {
  const all = changes.changes;
  const sites = all.filter(({ subject }) => subject === "site").length;
  const replaced = withWord(all, "REPLACED");
  const data = withWord(all, "DATA");
  const retired = withWord(all, "RETIRED");
  const { stopped } = decide(changes, accepted);
  const isJudged = changes.notJudged === undefined;
  const count = `${sites} ${sites === 1 ? "site changes" : "sites change"}`;
  return [
    changes.environment,
    // What a program would do that did not run here is unknown: nothing is said to stay as it is.
    ...(changes.notJudged === undefined ? [] : [`not judged: ${changes.notJudged.join(", ")} changed`]),
    ...(isJudged ? [`${count}, ${changes.untouched.length} untouched`] : sites > 0 ? [count] : []),
    ...(replaced === "" ? (isJudged ? ["no machine replaced"] : []) : [`REPLACED ${replaced}`]),
    ...(data === "" ? (isJudged ? ["no data touched"] : []) : [`DATA ${data}`]),
    ...(retired === "" ? [] : [`RETIRED ${retired}`]),
    stopped.length === 0 ? "✔ can merge" : `✘ ${stopped.join(", ")}`,
  ].join(" · ");
}

function withWord(changes: Change[], word: BlockingWord): string {
  return changes
    .filter((change) => blockedBy(change).includes(word))
    .map(({ name }) => name)
    .join(", ");
}

function changeLines(change: Change, width: number): string[] {
  const below = " ".repeat(width);
  const topics = [...Map.groupBy(change.details, ({ about }) => about)];
  const told = (change.losses ?? []).flatMap(({ data }) => data);
  const left = change.data.filter((service) => !told.includes(service));
  const hasMore = change.why.length > 0 || change.urls !== undefined;
  const widest = Math.max(hasMore ? 3 : 0, ...topics.map(([about]) => about.length)) + 2;
  return [
    `${change.name.padEnd(width)}${[whatHappens(change), ...blockedBy(change), ...change.notes].join("   ")}`,
    ...topics.flatMap(([about, details]) => topicLines(details).map((line) => `${below}${about.padEnd(widest)}${line}`)),
    ...(change.urls === undefined ? [] : [`${below}${"url".padEnd(widest)}${change.urls.join("   ")}`]),
    ...(change.why.length > 0 ? [`${below}${"why".padEnd(widest)}${change.why.join("; ")}`] : []),
    ...(change.losses ?? []).flatMap(({ message, refused }) => [
      `${below}${refused === undefined ? "" : "refused: "}${message}`,
      ...(refused === undefined ? [] : [`${below}  ${refused}`]),
    ]),
    ...(left.length > 0 ? [`${below}leaves data of ${left.join(", ")} behind`] : []),
    ...(isUnexplained(change) ? [`${below}unexplained`] : []),
  ];
}

/** The details of one kind: on one line, unless that may be cut. A long value must not hide the others. */
function topicLines(details: readonly Detail[]): string[] {
  const each = details.map(detailText);
  const all = each.join("   ");
  return all.length > mostOfLine / 2 ? each : [all];
}

/** A site's issues, without frames, which are shown next to it. */
function brokenLines({ name, issues }: Changes["broken"][number], width: number): string[] {
  const below = " ".repeat(width);
  return [
    `${name.padEnd(width)}broken: stays as it is`,
    ...issues.filter(isError).map(({ code, place, message }) => `${below}${placeText(place)} [${code}] ${message}`),
  ];
}

function whatHappens({ subject, kind, from, to }: Change): string {
  if (kind === "added") return `new ${subject}, ${to ?? ""}`;
  if (kind === "removed") return from === undefined ? `${subject} removed` : `${subject} removed, was ${from}`;
  if (from === undefined || to === undefined) return `${subject} ${kind}`;
  const step = from === to ? to : `${from} → ${to}`;
  return subject === "node" ? `node ${kind}, ${step}` : step;
}

function detailText({ name, from, to }: Detail): string {
  if (name === undefined) return from === undefined ? (to ?? "") : `${from} → ${to ?? "none"}`;
  if (from !== undefined && to !== undefined) return from === to ? `~ ${name}` : `~ ${name} ${from} → ${to}`;
  const value = from ?? to ?? "";
  return `${to === undefined ? "−" : "+"} ${value === name ? name : `${name} ${value}`}`;
}

function runLines(change: Change): string[] {
  const topics = [...new Set(change.details.map(({ about }) => about))];
  const whys = change.kind === "changed" ? [...topics, ...change.why] : [change.kind];
  return change.runs.map((run) => `  ${run}: ${whys.length === 0 ? "unexplained" : whys.join(", ")}`);
}

/** The commits that the comment is about, as git and the pages of most hosts take them. */
function rangeText({ base, head }: NonNullable<Changes["commits"]>): string {
  const [from, to] = [base, head].map((commit) => commit?.slice(0, 10));
  return to === undefined ? `Since \`${from ?? ""}\`.` : `\`${from ?? ""}..${to}\``;
}

/** A code block that its content can't close. */
function fenced(lines: readonly string[], language: string): string {
  const longest = Math.max(2, ...lines.flatMap((line) => line.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  return [`${fence}${language}`, ...lines.map(printable), fence].join("\n");
}
