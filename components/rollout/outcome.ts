import type { Verdict } from "../node/contract.ts";
import { readableBody, readableLog } from "./app-log.ts";
import type { FailureCode, FailureDetails } from "./failure.ts";
import type { Rollout } from "./rollout.ts";

/** How a rollout ended. */
export interface Outcome {
  verdict: Verdict;
  /** What went wrong, the cause first; empty for `live` and `unchanged`. */
  failures: FailureDetails[];
  /** What each node serves, as far as is known: undefined where it could not be asked. */
  nodes: { name: string; serves: string | null | undefined }[];
}

/** Only these let the command succeed. */
export const succeeded = (verdict: Verdict): boolean => verdict === "live" || verdict === "unchanged";

/** Longest piece of an answer's body that is shown, in characters. */
const bodyLength = 500;

/** The summary a person reads last: verdict, cause, what serves now, what to do. */
export function renderOutcome(outcome: Outcome, rollout: Pick<Rollout, "site" | "app" | "release">): string[] {
  const { verdict, failures, nodes } = outcome;
  const first = failures[0];
  const head = `${rollout.site}: ${verdict}. ${meaning[verdict].replace("{release}", rollout.release.id)}`;
  return [
    head,
    ...failures.flatMap((failure, index) => renderFailure(failure, failures.slice(0, index))),
    ...nodes.map(
      (node) => `  ${node.name} serves ${node.serves === undefined ? "what is not known" : (node.serves ?? "nothing yet")}`,
    ),
    ...(first === undefined ? [] : [`  next: ${nextStep(first, verdict, rollout)}`]),
  ];
}

const meaning: Record<Verdict, string> = {
  live: "{release} serves.",
  unchanged: "{release} served already, and answers.",
  refused: "Nothing was touched; {release} was not rolled out.",
  reverted: "All is as before; {release} was not let in.",
  "live-failing": "{release} serves on every node, is not what the check wants, and could not go back.",
  split: "The nodes differ: not all of them serve the same release.",
  unknown: "A node is silent: what it serves is not known.",
};

/** @param before failures told already: what was read there need not be read again */
function renderFailure(failure: FailureDetails, before: readonly FailureDetails[]): string[] {
  const { node, step, message, answer, holder } = failure;
  const body = readableBody(answer?.body ?? "", bodyLength);
  const log = readableLog(failure.log ?? []);
  const told = before.some((other) => readableLog(other.log ?? []).join("\n") === log.join("\n"));
  return [
    `  ${node === undefined ? step : `${node}, ${step}`}: ${message}`,
    ...(holder === undefined
      ? []
      : [`  it is held by ${holder.who} (process ${holder.pid}) since ${holder.since}, for ${holder.release}`]),
    ...(body === "" ? [] : ["  it answered:", ...indent(body.split("\n"))]),
    ...(log.length === 0 ? [] : ["  its last log lines:", ...(told ? ["    the same as above"] : indent(log))]),
  ];
}

const indent = (lines: readonly string[]): string[] => lines.map((line) => `    ${line}`);

/** Where the app itself is at fault, it is the app that must change. */
const appsFault = new Set<FailureCode>(["start", "check", "package", "vcl"]);

function nextStep(first: FailureDetails, verdict: Verdict, rollout: Pick<Rollout, "app">): string {
  if (first.fix !== undefined) return `${first.fix}; then pulumi up`;
  if (first.code === "leased") return "wait until that rollout has ended, then pulumi up";
  if (verdict === "unknown") return "see that the silent node is up, then pulumi up";
  if (appsFault.has(first.code)) return `put ${rollout.app} right, then pulumi up`;
  return "pulumi up";
}
