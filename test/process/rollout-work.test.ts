// Workers over a whole rollout: on one node, in one release, whatever fails and whoever is killed.
import { expect, test } from "vitest";
import { deploy } from "../../components/rollout/deploy.ts";
import { renderOutcome } from "../../components/rollout/outcome.ts";
import { rollOut, toolsOver, useFakeNodes } from "../support/declared.ts";
import type { Declared, Nodes, Wanted } from "../support/declared.ts";
import { killAtEachCall } from "../support/killed-driver.ts";

const { boot, declare } = useFakeNodes();
const working = "#!/bin/sh\nexec sleep 1000\n";
const older = declare("1.0.0", { worker: working });
const newer = declare("1.1.0", { worker: working });
const idle = declare("1.2.0");
const ending = declare("1.3.0", { worker: "#!/bin/sh\n# Ends as it starts.\n" });
const names = ["web1", "web2"];
const idOf = (declared: Declared): string => declared.rollout(names).declared;

const twoNodes = async (live: Declared | null, ways: Record<string, Partial<Wanted>> = {}) => {
  const nodes = await boot({ web1: { live: null }, web2: { live: null } });
  if (live !== null) expect((await rollOut(nodes, live)).verdict).toBe("live");
  for (const [name, node] of Object.entries(nodes)) node.lay(ways[name] ?? {});
  return nodes;
};

/** The releases whose workers run on each node, each of them whole. */
const works = (nodes: Nodes): Promise<string[][]> =>
  Promise.all(
    Object.values(nodes).map(async (node) => {
      expect(await node.run("ran-together")).toBe("");
      const running = (await node.run("list-units", "silver-worker-hello.*")).split("\n").filter((name) => name !== "");
      const releases = [...new Set(running.map((name) => name.replace(/^.*@(.*)\.service$/, "$1")))];
      expect(running).toHaveLength(2 * releases.length);
      // The times of its job are those of the same release.
      const timers = (await node.run("list-units", "silver-cron-hello.*.timer")).split("\n").filter((name) => name !== "");
      expect(timers).toEqual(releases.map((release) => `silver-cron-hello.daily@${release}.timer`));
      return releases;
    }),
  );

test("the first node alone runs them, in the release that serves", async () => {
  const nodes = await twoNodes(older);
  expect(await works(nodes)).toEqual([[idOf(older)], []]);
  expect((await rollOut(nodes, newer)).verdict).toBe("live");
  expect(nodes.web1.calls.slice(-3)).toEqual(["flip last", "hand-over", "finish"]);
  expect(nodes.web2.calls).not.toContain("hand-over");
  expect(await works(nodes)).toEqual([[idOf(newer)], []]);
  expect((await rollOut(nodes, newer)).verdict).toBe("unchanged");
  expect((await rollOut(nodes, older)).verdict).toBe("live");
  expect(await works(nodes)).toEqual([[idOf(older)], []]);
  expect((await rollOut(nodes, idle)).verdict).toBe("live");
  expect(await works(nodes)).toEqual([[], []]);
});

test("a rollout that goes back never touches them", async () => {
  const nodes = await twoNodes(older, { web2: { faults: [{ verb: "check", on: "varnish", kind: "not-ok", times: 9 }] } });
  expect((await rollOut(nodes, newer)).verdict).toBe("reverted");
  expect(await works(nodes)).toEqual([[idOf(older)], []]);
  expect(nodes.web1.calls).not.toContain("hand-over");
});

test("where they end as they start, the site serves and the rollout has failed, until they are right", async () => {
  const nodes = await twoNodes(older);
  for (const time of ["the first time", "and again"]) {
    const outcome = await rollOut(nodes, ending);
    expect(outcome, time).toMatchObject({ verdict: "live-failing", failures: [{ node: "web1", step: "work", code: "start" }] });
    const summary = renderOutcome(outcome, ending.rollout(names));
    expect(summary).toEqual([
      `hello: live-failing. ${idOf(ending)} serves on every node, but some of its workers do not run.`,
      `  web1, work: silver-worker-hello.mail-1@${idOf(ending)}.service ended, and was started again once; 1 more fails the same way`,
      "  from its log:",
      "    mail: nothing to do",
      `  web1 serves ${idOf(ending)}`,
      `  web2 serves ${idOf(ending)}`,
      "  next: fix apps/hello, then pulumi up",
    ]);
  }
  const fixed = declare("1.4.0", { worker: working });
  expect((await rollOut(nodes, fixed)).verdict).toBe("live");
  expect(await works(nodes)).toEqual([[idOf(fixed)], []]);
});

test("another node takes them over once they have ended on the first", async () => {
  const nodes = await twoNodes(older);
  const { release, ...rollout } = older.rollout(names);
  const moved = rollout.nodes.map((node) => ({
    ...node,
    roles: node.name === "web2" ? ["web" as const, "work" as const] : ["web" as const],
  }));
  const outcome = await deploy({ ...rollout, release, nodes: moved }, toolsOver(nodes, older));
  expect(outcome.verdict).toBe("live");
  expect(await works(nodes)).toEqual([[], [idOf(older)]]);
  for (const node of Object.values(nodes)) expect(node.calls.slice(-2)).toEqual(["hand-over", "finish"]);
});

test("a node that dies once it has heard of the cut-over hands over by itself", async () => {
  const nodes = await twoNodes(older, { web1: { faults: [{ verb: "flip", on: "last", kind: "die-after" }] } });
  expect((await rollOut(nodes, newer)).verdict).toBe("live");
  expect(await works(nodes)).toEqual([[idOf(newer)], []]);
});

test("a driver killed at any moment leaves workers of one release, the one that serves", async () => {
  const nodes = await twoNodes(older);
  const next = (call: number) => declare(`1.${call + 10}.0`, { worker: working });
  const { outcome, killedAt } = await killAtEachCall(nodes, next, async (killedOne, at) => {
    expect(await works(nodes), at).toEqual([[await nodes.web1.live()], []]);
    for (const node of Object.values(nodes)) node.lay({});
    expect(["live", "unchanged"], at).toContain((await rollOut(nodes, killedOne)).verdict);
    expect(await works(nodes), at).toEqual([[idOf(killedOne)], []]);
  });
  expect(outcome.verdict).toBe("live");
  expect(killedAt.length).toBeGreaterThanOrEqual(12);
  expect(killedAt).toContain("hand-over on web1");
}, 120_000);
