import fc from "fast-check";
import { expect, test } from "vitest";
import { agentError } from "../../components/node/contract.ts";
import type { AgentError, Verb } from "../../components/node/contract.ts";
import type { Channel } from "../../components/rollout/channel.ts";
import { deploy } from "../../components/rollout/deploy.ts";
import { renderOutcome } from "../../components/rollout/outcome.ts";
import { Session } from "../../components/rollout/session.ts";
import { fakeChannel, fakeNode } from "../support/fake-agent.ts";
import type { FakeNode, Fault } from "../support/fake-agent.ts";
import { aRollout, fakeTools, newRelease, oldRelease } from "../support/rollout-fixture.ts";

type Fakes = Record<string, FakeNode>;
const twoNodes = (web1: Partial<FakeNode> = {}, web2: Partial<FakeNode> = {}): { web1: FakeNode; web2: FakeNode } => ({
  web1: fakeNode({ live: oldRelease, ...web1 }),
  web2: fakeNode({ live: oldRelease, ...web2 }),
});
const rollOut = (nodes: Fakes, changes: Parameters<typeof fakeTools>[1] = {}) => {
  const tools = fakeTools(nodes, changes);
  return deploy(aRollout(Object.keys(nodes)), tools);
};
const lives = (nodes: Fakes): (string | null)[] => Object.values(nodes).map((node) => node.live);
const verdicts = (nodes: Fakes): string[][] => Object.values(nodes).map((node) => node.verdicts);

test("a release is brought to all nodes, flipped and watched on one after the other, and every node is told that it came through", async () => {
  const nodes = twoNodes();
  const outcome = await rollOut(nodes);
  expect(outcome).toEqual({
    verdict: "live",
    failures: [],
    nodes: [
      { name: "web1", serves: newRelease },
      { name: "web2", serves: newRelease },
    ],
  });
  const calls = ["hello", "lease", "receive", "prepare", "check direct", "flip not-last", "check varnish", "flip last", "finish"];
  expect([nodes.web1.calls, nodes.web2.calls]).toEqual([calls, calls]);
  expect(verdicts(nodes)).toEqual([["live"], ["live"]]);
});

test("a release that serves already on every node and answers is unchanged", async () => {
  const nodes = twoNodes({ live: newRelease }, { live: newRelease });
  const outcome = await rollOut(nodes);
  expect(outcome.verdict).toBe("unchanged");
  expect(nodes.web1.calls).toEqual(["hello", "lease", "prepare", "check varnish", "finish"]);
});

test("what a node has lost of its live release is put right without a flip", async () => {
  const nodes = twoNodes(
    { live: newRelease, lost: [{ what: "silver-hello@x.service", why: "did not run" }] },
    { live: newRelease },
  );
  const tools = fakeTools(nodes);
  expect((await deploy(aRollout(["web1", "web2"]), tools)).verdict).toBe("live");
  expect(tools.told).toContain("web1 prepare silver-hello@x.service: did not run");
  expect(nodes.web1.calls).toEqual(["hello", "lease", "prepare", "check varnish", "finish"]);
});

test("what can't be put right on a node that serves the release already is told, and nothing is flipped", async () => {
  const nodes = twoNodes({}, { live: newRelease, faults: [{ verb: "prepare", kind: "service" }] });
  const outcome = await rollOut(nodes);
  expect(outcome).toMatchObject({ verdict: "reverted", failures: [{ node: "web2", step: "prepare", code: "service" }] });
  expect(lives(nodes)).toEqual([oldRelease, newRelease]);
});

test("a release that is live but doesn't answer is brought anew", async () => {
  const nodes = { web1: fakeNode({ live: newRelease, faults: [{ verb: "check", on: "varnish", kind: "not-ok" }] }) };
  expect((await rollOut(nodes)).verdict).toBe("live");
  expect(nodes.web1.calls).toContain("prepare");
});

test("only the node that lags behind is changed", async () => {
  const nodes = twoNodes({}, { live: newRelease });
  expect((await rollOut(nodes)).verdict).toBe("live");
  expect(nodes.web1.calls).toContain("flip last");
  expect(nodes.web2.calls).toEqual(["hello", "lease", "prepare", "check varnish", "finish"]);
});

test("a bundle that is there already is not sent again", async () => {
  const nodes = { web1: fakeNode({ directory: null }) };
  const outcome = await rollOut(nodes, { upload: () => Promise.reject(new Error("nothing to send")) });
  expect(outcome.verdict).toBe("live");
});

test("a version older than what serves is refused, unless its bundle is kept there: then it is a rollback", async () => {
  const kept = (bundle: string) => ({ id: "x", bundle, address: "127.64.0.1", port: 20001, unit: "u", active: false });
  const live = "1.10.0-33333333.cccccccc";
  const tried = async (version: string, releases: FakeNode["releases"]) => {
    const nodes = twoNodes({ live }, { live, releases });
    const rollout = aRollout(["web1", "web2"]);
    const { verdict, failures } = await deploy({ ...rollout, release: { ...rollout.release, version } }, fakeTools(nodes));
    return { verdict, codes: failures.map(({ code }) => code), calls: nodes.web1.calls };
  };
  expect(await tried("1.1.0", [kept("1.10.0-33333333")])).toEqual({
    verdict: "refused",
    codes: ["older", "older"],
    calls: ["hello", "lease"],
  });
  expect(await tried("1.1.0", [kept("1.10.0-33333333"), kept("1.1.0-22222222")])).toMatchObject({ verdict: "live" });
  expect(await tried("1.10.0", [])).toMatchObject({ verdict: "live" });
  // Timestamps don't compare with such versions.
  expect(await tried("20261121", [])).toMatchObject({ verdict: "live" });
});

test.each([
  ["files of the app", { digest: "3".repeat(64) }],
  [
    "files of the configuration",
    { digest: "2".repeat(64), config: { digest: "3".repeat(64), sent: { listing: "", files: {} } } },
  ],
])("%s that changed since the plan are refused before any lease is taken", async (_, packed) => {
  const nodes = twoNodes();
  const pack = () => Promise.resolve({ listing: "", directory: "/app", paths: [], ...packed });
  const outcome = await rollOut(nodes, { pack });
  expect(outcome.verdict).toBe("refused");
  expect(outcome.failures[0]?.message).toContain("changed since the plan");
  expect(nodes.web1.calls).toEqual(["hello", "status"]);
});

test("libraries that can't be downloaded refuse the rollout before any lease is taken", async () => {
  const nodes = twoNodes();
  const failure = { step: "libraries", code: "library", message: "pywin32 308 has no wheel" } as const;
  const outcome = await rollOut(nodes, { wheels: () => Promise.resolve({ sets: new Map(), failures: [failure] }) });
  expect(outcome).toMatchObject({ verdict: "refused", failures: [failure] });
  expect([nodes.web1.calls, nodes.web2.calls]).toEqual([
    ["hello", "status"],
    ["hello", "status"],
  ]);
});

test("a node that can't be reached refuses the rollout and touches no other node", async () => {
  const nodes = twoNodes({}, { unreachable: -1 });
  const outcome = await rollOut(nodes);
  expect(outcome.verdict).toBe("refused");
  expect(outcome.nodes).toEqual([
    { name: "web1", serves: oldRelease },
    { name: "web2", serves: undefined },
  ]);
  expect(renderOutcome(outcome, aRollout(["web1", "web2"]))).toEqual([
    `hello: refused. Nothing was changed; ${newRelease} was not rolled out.`,
    "  web2, connect: root@10.0.0.2:22 can't be reached: ssh: connect to host 10.0.0.1 port 22: Connection refused",
    `  web1 serves ${oldRelease}`,
    "  web2 did not answer: what it serves is unknown",
    "  next: check that web2 is up and its address and port are right; npm run up starts a local node; then pulumi up",
  ]);
});

test("an agent of another protocol is refused, and the message says which side is older", async () => {
  const older = await rollOut({ web1: fakeNode({ protocol: 0 }) });
  const newer = await rollOut({ web1: fakeNode({ protocol: 9 }) });
  expect(older.failures[0]).toMatchObject({ code: "protocol", step: "connect", node: "web1" });
  expect(older.failures[0]?.fix).toContain("brings the new agent");
  expect(newer.failures[0]?.fix).toContain("update this checkout");
});

test("another machine at a node's address is refused", async () => {
  const rollout = aRollout(["web1"]);
  const nodes = { web1: fakeNode() };
  const outcome = await deploy(
    { ...rollout, nodes: rollout.nodes.map((node) => ({ ...node, machineId: "other" })) },
    fakeTools(nodes),
  );
  expect(outcome).toMatchObject({ verdict: "refused", failures: [{ code: "machine", node: "web1" }] });
});

test("a second rollout is refused, with who holds the lease, since when and for what", async () => {
  const holder = { who: "ann@desk", pid: 7, release: "1.0.1-33333333.cccccccc", since: "2026-01-02T03:04:05Z" };
  const nodes = twoNodes({}, { holder });
  const outcome = await rollOut(nodes);
  expect(outcome.verdict).toBe("refused");
  expect(renderOutcome(outcome, aRollout(["web1", "web2"]))).toEqual([
    `hello: refused. Nothing was changed; ${newRelease} was not rolled out.`,
    "  web2, lease: hello is being rolled out",
    "  ann@desk (process 7) has held the lease since 2026-01-02T03:04:05Z, for 1.0.1-33333333.cccccccc",
    `  web1 serves ${oldRelease}`,
    `  web2 serves ${oldRelease}`,
    "  next: wait until that rollout has ended, then pulumi up",
  ]);
  expect(nodes.web1.holder).toBeNull();
  expect(nodes.web2.holder).toEqual(holder);
});

test("a release that doesn't start goes back everywhere, with the app's traceback", async () => {
  const nodes = twoNodes({}, { faults: [{ verb: "prepare", kind: "start" }] });
  const outcome = await rollOut(nodes);
  expect(renderOutcome(outcome, aRollout(["web1", "web2"]))).toEqual([
    `hello: reverted. Rolled back: ${oldRelease} still serves.`,
    "  web2, prepare: prepare failed",
    "  its last log lines:",
    "    Traceback (most recent call last):",
    "    SyntaxError: invalid syntax",
    `  web1 serves ${oldRelease}`,
    `  web2 serves ${oldRelease}`,
    "  next: fix apps/hello, then pulumi up",
  ]);
  expect(nodes.web1.calls.at(-2)).toBe("undo");
  expect(verdicts(nodes)).toEqual([["reverted"], ["reverted"]]);
});

test("what failed on two nodes in the same way is read once", async () => {
  const nodes = twoNodes({ faults: [{ verb: "prepare", kind: "start" }] }, { faults: [{ verb: "prepare", kind: "start" }] });
  const summary = renderOutcome(await rollOut(nodes), aRollout(["web1", "web2"]));
  expect(summary.slice(1, 7)).toEqual([
    "  web1, prepare: prepare failed",
    "  its last log lines:",
    "    Traceback (most recent call last):",
    "    SyntaxError: invalid syntax",
    "  web2, prepare: prepare failed",
    "  its last log lines:",
  ]);
  expect(summary[7]).toBe("    the same as above");
});

test("a release that answers wrongly when asked directly is never flipped to", async () => {
  const nodes = twoNodes({ faults: [{ verb: "check", on: "direct", kind: "not-ok" }] });
  const outcome = await rollOut(nodes);
  expect(renderOutcome(outcome, aRollout(["web1", "web2"]))).toEqual([
    `hello: reverted. Rolled back: ${oldRelease} still serves.`,
    "  web1, check: http://127.64.0.2:20002/health: status 500, expected 200",
    "  it answered:",
    "    Internal Server Error",
    "  its last log lines:",
    "    Traceback (most recent call last):",
    "    KeyError: 'STRIPE_KEY'",
    `  web1 serves ${oldRelease}`,
    `  web2 serves ${oldRelease}`,
    "  next: fix apps/hello, then pulumi up",
  ]);
  expect([...nodes.web1.calls, ...nodes.web2.calls].filter((call) => call.startsWith("flip"))).toEqual([]);
});

test("a wrong answer through Varnish on the first node brings both nodes back", async () => {
  const nodes = twoNodes({ faults: [{ verb: "check", on: "varnish", kind: "not-ok" }] });
  const outcome = await rollOut(nodes);
  expect(outcome).toMatchObject({ verdict: "reverted", failures: [{ node: "web1", step: "watch" }] });
  expect(lives(nodes)).toEqual([oldRelease, oldRelease]);
});

test("a wrong answer through Varnish on the last node brings both nodes back", async () => {
  const nodes = twoNodes({}, { faults: [{ verb: "check", on: "varnish", kind: "not-ok" }] });
  const outcome = await rollOut(nodes);
  expect(outcome).toMatchObject({ verdict: "reverted", failures: [{ node: "web2", step: "watch" }] });
  expect(lives(nodes)).toEqual([oldRelease, oldRelease]);
  expect(verdicts(nodes)).toEqual([["reverted"], ["reverted"]]);
});

test("a release that answers wrongly and can't go back on any node is live-failing", async () => {
  const stuck: Fault = { verb: "undo", kind: "vcl" };
  const nodes = twoNodes({ faults: [stuck] }, { faults: [{ verb: "check", on: "varnish", kind: "not-ok" }, { ...stuck }] });
  const outcome = await rollOut(nodes);
  expect(outcome.verdict).toBe("live-failing");
  expect(outcome.failures.map(({ step }) => step)).toEqual(["watch", "undo", "undo"]);
});

test("nodes that end on different releases are split, and each is named with what it serves", async () => {
  const nodes = twoNodes({ faults: [{ verb: "undo", kind: "vcl" }] }, { faults: [{ verb: "flip", kind: "vcl" }] });
  const outcome = await rollOut(nodes);
  expect(outcome.verdict).toBe("split");
  expect(renderOutcome(outcome, aRollout(["web1", "web2"]))).toContain(`  web1 serves ${newRelease}`);
  expect(renderOutcome(outcome, aRollout(["web1", "web2"]))).toContain(`  web2 serves ${oldRelease}`);
});

test("a node that dies during prepare and comes back has undone by itself: reverted", async () => {
  const nodes = twoNodes({ faults: [{ verb: "prepare", kind: "die-before" }] });
  const outcome = await rollOut(nodes);
  expect(outcome).toMatchObject({ verdict: "reverted", failures: [{ node: "web1", step: "prepare", code: "lost" }] });
  expect(verdicts(nodes)).toEqual([["reverted"], ["reverted"]]);
});

test("a node that goes silent and stays it makes the verdict unknown, and the others go back", async () => {
  const web1 = fakeNode({ live: oldRelease });
  const web2 = fakeNode({ live: oldRelease, faults: [{ verb: "flip", kind: "die-before" }] });
  const tools = fakeTools({ web1, web2 });
  const { connect } = tools;
  let asked = 0;
  const outcome = await deploy(aRollout(["web1", "web2"]), {
    ...tools,
    connect: (node) => {
      if (node.name === "web2" && asked++ > 0) web2.unreachable = -1;
      return connect(node);
    },
  });
  expect(outcome.verdict).toBe("unknown");
  expect(outcome.nodes).toEqual([
    { name: "web1", serves: oldRelease },
    { name: "web2", serves: undefined },
  ]);
});

test("a node that dies once it has heard of the cut-over stays forward, and so does the rollout", async () => {
  const nodes = twoNodes({}, { faults: [{ verb: "flip", on: "last", kind: "die-after" }] });
  const outcome = await rollOut(nodes);
  expect(outcome.verdict).toBe("live");
  expect(nodes.web2.calls).toContain("(finish)");
  expect(verdicts(nodes)).toEqual([["live"], ["live"]]);
});

test("a node that dies before it hears of the cut-over goes back, and brings the others back with it", async () => {
  const nodes = twoNodes({}, { faults: [{ verb: "flip", on: "last", kind: "die-before" }] });
  expect((await rollOut(nodes)).verdict).toBe("reverted");
  expect(nodes.web1.calls.slice(-3)).toEqual(["flip last", "undo", "finish"]);
  expect(lives(nodes)).toEqual([oldRelease, oldRelease]);
});

const allCodes = agentError.shape.code.options;
/** Codes by which the node refuses: nothing is wrong with the bundle. */
const refusing: AgentError["code"][] = ["usage", "os-differs", "bundle-differs", "no-space", "config"];

test.each(allCodes)("error %s of any step before the cut-over leaves every node as it was", async (code) => {
  for (const verb of ["lease", "receive", "prepare", "check", "flip"] as const) {
    const nodes = twoNodes({}, { faults: [{ verb, kind: code }] });
    const outcome = await rollOut(nodes);
    const touched = verb !== "lease";
    expect(outcome.verdict, verb).toBe(!touched || refusing.includes(code) ? "refused" : "reverted");
    expect(outcome.failures[0], verb).toMatchObject({ node: "web2", code });
    expect(lives(nodes), verb).toEqual([oldRelease, oldRelease]);
    expect(nodes.web1.calls.includes("undo"), verb).toBe(touched);
    expect(nodes.web2.calls.includes("undo"), verb).toBe(touched);
  }
});

test("stopped before the cut-over a rollout backs out, after it it finishes", async () => {
  for (const [verb, verdict, live] of [
    ["prepare", "reverted", oldRelease],
    ["check varnish", "reverted", oldRelease],
    ["flip last", "live", newRelease],
  ] as const) {
    const nodes = twoNodes();
    const stop = new AbortController();
    const { push } = nodes.web2.calls;
    nodes.web2.calls.push = (call) => {
      if (call === verb) stop.abort("interrupted");
      return push.call(nodes.web2.calls, call);
    };
    const outcome = await rollOut(nodes, { stop: stop.signal });
    expect(outcome.verdict, verb).toBe(verdict);
    expect(lives(nodes), verb).toEqual([live, live]);
    if (verdict === "reverted") expect(outcome.failures[0]?.message).toBe("stopped: interrupted");
  }
});

test("an answer that can't be read names the verb and the field", async () => {
  const outcome = await rollOut({ web1: fakeNode({ faults: [{ verb: "prepare", kind: "nonsense" }] }) });
  expect(outcome.failures[0]).toMatchObject({ code: "protocol", node: "web1", step: "prepare" });
  expect(outcome.failures[0]?.message).toContain("port: invalid_type");
});

const verbsOfARollout: Verb[] = ["hello", "lease", "receive", "prepare", "check", "flip", "undo", "finish"];
const anyFault = fc.record({
  verb: fc.constantFrom(...verbsOfARollout),
  kind: fc.constantFrom<Fault["kind"]>(...allCodes, "not-ok", "die-before", "die-after", "nonsense"),
  times: fc.integer({ min: 1, max: 2 }),
});
const anyNodes = fc.array(
  fc.record({
    live: fc.constantFrom(null, oldRelease, newRelease),
    faults: fc.array(anyFault, { maxLength: 2 }),
    unreachable: fc.constantFrom(0, 0, 0, 1),
  }),
  { minLength: 1, maxLength: 3 },
);

test("whatever fails wherever: the verdict says what is true, and nothing stays under way", async () => {
  await fc.assert(
    fc.asyncProperty(anyNodes, async (settings) => {
      const before = settings.map(({ live }) => live);
      const nodes = Object.fromEntries(
        settings.map((setting, index) => [
          `web${index + 1}`,
          fakeNode({ ...setting, faults: setting.faults.filter(makesSense).map((fault) => ({ ...fault })) }),
        ]),
      );
      const { verdict, nodes: told } = await rollOut(nodes);
      const served = lives(nodes);
      // What is told is true.
      for (const [index, { serves }] of told.entries()) if (serves !== undefined) expect(served[index]).toBe(serves);
      if (verdict === "live") expect(served).toEqual(before.map(() => newRelease));
      if (verdict === "reverted" || verdict === "refused") expect(served).toEqual(before);
      if (verdict === "split") expect(new Set(served).size).toBeGreaterThan(1);
      // Every node is left in peace.
      for (const node of Object.values(nodes))
        expect({ journal: node.journal, holder: node.holder }).toEqual({ journal: null, holder: null });
      // Nothing is flipped before all nodes have answered.
      const calls = Object.values(nodes).flatMap((node) => node.calls);
      if (calls.some((call) => call.startsWith("flip"))) {
        for (const [index, node] of Object.values(nodes).entries()) {
          if (before[index] !== newRelease) expect(node.calls).toContain("check direct");
        }
      }
      // Without a cut-over nobody serves the new release.
      const cutOver = calls.includes("flip last");
      const undoFailed = settings.some(({ faults }) => faults.some(({ verb }) => verb === "undo"));
      if (!cutOver && !undoFailed) expect(served).toEqual(before);
    }),
    { numRuns: 400 },
  );
}, 60_000);

test("a driver killed at any moment leaves all nodes on one release, and the next run brings the new one", async () => {
  // The one moment the protocol can't close: web1 has heard of the cut-over and web2 has not.
  const open = "flip last on web1";
  for (let killedAt = 1; ; killedAt += 1) {
    const nodes = twoNodes();
    const channels: Channel[] = [];
    let calls = 0;
    let at = "";
    for (const [name, node] of Object.entries(nodes)) {
      const { push } = node.calls;
      node.calls.push = (call) => {
        if (++calls === killedAt) {
          at = `${call} on ${name}`;
          for (const each of Object.values(nodes)) each.unreachable = -1;
          // The verb that is under way is done to its end, as an agent does; then it finds nobody there.
          setImmediate(() => {
            for (const channel of channels) channel.kill();
          });
        }
        return push.call(node.calls, call);
      };
    }
    const tools = fakeTools(nodes);
    const outcome = await deploy(aRollout(["web1", "web2"]), {
      ...tools,
      connect: (node) => {
        const channel = fakeChannel(nodes[node.name as "web1" | "web2"]);
        channels.push(channel);
        return new Session({
          node: node.name,
          channel,
          onEvent: () => undefined,
          explain: () => ({ code: "unreachable", message: "dead" }),
        });
      },
    });
    if (at === "") {
      expect(outcome.verdict).toBe("live");
      expect(killedAt).toBeGreaterThan(12);
      return;
    }
    if (at !== open) expect(new Set(lives(nodes)).size, at).toBe(1);
    for (const node of Object.values(nodes)) node.unreachable = 0;
    expect(["live", "unchanged"], at).toContain((await rollOut(nodes)).verdict);
    expect(lives(nodes), at).toEqual([newRelease, newRelease]);
  }
});

/** A check alone can be not ok; only what a verb may be asked for can fail. */
const makesSense = (fault: Fault): boolean => fault.kind !== "not-ok" || fault.verb === "check";
