import type { Verdict } from "../node/contract.ts";
import { onAll } from "./course.ts";
import type { Course } from "./course.ts";
import type { FailureCode, FailureDetails } from "./failure.ts";
import type { Outcome } from "./outcome.ts";
import { settle } from "./settle.ts";

/** Ends a rollout that has changed nothing yet: ending the sessions releases the leases. */
export async function refuse(course: Course, failures: FailureDetails[]): Promise<Outcome> {
  await onAll(
    course.nodes.filter((node) => node.serves === undefined),
    (node) => node.readStatus(),
  );
  return outcome(course, "refused", failures);
}

/** Undoes a rollout on every node, and says how far that got. */
export async function backOut(course: Course, failures: FailureDetails[]): Promise<Outcome> {
  const { nodes, tools } = course;
  const reason = failures[0]?.message ?? "";
  const notUndone = await Promise.all(
    nodes.map(async (node) => {
      if (!node.isLeased()) {
        await settle(node, tools);
        return [];
      }
      const problems = await onAll([node], () => node.undo(reason));
      if (!node.isLeased()) await settle(node, tools);
      else if (problems.length > 0) await onAll([node], () => node.readStatus());
      return problems.filter(({ code }) => code !== "lost");
    }),
  );
  await finish(course, verdictOfUndo(course, failures), reason);
  return outcome(course, verdictOfUndo(course, failures), [...failures, ...notUndone.flat()]);
}

/** Ends a rollout that goes only forward; with the verdict wanted only when every node serves the release. */
export async function conclude(
  course: Course,
  wanted: "live" | "unchanged" | "live-failing",
  failures: FailureDetails[],
): Promise<Outcome> {
  const { nodes, tools } = course;
  await Promise.all(nodes.filter((node) => !node.isLeased()).map((node) => settle(node, tools)));
  const reason = wanted === "live-failing" ? (failures[0]?.message ?? null) : null;
  const unfinished = await finish(course, verdictOfGoing(course, wanted), reason);
  // A node that missed the request to finish undoes the rollout when its session ends: ask it after that.
  await Promise.all(
    nodes.filter((node) => unfinished.some((failure) => failure.node === node.name)).map((node) => settle(node, tools)),
  );
  return outcome(course, verdictOfGoing(course, wanted), [...failures, ...unfinished]);
}

/** Failures of the node, of the way to it or of the configuration, or nobody's: never the bundle's. */
const refusals = new Set<FailureCode>([
  ...(["no-space", "service", "file", "unit", "vcl", "internal"] as const),
  ...(["unreachable", "lost", "lease-lost", "upload", "protocol"] as const),
  ...(["bundle-differs", "os-differs", "usage", "config"] as const),
]);

/** The nodes that serve visitors: one that only holds services serves no release. */
const web = ({ nodes }: Course) => nodes.filter((node) => node.has("web"));

function verdictOfUndo(course: Course, failures: FailureDetails[]): Verdict {
  const { rollout } = course;
  const nodes = web(course);
  if (nodes.some((node) => node.serves === undefined)) return "unknown";
  const isEverywhere = nodes.every((node) => node.serves === rollout.release.id);
  if (nodes.every((node) => node.serves === node.before)) {
    if (failures.every(({ code }) => refusals.has(code))) return "refused";
    // It was live before this rollout, which found it failing.
    return isEverywhere ? "live-failing" : "reverted";
  }
  return isEverywhere ? "live-failing" : "split";
}

function verdictOfGoing(course: Course, wanted: Verdict): Verdict {
  const { rollout } = course;
  const nodes = web(course);
  if (nodes.some((node) => node.serves === undefined)) return "unknown";
  return nodes.every((node) => node.serves === rollout.release.id) ? wanted : "split";
}

/** Tells every node how the rollout ended. An unreachable one decides for itself when its session ends: ask it after that. */
async function finish({ nodes, seconds, tools }: Course, verdict: Verdict, reason: string | null): Promise<FailureDetails[]> {
  const failures = await onAll(
    nodes.filter((node) => node.isLeased()),
    (node) => node.finish(verdict, reason, seconds()),
  );
  const unreached = nodes.filter((node) => failures.some((failure) => failure.node === node.name));
  await Promise.all(unreached.map((node) => settle(node, tools)));
  return failures;
}

const outcome = (course: Course, verdict: Verdict, failures: FailureDetails[]): Outcome => ({
  verdict,
  failures: verdict === "live" || verdict === "unchanged" ? [] : failures,
  nodes: web(course).map(({ name, serves, answers }) => ({ name, serves, answers })),
});
