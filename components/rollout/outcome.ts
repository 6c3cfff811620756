import type { Answer, Verdict } from "../node/contract.ts";
import { answersText } from "./answers-text.ts";
import { readableBody, readableLog } from "./app-log.ts";
import type { FailureCode, FailureDetails } from "./failure.ts";
import type { Rollout } from "./rollout.ts";

/** How a rollout ended. */
export interface Outcome {
  verdict: Verdict;
  /** What went wrong, the cause first; empty for `live` and `unchanged`. */
  failures: FailureDetails[];
  /** What each node serves: undefined when it did not answer. */
  nodes: {
    name: string;
    serves: string | null | undefined;
    /** What the release answered to its check, one for each location; empty where it did not pass. */
    answers: readonly Answer[];
  }[];
}

/** With these the command succeeds. */
export const succeeded = (verdict: Verdict): boolean => verdict === "live" || verdict === "unchanged";

/** What the summary needs of a rollout. */
type Summarized = Pick<Rollout, "site" | "app" | "check" | "release">;

/** Characters of an answer's body that are shown at most. */
const bodyLength = 500;

/** The summary at the end: verdict, cause, what serves now, what to do. */
export function renderOutcome(outcome: Outcome, rollout: Summarized): string[] {
  const { verdict, failures, nodes } = outcome;
  const first = failures[0];
  const isLive = nodes.length > 0 && nodes.every(({ serves }) => serves === rollout.release.id);
  const said =
    verdict === "refused" && isLive
      ? refusedLive
      : verdict === "live-failing" && first?.step === "work"
        ? idle
        : meaning[verdict];
  const text = said.replace("{release}", rollout.release.id).replace("{before}", whatServesAgain(nodes));
  const head = `${rollout.site}: ${verdict}. ${text}`;
  return [
    head,
    ...failures.flatMap((failure, index) => renderFailure(failure, failures.slice(0, index))),
    ...nodes.map((node) => `  ${node.name} ${servedBy(node.serves)}${passedBy(node, rollout)}`),
    ...(first === undefined ? [] : [`  next: ${nextStep(first, verdict, rollout)}`]),
  ];
}

const meaning: Record<Verdict, string> = {
  live: "{release} serves.",
  unchanged: "{release} already serves, and answers.",
  refused: "Nothing was changed; {release} was not rolled out.",
  reverted: "Rolled back: {before}.",
  "live-failing": "{release} serves on every node, and fails.",
  split: "The nodes serve different releases.",
  unknown: "A node does not answer, so what it serves is unknown.",
};

/** Where a rollout was to restore or check what serves already. */
const refusedLive = "Nothing was changed; {release} still serves.";

/** Where the site serves, and what works beside it does not. */
const idle = "{release} serves on every node, but some of its workers do not run.";

/** The state after a rollout was undone. */
function whatServesAgain(nodes: Outcome["nodes"]): string {
  const [one, ...others] = new Set(nodes.map(({ serves }) => serves));
  if (others.length > 0) return "each node serves what it served before";
  return one ? `${one} still serves` : "nothing serves yet";
}

const servedBy = (serves: string | null | undefined): string =>
  serves === undefined ? "did not answer: what it serves is unknown" : `serves ${serves ?? "nothing yet"}`;

/** Which answer passed, where the app declares none: a person decides whether it was the right one. */
function passedBy({ serves, answers }: Outcome["nodes"][number], { check, release }: Summarized): string {
  const isDeclared = check.status !== undefined;
  return isDeclared || serves !== release.id || answers.length === 0 ? "" : `; ${answersText(answers)}`;
}

/** @param before failures shown already: their log lines are not repeated */
function renderFailure(failure: FailureDetails, before: readonly FailureDetails[]): string[] {
  const { node, step, message, answer, holder } = failure;
  const body = readableBody(answer?.body ?? "", bodyLength);
  const log = readableLog(failure.log ?? []);
  const told = before.some((other) => readableLog(other.log ?? []).join("\n") === log.join("\n"));
  return [
    `  ${node === undefined ? step : `${node}, ${step}`}: ${message}`,
    ...(holder === undefined
      ? []
      : [`  ${holder.who} (process ${holder.pid}) has held the lease since ${holder.since}, for ${holder.release}`]),
    ...(body === "" ? [] : ["  it answered:", ...indent(body.split(/\r?\n/))]),
    ...(log.length === 0 ? [] : ["  from its log:", ...(told ? ["    the same as above"] : indent(log))]),
  ];
}

const indent = (lines: readonly string[]): string[] => lines.map((line) => `    ${line}`);

/** The app itself is at fault and must change. */
const appsFault = new Set<FailureCode>(["start", "check", "package"]);

function nextStep(first: FailureDetails, verdict: Verdict, rollout: Pick<Rollout, "app">): string {
  if (first.fix !== undefined) return `${first.fix}; then pulumi up`;
  if (first.code === "leased") return "wait until that rollout has ended, then pulumi up";
  if (verdict === "unknown") return "bring the silent node up, then pulumi up";
  if (appsFault.has(first.code)) return `fix ${rollout.app}, then pulumi up`;
  return "pulumi up";
}
