import { blockedBy, isUnexplained, type BlockingWord, type Change, type Changes } from "../components/plan/changes.ts";
import type { Detail } from "../components/plan/changes-site.ts";
import { placeText } from "../components/text/code-frame.ts";
import { isError } from "../components/text/issue.ts";

/** The decision about changes. */
export interface Decision {
  /** What blocks it and was not accepted, each with its subject: `REPLACED web1`. */
  stopped: string[];
  canMerge: boolean;
}

/** Whether changes may go in: never with a broken site or an unexplained change; with a blocking word only if a person accepted it. */
export function decide({ changes, broken }: Changes, accepted: readonly string[]): Decision {
  const blocked = changes.flatMap((change) => blockedBy(change).map((word) => ({ word, change })));
  const stopped = [
    ...blocked.filter(({ word }) => !accepted.includes(word)).map(({ word, change }) => `${word} ${change.name}`),
    ...changes.filter(isUnexplained).map(({ name }) => `unexplained ${name}`),
    ...broken.map(({ name }) => `broken ${name}`),
  ];
  return { stopped, canMerge: stopped.length === 0 };
}

/** The changes as lines: first the decision, then each site and node, broken ones first, then what runs. */
export function renderChanges(changes: Changes, accepted: readonly string[]): string[] {
  const all = changes.changes;
  const names = [
    ...[...changes.broken, ...all].map(({ name }) => name),
    ...(changes.untouched.length === 0 ? [] : ["unchanged"]),
  ];
  const width = Math.max(0, ...names.map((name) => name.length)) + 2;
  return [
    headline(changes, accepted),
    ...changes.broken.flatMap((site) => brokenLines(site, width)),
    ...all.flatMap((change) => changeLines(change, width)),
    ...(changes.untouched.length === 0 ? [] : [`${"unchanged".padEnd(width)}${changes.untouched.join(", ")}`]),
    ...(changes.warnings ?? []).map((warning) => `⚠ ${warning}`),
    ...(all.length === 0 ? [] : ["Runs:", ...all.flatMap((change) => runLines(change))]),
  ];
}

/**
 * The comment on a pull request: what a person reads first is open, the full diff is folded. The program that posts it finds the one of
 * this environment again by its first line.
 * @param diff lines of a diff, without secrets
 */
export function renderMarkdown(changes: Changes, accepted: readonly string[], diff: readonly string[]): string {
  const [headline = "", ...lines] = renderChanges(changes, accepted);
  return [
    `<!-- silver ${changes.environment} -->`,
    `**${headline}**`,
    ...(lines.length === 0 ? [] : ["", fenced(lines, "text")]),
    ...(diff.length === 0 ? [] : ["", "<details><summary>full diff</summary>", "", fenced(diff, "diff"), "", "</details>"]),
    "",
  ].join("\n");
}

function headline(changes: Changes, accepted: readonly string[]): string {
  const all = changes.changes;
  const sites = all.filter(({ subject }) => subject === "site").length;
  const replaced = withWord(all, "REPLACED");
  const data = withWord(all, "DATA");
  const retired = withWord(all, "RETIRED");
  const { stopped } = decide(changes, accepted);
  return [
    changes.environment,
    `${sites} ${sites === 1 ? "site changes" : "sites change"}, ${changes.untouched.length} untouched`,
    replaced === "" ? "no machine replaced" : `REPLACED ${replaced}`,
    data === "" ? "no data touched" : `DATA ${data}`,
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
  const widest = Math.max(0, ...topics.map(([about]) => about.length), change.why.length > 0 ? 3 : 0) + 2;
  return [
    `${change.name.padEnd(width)}${[whatHappens(change), ...blockedBy(change), ...change.notes].join("   ")}`,
    ...topics.map(([about, details]) => `${below}${about.padEnd(widest)}${details.map(detailText).join("   ")}`),
    ...(change.why.length > 0 ? [`${below}${"why".padEnd(widest)}${change.why.join("; ")}`] : []),
    ...(change.data.length > 0 ? [`${below}leaves data of ${change.data.join(", ")} behind`] : []),
    ...(isUnexplained(change) ? [`${below}unexplained`] : []),
  ];
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
  if (kind === "removed") return `${subject} removed, was ${from ?? ""}`;
  if (from === undefined || to === undefined) return `${subject} ${kind}`;
  const step = from === to ? to : `${from} → ${to}`;
  return subject === "node" ? `node ${kind}, ${step}` : step;
}

function detailText({ name, from, to }: Detail): string {
  if (name === undefined) return from === undefined ? (to ?? "") : `${from} → ${to ?? "none"}`;
  if (from !== undefined && to !== undefined) return `~ ${name} ${from} → ${to}`;
  const value = from ?? to ?? "";
  return `${to === undefined ? "-" : "+"} ${value === name ? name : `${name} ${value}`}`;
}

function runLines(change: Change): string[] {
  const topics = [...new Set(change.details.map(({ about }) => about))];
  const whys = change.kind === "changed" ? [...topics, ...change.why] : [change.kind];
  return change.runs.map((run) => `  ${run}: ${whys.length === 0 ? "unexplained" : whys.join(", ")}`);
}

/** A code block that its content can't close. */
function fenced(lines: readonly string[], language: string): string {
  const longest = Math.max(2, ...lines.flatMap((line) => line.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  return [`${fence}${language}`, ...lines, fence].join("\n");
}
