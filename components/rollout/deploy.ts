import { backOut, conclude, refuse } from "./back-out.ts";
import { handOver } from "./hand-over.ts";
import { onAll } from "./course.ts";
import type { Course } from "./course.ts";
import { Failure } from "./failure.ts";
import type { FailureDetails } from "./failure.ts";
import { olderThanLive } from "./order.ts";
import type { Outcome } from "./outcome.ts";
import type { Rollout } from "./rollout.ts";
import { settle } from "./settle.ts";
import { SiteNode } from "./site-node.ts";
import type { Bound } from "./site-node.ts";
import type { Shipment, Tools } from "./tools.ts";

/**
 * Brings a release to every node of a site: lease → reach what others run → set services up → upload → start beside the live one →
 * check → flip and watch, node by node → cut-over → finish. Up to the cut-over every failure is undone on every node.
 */
export async function deploy(rollout: Rollout, tools: Tools): Promise<Outcome> {
  const start = performance.now();
  const nodes = rollout.nodes.map((node) => new SiteNode(node, rollout, tools));
  const course = { rollout, tools, nodes, seconds: () => (performance.now() - start) / 1000 };
  try {
    return await run(course);
  } finally {
    await Promise.all(nodes.map((node) => node.close()));
  }
}

async function run(course: Course): Promise<Outcome> {
  const { rollout, tools, nodes } = course;
  const connecting = onAll(nodes, (node) => node.connect());
  // While SSH logs in.
  const shipment = await pack(rollout, tools);
  const unreached = [...(await connecting), ...("failures" in shipment ? shipment.failures : [])];
  if ("failures" in shipment || unreached.length > 0) return refuse(course, unreached);
  for (const node of nodes) {
    const [failure] = tools.stop.aborted ? [stopped(tools)] : await onAll([node], () => node.takeLease());
    if (failure !== undefined) return refuse(course, [failure]);
  }

  const older = olderThanLive(rollout, nodes);
  if (older.length > 0) return refuse(course, older);

  const away = tools.stop.aborted
    ? [stopped(tools)]
    : await onAll(
        nodes.filter((node) => node.has("service")),
        (node) => node.reach(),
      );
  if (away.length > 0) return refuse(course, away);

  const services = await setUp(course);
  if (services.failures.length > 0) return backOut(course, services.failures);
  const { bound } = services;

  const web = nodes.filter((node) => node.has("web"));
  const current = web.filter((node) => node.serves === rollout.release.id);
  const mended = services.changed;
  const unmended = await onAll(current, async (node) => {
    if (await node.mend(shipment, bound)) mended.push(node);
  });
  if (unmended.length > 0) return backOut(course, unmended);
  const silent = await silentOf(current);
  const behind = web.filter((node) => !current.includes(node) || silent.includes(node));
  if (behind.length === 0) return settleWork(course, mended.length > 0 ? "live" : "unchanged", []);
  const unprepared = await prepare(behind, shipment, bound, tools);
  if (unprepared.length > 0) return backOut(course, unprepared);
  return flipAll(course, behind);
}

/** Everything that must be ready before a node is touched. */
async function pack(rollout: Rollout, tools: Tools): Promise<Shipment | { failures: FailureDetails[] }> {
  try {
    const app = await tools.pack();
    const { release } = rollout;
    const said = { step: "pack", code: "changed", fix: "don't change files while pulumi runs" } as const;
    if (release.id !== rollout.declared) {
      const message = `this project's own files changed since the plan: they now render ${release.id}, and ${rollout.declared} was planned`;
      throw new Failure({ ...said, message });
    }
    if (app.digest !== release.bundle.digest) {
      const message = `the files of ${rollout.app} changed since the plan, which was for ${release.bundle.id}`;
      throw new Failure({ ...said, message });
    }
    if (app.config?.digest !== release.configDirectory?.digest) {
      const message = `the files of ${rollout.configDirectory ?? "the configuration directory"} changed since the plan`;
      throw new Failure({ ...said, message });
    }
    const { sets: wheels, failures } = await tools.wheels(app);
    return failures.length > 0 ? { failures } : { app, wheels };
  } catch (error) {
    if (error instanceof Failure) return { failures: [error.details] };
    throw error;
  }
}

/** Sets up the site's services on the nodes that hold them: a release needs their values before it is uploaded. */
async function setUp({ nodes, tools }: Course): Promise<{ failures: FailureDetails[]; bound: Bound; changed: SiteNode[] }> {
  const bound: Bound = {};
  const changed: SiteNode[] = [];
  const holders = nodes.filter((node) => node.has("service"));
  if (holders.length > 0 && tools.stop.aborted) return { failures: [stopped(tools)], bound, changed };
  const failures = await onAll(holders, async (node) => {
    const { changes, variables } = await node.setUp();
    if (changes.length > 0) changed.push(node);
    Object.assign(bound, variables);
  });
  return { failures, bound, changed };
}

/** Nodes that don't answer with the release they should serve. */
async function silentOf(nodes: SiteNode[]): Promise<SiteNode[]> {
  const failures = await onAll(nodes, (node) => node.check("varnish", 2));
  return nodes.filter((node) => failures.some((failure) => failure.node === node.name));
}

async function prepare(nodes: SiteNode[], shipment: Shipment, bound: Bound, tools: Tools): Promise<FailureDetails[]> {
  const failing = new AbortController();
  const stop = AbortSignal.any([tools.stop, failing.signal]);
  const failures = await onAll(nodes, async (node) => {
    try {
      await node.prepare(shipment, bound, stop);
    } catch (error) {
      // A failure on one node makes trying the others pointless.
      failing.abort();
      throw error;
    }
  });
  if (tools.stop.aborted) return [stopped(tools)];
  const causes = failures.filter((failure) => failure.code !== "stopped");
  return causes.length > 0 ? causes : failures;
}

/** Sends visitors to the release, one node after the other, and checks on each that it answers. */
async function flipAll(course: Course, behind: SiteNode[]): Promise<Outcome> {
  const { tools } = course;
  for (const node of behind) {
    if (tools.stop.aborted) return backOut(course, [stopped(tools)]);
    const failures = await onAll([node], async () => {
      await node.flip();
      await node.check("varnish");
    });
    if (failures.length > 0) return backOut(course, failures);
  }
  return tools.stop.aborted ? backOut(course, [stopped(tools)]) : cutOver(course, behind);
}

/**
 * Tells all nodes at once not to go back on their own any more. A node that has not received this goes back when this program
 * dies: so the message is short, comes last, and is written to all sessions before any answer is read.
 */
async function cutOver(course: Course, behind: SiteNode[]): Promise<Outcome> {
  const { rollout, tools } = course;
  const failures = await onAll(behind, (node) => node.cutOver());
  // The node answers, so it could not note it down.
  const cannot = failures.some((failure) => behind.some((node) => node.name === failure.node && node.isLeased()));
  // The node died meanwhile: only it knows whether it received the message.
  await Promise.all(behind.filter((node) => !node.isLeased()).map((node) => settle(node, tools)));
  if (!cannot && behind.every((node) => node.serves === rollout.release.id)) return settleWork(course, "live", failures);
  // No data was migrated, so the code may go back even now, and all nodes stay on one release.
  return backOut(course, failures);
}

/** Passes the workers on, now that the release stays: one that does not run takes no visitor's answer away. */
async function settleWork(course: Course, wanted: "live" | "unchanged", before: FailureDetails[]): Promise<Outcome> {
  const { failures, changed } = await handOver(course);
  if (failures.length > 0) return conclude(course, "live-failing", [...failures, ...before]);
  return conclude(course, changed ? "live" : wanted, before);
}

const stopped = (tools: Tools): FailureDetails => ({
  step: "stop",
  code: "stopped",
  message: `stopped: ${String(tools.stop.reason)}`,
});
