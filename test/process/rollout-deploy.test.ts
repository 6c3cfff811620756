import fc from "fast-check";
import { expect, test } from "vitest";
import { agentError } from "../../components/node/contract.ts";
import type { AgentError, Verb } from "../../components/node/contract.ts";
import type { Channel } from "../../components/rollout/channel.ts";
import { deploy } from "../../components/rollout/deploy.ts";
import { renderOutcome } from "../../components/rollout/outcome.ts";
import type { Outcome } from "../../components/rollout/outcome.ts";
import { Session } from "../../components/rollout/session.ts";
import { answering, rollOut, toolsOver, useFakeNodes } from "../support/declared.ts";
import type { Declared, Nodes, Wanted } from "../support/declared.ts";
import type { FakeNode } from "../support/fake-node.ts";
import type { Fault } from "../support/faults.ts";
import { killAtEachCall } from "../support/killed-driver.ts";
import { soak } from "../support/soak.ts";

const { boot, declare } = useFakeNodes();
const older = declare("1.0.0");
const newer = declare("1.1.0");
/** Another release of the older bundle. */
const greeted = declare("1.0.0", { greeting: "welcome" });
/** A newer one that always answers wrongly, and one whose Apache ends as it starts. */
const failing = declare("1.1.0", {
  source: "def application(environ, start_response):\n    return [environ['STRIPE_KEY']]\n",
});
const ending = declare("1.1.0", { source: `# Apache ends by itself.\n${answering("1.1.0")}` });
const much = declare("1.10.0");
const dated = declare("20261121");
const names = ["web1", "web2"];
const idOf = (declared: Declared): string => declared.rollout(names).declared;
const [oldRelease, newRelease] = [idOf(older), idOf(newer)];

/** By default both serve the older release. */
const twoNodes = (web1: Partial<Wanted> = {}, web2: Partial<Wanted> = {}) =>
  boot({ web1: { live: older, ...web1 }, web2: { live: older, ...web2 } });
const lives = (nodes: Nodes): Promise<(string | null)[]> => Promise.all(Object.values(nodes).map((node) => node.live()));
/** How rollouts ended on each node, but for those that made the test's nodes. */
const verdicts = (nodes: Nodes): string[][] =>
  Object.values(nodes).map((node) =>
    node
      .verdicts()
      .slice(1)
      .map(({ verdict }) => verdict),
  );
const summary = (outcome: Outcome, declared = newer): string[] => renderOutcome(outcome, declared.rollout(names));

test("a release is prepared on all nodes, flipped and watched on one after the other, and every node is told that it succeeded", async () => {
  const nodes = await twoNodes();
  const outcome = await rollOut(nodes, newer);
  expect(outcome).toMatchObject({
    verdict: "live",
    failures: [],
    nodes: [
      { name: "web1", serves: newRelease },
      { name: "web2", serves: newRelease },
    ],
  });
  const calls = ["hello", "lease", "receive", "prepare", "check direct", "flip not-last", "check varnish", "flip last", "finish"];
  expect([nodes.web1.calls, nodes.web2.calls]).toEqual([calls, calls]);
  expect(await lives(nodes)).toEqual([newRelease, newRelease]);
  expect(verdicts(nodes)).toEqual([["live"], ["live"]]);
});

/** A rollout over nodes with roles of their own, to a site with services. */
const placed = (roles: Record<string, ("web" | "service")[]>) => {
  const { release, ...rollout } = newer.rollout(Object.keys(roles));
  const nodes = rollout.nodes.map((node) => ({ ...node, roles: roles[node.name] ?? [] }));
  return { ...rollout, release, nodes, services: [] };
};

test("services are set up on the nodes that hold them, and a release is prepared on those that serve it", async () => {
  const nodes = await boot({ web1: { live: older }, web2: { live: null } });
  const outcome = await deploy(placed({ web1: ["web"], web2: ["service"] }), toolsOver(nodes, newer));
  expect(outcome).toMatchObject({ verdict: "live", failures: [], nodes: [{ name: "web1", serves: newRelease }] });
  expect(nodes.web1.calls).not.toContain("set-up");
  expect(nodes.web2.calls).toEqual(["hello", "lease", "set-up", "finish"]);
  expect(await lives(nodes)).toEqual([newRelease, null]);
});

test("a service that can't be set up stops the rollout before anything is uploaded", async () => {
  const nodes = await twoNodes({ faults: [{ verb: "set-up", kind: "service" }] });
  const outcome = await deploy(placed({ web1: ["web", "service"], web2: ["web"] }), toolsOver(nodes, newer));
  expect(outcome).toMatchObject({ verdict: "refused", failures: [{ node: "web1", step: "set-up", code: "service" }] });
  expect(nodes.web1.calls).toEqual(["hello", "lease", "set-up", "undo", "finish"]);
  expect(nodes.web2.calls).not.toContain("receive");
  expect(await lives(nodes)).toEqual([oldRelease, oldRelease]);
});

test("a release that already serves on every node and answers is unchanged", async () => {
  const nodes = await twoNodes({ live: newer }, { live: newer });
  const outcome = await rollOut(nodes, newer);
  expect(outcome.verdict).toBe("unchanged");
  expect(nodes.web1.calls).toEqual(["hello", "lease", "prepare", "check varnish", "finish"]);
});

test("what a node has lost of its live release is restored without a flip", async () => {
  const nodes = await twoNodes({ live: newer }, { live: newer });
  const unit = await nodes.web1.run("list-units", "silver-*hello*");
  await nodes.web1.run("systemctl", "stop", unit);
  const tools = toolsOver(nodes, newer);
  expect((await deploy(newer.rollout(names), tools)).verdict).toBe("live");
  expect(tools.told).toContain(`web1 prepare ${unit}: did not run`);
  expect(nodes.web1.calls).toEqual(["hello", "lease", "prepare", "check varnish", "finish"]);
  expect(await lives(nodes)).toEqual([newRelease, newRelease]);
});

test("what can't be restored on a node that already serves the release is reported, and nothing is flipped", async () => {
  const nodes = await twoNodes({}, { live: newer, faults: [{ verb: "prepare", kind: "service" }] });
  const outcome = await rollOut(nodes, newer);
  expect(outcome).toMatchObject({ verdict: "refused", failures: [{ node: "web2", step: "prepare", code: "service" }] });
  expect(await lives(nodes)).toEqual([oldRelease, newRelease]);
});

test("a live release that now fails is live-failing: nothing was rolled out or back", async () => {
  const nodes = await twoNodes({ live: newer }, { live: newer });
  for (const node of Object.values(nodes)) node.lay({ faults: [{ verb: "check", kind: "not-ok", times: 9 }] });
  const outcome = await rollOut(nodes, newer);
  expect(outcome).toMatchObject({ verdict: "live-failing", failures: [{ step: "check", code: "check" }] });
  expect(summary(outcome)[0]).toBe(`hello: live-failing. ${newRelease} serves on every node, and fails.`);
  expect(await lives(nodes)).toEqual([newRelease, newRelease]);
});

test("a node that can't restore a live release is the cause, and the release is said to serve", async () => {
  const nodes = await twoNodes({ live: newer }, { live: newer, faults: [{ verb: "prepare", kind: "service" }] });
  const outcome = await rollOut(nodes, newer);
  expect(outcome.verdict).toBe("refused");
  expect(summary(outcome)[0]).toBe(`hello: refused. Nothing was changed; ${newRelease} still serves.`);
});

test("a release that is live but doesn't answer is prepared again", async () => {
  const nodes = await boot({ web1: { live: newer, faults: [{ verb: "check", on: "varnish", kind: "not-ok" }] } });
  expect((await rollOut(nodes, newer)).verdict).toBe("live");
  expect(nodes.web1.calls.filter((call) => call === "prepare")).toHaveLength(2);
});

test("only the node that lags behind is changed", async () => {
  const nodes = await twoNodes({}, { live: newer });
  expect((await rollOut(nodes, newer)).verdict).toBe("live");
  expect(nodes.web1.calls).toContain("flip last");
  expect(nodes.web2.calls).toEqual(["hello", "lease", "prepare", "check varnish", "finish"]);
});

test("a bundle that a node already has is not sent again", async () => {
  const nodes = await boot({ web1: { live: older } });
  const outcome = await rollOut(nodes, greeted, { upload: () => Promise.reject(new Error("nothing to send")) });
  expect(outcome.verdict).toBe("live");
  expect(await lives(nodes)).toEqual([idOf(greeted)]);
});

test("a version older than the live one is refused, unless a node keeps its bundle: then it is a rollback", async () => {
  const nodes = await twoNodes({ live: much }, { live: much });
  const { verdict, failures } = await rollOut(nodes, newer);
  expect({ verdict, codes: failures.map(({ code }) => code) }).toEqual({ verdict: "refused", codes: ["older", "older"] });
  expect(nodes.web1.calls).toEqual(["hello", "lease"]);
  const kept = await twoNodes({ live: newer }, { live: newer });
  expect((await rollOut(kept, much)).verdict).toBe("live");
  expect((await rollOut(kept, newer)).verdict).toBe("live");
  expect(await lives(kept)).toEqual([newRelease, newRelease]);
});

test("timestamps don't compare with other versions", async () => {
  const nodes = await twoNodes({ live: much }, { live: much });
  expect((await rollOut(nodes, dated)).verdict).toBe("live");
});

test.each([
  ["files of the app", {}],
  ["files of the configuration", { config: { digest: "3".repeat(64), sent: { listing: "", files: {} } } }],
])("%s that changed since the plan are refused before any lease is taken", async (_, packed) => {
  const nodes = await twoNodes();
  const { digest } = newer.rollout(names).release.bundle;
  const pack = () =>
    Promise.resolve({
      listing: "",
      directory: "/app",
      paths: [],
      digest: "config" in packed ? digest : "3".repeat(64),
      ...packed,
    });
  const outcome = await rollOut(nodes, newer, { pack });
  expect(outcome.verdict).toBe("refused");
  expect(outcome.failures[0]?.message).toContain("changed since the plan");
  expect(nodes.web1.calls).toEqual(["hello", "status"]);
});

test("libraries that can't be downloaded refuse the rollout before any lease is taken", async () => {
  const nodes = await twoNodes();
  const failure = { step: "libraries", code: "library", message: "pywin32 308 has no wheel" } as const;
  const outcome = await rollOut(nodes, newer, { wheels: () => Promise.resolve({ sets: new Map(), failures: [failure] }) });
  expect(outcome).toMatchObject({ verdict: "refused", failures: [failure] });
  expect([nodes.web1.calls, nodes.web2.calls]).toEqual([
    ["hello", "status"],
    ["hello", "status"],
  ]);
});

test("a node that can't be reached refuses the rollout and touches no other node", async () => {
  const nodes = await twoNodes({}, { unreachable: -1 });
  const outcome = await rollOut(nodes, newer);
  expect(outcome.verdict).toBe("refused");
  expect(outcome.nodes).toMatchObject([
    { name: "web1", serves: oldRelease },
    { name: "web2", serves: undefined },
  ]);
  expect(summary(outcome)).toEqual([
    `hello: refused. Nothing was changed; ${newRelease} was not rolled out.`,
    "  web2, connect: root@10.0.0.2:22 can't be reached: ssh: connect to host 10.0.0.1 port 22: Connection refused",
    `  web1 serves ${oldRelease}`,
    "  web2 did not answer: what it serves is unknown",
    "  next: check that web2 is up and its address and port are right; npm run up starts a local node; then pulumi up",
  ]);
});

test("an agent of another protocol is refused, and the message says which side is older", async () => {
  const older = await rollOut(await boot({ web1: { live: null, hello: { protocol: 0 } } }), newer);
  const newest = await rollOut(await boot({ web1: { live: null, hello: { protocol: 9 } } }), newer);
  expect(older.failures[0]).toMatchObject({ code: "protocol", step: "connect", node: "web1" });
  expect(older.failures[0]?.fix).toContain("brings the new agent");
  expect(newest.failures[0]?.fix).toContain("update this checkout");
});

test("another machine at a node's address is refused", async () => {
  const rollout = newer.rollout(["web1"]);
  const nodes = await boot({ web1: { live: null } });
  const outcome = await deploy(
    { ...rollout, nodes: rollout.nodes.map((node) => ({ ...node, machineId: "other" })) },
    toolsOver(nodes, newer),
  );
  expect(outcome).toMatchObject({ verdict: "refused", failures: [{ code: "machine", node: "web1" }] });
});

test("a second rollout is refused, with who holds the lease, since when and for what", async () => {
  const nodes = await twoNodes();
  const other = sessionWith(nodes.web2, "web2");
  const release = "1.0.1-33333333.cccccccc";
  await other.ask("lease", { site: "hello", who: "ann@desk", pid: 7, release });
  const { holder } = nodes.web2.underWay();
  const outcome = await rollOut(nodes, newer);
  expect(outcome.verdict).toBe("refused");
  expect(summary(outcome).map((line) => line.replaceAll(/\d{4}-\d\d-\d\dT[\d:]+\+00:00/g, "<moment>"))).toEqual([
    `hello: refused. Nothing was changed; ${newRelease} was not rolled out.`,
    `  web2, lease: hello is being rolled out by ann@desk (pid 7, ${release}, since <moment>)`,
    `  ann@desk (process 7) has held the lease since <moment>, for ${release}`,
    `  web1 serves ${oldRelease}`,
    `  web2 serves ${oldRelease}`,
    "  next: wait until it has ended, or stop it; then pulumi up",
  ]);
  expect(nodes.web1.underWay().holder).toBeNull();
  expect(nodes.web2.underWay().holder).toEqual(holder);
  expect(holder).toMatchObject({ who: "ann@desk", pid: 7, release });
  await other.close();
});

test("a release that doesn't start is undone, with the app's output", async () => {
  const nodes = await boot({ web1: { live: older } });
  const outcome = await rollOut(nodes, ending);
  expect(summary(outcome, ending).map((line) => line.replaceAll(/silver-\S+\.service/g, "<unit>"))).toEqual([
    `hello: reverted. Rolled back: ${oldRelease} still serves.`,
    "  web1, prepare: <unit> did not start",
    "  from its log:",
    "    apache2: this release ends by itself",
    `  web1 serves ${oldRelease}`,
    "  next: see: systemctl status <unit>; then pulumi up",
  ]);
  expect(nodes.web1.calls.at(-2)).toBe("undo");
  expect(await lives(nodes)).toEqual([oldRelease]);
  expect(verdicts(nodes)).toEqual([["reverted"]]);
});

test("a release that starts on one node and not on the other is undone on both", async () => {
  const nodes = await twoNodes({}, { faults: [{ verb: "prepare", kind: "start" }] });
  const outcome = await rollOut(nodes, newer);
  expect(outcome).toMatchObject({ verdict: "reverted", failures: [{ node: "web2", step: "prepare", code: "start" }] });
  expect(await nodes.web1.run("list-units", `*${newRelease}*`)).toBe("");
  expect(await lives(nodes)).toEqual([oldRelease, oldRelease]);
});

test("a release that answers wrongly when asked directly is never flipped to", async () => {
  const nodes = await twoNodes();
  const outcome = await rollOut(nodes, failing);
  const wrong =
    "http://127.64.0.2:20002/health: status 500, expected 200, not from the app's own code: its process died, or did not start; N times in a row";
  const [first, ...told] = summary(outcome, failing).map((line) => line.replace(/\d+ times/, "N times"));
  expect(first).toBe(`hello: reverted. Rolled back: ${oldRelease} still serves.`);
  // Whichever node answers first.
  expect(told.slice(0, 6).map((line) => line.replace("web2", "web1"))).toEqual([
    `  web1, check: ${wrong}`,
    "  it answered:",
    "    Internal Server Error",
    "  from its log:",
    "    Traceback (most recent call last):",
    "    KeyError: 'STRIPE_KEY'",
  ]);
  expect(told.slice(-3)).toEqual([
    `  web1 serves ${oldRelease}`,
    `  web2 serves ${oldRelease}`,
    "  next: fix apps/hello, then pulumi up",
  ]);
  expect([...nodes.web1.calls, ...nodes.web2.calls].filter((call) => call.startsWith("flip"))).toEqual([]);
});

/** An app that redirects everything that did not come by TLS, and asks for a login elsewhere than at /health. */
const redirecting = `def application(environ, start_response):
    if environ["HTTP_X_FORWARDED_PROTO"] != "https":
        start_response("301 Moved Permanently", [("Location", "https://" + environ["HTTP_HOST"] + "/")])
        return []
    wants_login = environ["PATH_INFO"] != "/health"
    start_response("302 Found" if wants_login else "200 OK", [("Location", "/login")] if wants_login else [])
    return []
`;

test("where no check is declared, a redirect of the app passes, and the verdict says which answer it was", async () => {
  const declared = declare("1.1.0", { source: redirecting, check: "{within: 5s}" });
  const nodes = await boot({ web1: { live: null } });
  const outcome = await rollOut(nodes, declared);
  expect(summary(outcome, declared)).toEqual([
    `hello: live. ${idOf(declared)} serves.`,
    `  web1 serves ${idOf(declared)}; http://127.0.0.1:80/ (Host: hello.test) answered 301, to https://hello.test/`,
  ]);
  expect(summary(await rollOut(nodes, declared), declared)[1]).toContain("answered 301, to https://hello.test/");
});

test("where no check is declared, an error of the app or an answer of a dead process does not pass", async () => {
  const source = "def application(environ, start_response):\n    start_response('503 Busy', [])\n    return [b'busy']\n";
  for (const [declared, reason] of [
    [declare("1.1.0", { source, check: "{within: 1s}" }), "status 503, expected one below 500"],
    [
      declare("1.1.0", { source: "application = 1 / 0\n", check: "{within: 1s}" }),
      "status 500, expected one below 500, not from the app's own code",
    ],
  ] as const) {
    const nodes = await boot({ web1: { live: older } });
    const outcome = await rollOut(nodes, declared);
    expect(outcome).toMatchObject({ verdict: "reverted", failures: [{ step: "check", code: "check" }] });
    expect(outcome.failures[0]?.message).toContain(reason);
  }
});

test("a declared check that meets a redirect says where to, and how an app passes that wants TLS", async () => {
  const declared = declare("1.1.0", { source: redirecting, check: "{path: /, within: 1s}" });
  const nodes = await boot({ web1: { live: older } });
  const lines = summary(await rollOut(nodes, declared), declared);
  expect(lines[1]).toBe("  web1, check: http://127.64.0.2:20002/: status 301, expected 200: it redirects to https://hello.test/");
  expect(lines.at(-1)).toBe(
    "  next: set check.https: true in the manifest of apps/hello, if it redirects whatever did not come by TLS; then pulumi up",
  );
  const login = declare("1.1.0", { source: redirecting, check: "{path: /, https: true, within: 1s}" });
  const told = summary(await rollOut(nodes, login), login);
  expect(told[1]).toMatch(/status 302, expected 200: it redirects to \/login$/);
  expect(told.at(-1)).toBe("  next: fix apps/hello, then pulumi up");
});

test("with check.https an app passes that redirects whatever did not come by TLS", async () => {
  const declared = declare("1.1.0", { source: redirecting, check: "{path: /health, https: true, within: 5s}" });
  const nodes = await boot({ web1: { live: null } });
  expect(await rollOut(nodes, declared)).toMatchObject({
    verdict: "live",
    nodes: [{ answers: [{ status: 200, redirect: null }] }],
  });
});

test("every location of a site is asked, by its host and below its path, before the flip and after it", async () => {
  const source = `def application(environ, start_response):
    start_response("200 OK" if environ["HTTP_HOST"] != "wrong.test" else "404 Not Found", [])
    return [(environ["HTTP_HOST"] + environ["PATH_INFO"]).encode()]
`;
  const locations = ["hello.test", "shared.test/hello", ".below.test"];
  const declared = declare("1.1.0", { source, locations });
  const nodes = await boot({ web1: { live: older } });
  const outcome = await rollOut(nodes, declared);
  expect(outcome.nodes[0]?.answers.map(({ url, body }) => [url, body])).toEqual([
    ["http://127.0.0.1:80/health (Host: hello.test)", "hello.test/health"],
    ["http://127.0.0.1:80/hello/health (Host: shared.test)", "shared.test/hello/health"],
    ["http://127.0.0.1:80/health (Host: below.test)", "below.test/health"],
  ]);
  const wrong = declare("1.2.0", { source, locations: [...locations, "wrong.test"], check: "{path: /health, within: 1s}" });
  expect((await rollOut(nodes, wrong)).failures).toMatchObject([
    { step: "check", message: "http://127.64.0.3:20003/health (Host: wrong.test): status 404, expected 200" },
  ]);
});

test("what serves is asked by the site's own check, as the last good rollout asked it, and a release that was undone changes nothing of that", async () => {
  const fails = `def application(environ, start_response):
    start_response("200 OK" if environ["HTTP_HOST"] == "hello.test" else "500 Oops", [])
    return [b"busy"]
`;
  const declared = declare("1.1.0", { source: fails, check: "{path: /health, within: 2s, body: busy}" });
  const nodes = await boot({ web1: { live: null } });
  const session = sessionWith(nodes.web1, "web1");
  const verified = () => session.ask("verify", { site: null });
  expect(await verified()).toEqual({ problems: [], sites: [] });
  expect((await rollOut(nodes, declared)).verdict).toBe("live");
  expect(await verified()).toEqual({ problems: [], sites: [{ site: "hello", problems: [] }] });
  const elsewhere = declare("1.2.0", { source: fails, locations: ["other.test"], check: "{path: /, within: 1s}" });
  expect((await rollOut(nodes, elsewhere)).verdict).toBe("reverted");
  expect((await verified()).sites).toEqual([{ site: "hello", problems: [] }]);
  await nodes.web1.run("systemctl", "stop", await nodes.web1.run("list-units", "silver-*hello*"));
  const wrong = expect.stringMatching(
    /^http:\/\/127\.0\.0\.1:80\/health \(Host: hello\.test\): status 503, expected 200/,
  ) as string;
  expect((await verified()).sites).toEqual([{ site: "hello", problems: [wrong] }]);
  await session.close();
});

test("a wrong answer through Varnish on the first node brings both nodes back", async () => {
  const nodes = await twoNodes({ faults: [{ verb: "check", on: "varnish", kind: "not-ok" }] });
  const outcome = await rollOut(nodes, newer);
  expect(outcome).toMatchObject({ verdict: "reverted", failures: [{ node: "web1", step: "watch" }] });
  expect(await lives(nodes)).toEqual([oldRelease, oldRelease]);
});

test("a wrong answer through Varnish on the last node brings both nodes back", async () => {
  const nodes = await twoNodes({}, { faults: [{ verb: "check", on: "varnish", kind: "not-ok" }] });
  const outcome = await rollOut(nodes, newer);
  expect(outcome).toMatchObject({ verdict: "reverted", failures: [{ node: "web2", step: "watch" }] });
  expect(await lives(nodes)).toEqual([oldRelease, oldRelease]);
  expect(verdicts(nodes)).toEqual([["reverted"], ["reverted"]]);
});

test("a release that answers wrongly and can't go back on any node is live-failing", async () => {
  const stuck: Fault = { verb: "undo", kind: "vcl" };
  const nodes = await twoNodes({ faults: [stuck] }, { faults: [{ verb: "check", on: "varnish", kind: "not-ok" }, { ...stuck }] });
  const outcome = await rollOut(nodes, newer);
  expect(outcome.verdict).toBe("live-failing");
  expect(outcome.failures.map(({ step }) => step)).toEqual(["watch", "undo", "undo"]);
  expect(await lives(nodes)).toEqual([newRelease, newRelease]);
});

test("nodes that end on different releases are split, and each is named with what it serves", async () => {
  const nodes = await twoNodes({ faults: [{ verb: "undo", kind: "vcl" }] }, { faults: [{ verb: "flip", kind: "vcl" }] });
  const outcome = await rollOut(nodes, newer);
  expect(outcome.verdict).toBe("split");
  expect(summary(outcome)).toContain(`  web1 serves ${newRelease}`);
  expect(summary(outcome)).toContain(`  web2 serves ${oldRelease}`);
  expect(await lives(nodes)).toEqual([newRelease, oldRelease]);
});

test("a node that dies during prepare and comes back has undone it on its own: refused, for no bundle ends a session", async () => {
  const nodes = await twoNodes({ faults: [{ verb: "prepare", kind: "die-after" }] });
  const outcome = await rollOut(nodes, newer);
  expect(outcome).toMatchObject({ verdict: "refused", failures: [{ node: "web1", step: "prepare", code: "lost" }] });
  expect(nodes.web1.verdicts().slice(1)).toMatchObject([
    { verdict: "reverted", reason: "the driver of the rollout went away; this node undid it" },
    { verdict: "refused" },
  ]);
  expect(await lives(nodes)).toEqual([oldRelease, oldRelease]);
});

test("a node that goes silent and stays silent makes the verdict unknown, and the others go back", async () => {
  const nodes = await twoNodes({}, { faults: [{ verb: "flip", kind: "die-before" }] });
  const { web2 } = nodes;
  const tools = toolsOver(nodes, newer, { settle: { withinSeconds: 0.05, everySeconds: 0.005 } });
  const { connect } = tools;
  let asked = 0;
  const outcome = await deploy(newer.rollout(names), {
    ...tools,
    connect: (node) => {
      if (node.name === "web2" && asked++ > 0) web2.way.unreachable = -1;
      return connect(node);
    },
  });
  expect(outcome.verdict).toBe("unknown");
  expect(outcome.nodes).toMatchObject([
    { name: "web1", serves: oldRelease },
    { name: "web2", serves: undefined },
  ]);
});

test("a node that answers the cut-over with an error undoes the release on every node", async () => {
  const nodes = await twoNodes({}, { faults: [{ verb: "flip", on: "last", kind: "start" }] });
  const outcome = await rollOut(nodes, newer);
  expect(outcome).toMatchObject({ verdict: "reverted", failures: [{ node: "web2", step: "cut-over", code: "start" }] });
  expect(await lives(nodes)).toEqual([oldRelease, oldRelease]);
});

test("a node that dies once it has heard of the cut-over stays forward, and so does the rollout", async () => {
  const nodes = await twoNodes({}, { faults: [{ verb: "flip", on: "last", kind: "die-after" }] });
  const outcome = await rollOut(nodes, newer);
  expect(outcome.verdict).toBe("live");
  expect(nodes.web2.verdicts().slice(1)).toMatchObject([
    { verdict: "live", reason: "the driver of the rollout went away; this node finished it" },
    { verdict: "live" },
  ]);
  expect(await lives(nodes)).toEqual([newRelease, newRelease]);
});

test("a node that dies before it hears of the cut-over goes back, and brings the others back with it", async () => {
  const nodes = await twoNodes({}, { faults: [{ verb: "flip", on: "last", kind: "die-before" }] });
  expect((await rollOut(nodes, newer)).verdict).toBe("refused");
  expect(nodes.web1.calls.slice(-3)).toEqual(["flip last", "undo", "finish"]);
  expect(await lives(nodes)).toEqual([oldRelease, oldRelease]);
});

const allCodes = agentError.shape.code.options;
/** Codes by which the node refuses: nothing is wrong with the bundle. */
const refusing: AgentError["code"][] = [
  ...(["usage", "os-differs", "bundle-differs", "no-space", "config"] as const),
  ...(["service", "lease-lost", "vcl", "file", "unit", "internal"] as const),
];

test.each(allCodes)("error %s of any step before the cut-over leaves every node as it was", async (code) => {
  const nodes = await twoNodes();
  for (const verb of ["lease", "receive", "prepare", "check", "flip"] as const) {
    nodes.web1.lay({});
    nodes.web2.lay({ faults: [{ verb, kind: code }] });
    const outcome = await rollOut(nodes, newer);
    const touched = verb !== "lease";
    expect(outcome.verdict, verb).toBe(!touched || refusing.includes(code) ? "refused" : "reverted");
    expect(outcome.failures[0], verb).toMatchObject({ node: "web2", code });
    expect(await lives(nodes), verb).toEqual([oldRelease, oldRelease]);
    expect(nodes.web1.calls.includes("undo"), verb).toBe(touched);
    expect(nodes.web2.calls.includes("undo"), verb).toBe(touched);
  }
});

test.each([
  ["prepare", "reverted", older],
  ["check varnish", "reverted", older],
  ["flip last", "live", newer],
] as const)("stopped during %s a rollout ends %s", async (verb, verdict, live) => {
  const nodes = await twoNodes();
  const stop = new AbortController();
  nodes.web2.calls.push = (call) => {
    if (call === verb) stop.abort("interrupted");
    return Array.prototype.push.call(nodes.web2.calls, call);
  };
  const outcome = await rollOut(nodes, newer, { stop: stop.signal });
  expect(outcome.verdict).toBe(verdict);
  expect(await lives(nodes)).toEqual([idOf(live), idOf(live)]);
  if (verdict === "reverted") expect(outcome.failures[0]?.message).toBe("stopped: interrupted");
});

test("an answer that can't be read names the verb and the field", async () => {
  const outcome = await rollOut(await boot({ web1: { live: null, faults: [{ verb: "prepare", kind: "nonsense" }] } }), newer);
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
    live: fc.constantFrom(null, older, newer),
    faults: fc.array(anyFault, { maxLength: 2 }),
    unreachable: fc.constantFrom(0, 0, 0, 1),
  }),
  { minLength: 1, maxLength: 3 },
);

test(
  "whatever fails wherever: the verdict says what is true, and nothing stays under way",
  async () => {
    await fc.assert(
      fc.asyncProperty(anyNodes, async (settings) => {
        const before = settings.map(({ live }) => (live === null ? null : idOf(live)));
        const wanted = settings.map(({ faults, ...setting }, index): [string, Wanted] => [
          `web${index + 1}`,
          { ...setting, faults: faults.filter(makesSense).map((fault) => ({ ...fault })) },
        ]);
        const nodes: Nodes = await boot(Object.fromEntries(wanted));
        const { verdict, nodes: told } = await rollOut(nodes, newer);
        const served = await lives(nodes);
        // What is told is true.
        for (const [index, { serves }] of told.entries()) if (serves !== undefined) expect(served[index]).toBe(serves);
        if (verdict === "live") expect(served).toEqual(before.map(() => newRelease));
        if (verdict === "reverted" || verdict === "refused") expect(served).toEqual(before);
        if (verdict === "split") expect(new Set(served).size).toBeGreaterThan(1);
        // Every node is left in peace.
        for (const node of Object.values(nodes)) expect(node.underWay()).toEqual({ journal: false, holder: null });
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
        await Promise.all(Object.values(nodes).map((node) => node.stop()));
      }),
      { numRuns: 30 * soak },
    );
  },
  180_000 * soak,
);

test("a driver killed at any moment leaves all nodes on one release, and the next run brings the new one", async () => {
  // The one moment the protocol can't close: web1 has heard of the cut-over and web2 has not.
  const open = "flip last on web1";
  const nodes = await twoNodes();
  const next = (call: number) => declare(`1.${call + 1}.0`);
  const { outcome, killedAt } = await killAtEachCall(nodes, next, async (killedOne, at) => {
    if (at !== open) expect(new Set(await lives(nodes)).size, at).toBe(1);
    for (const node of Object.values(nodes)) node.lay({});
    expect(["live", "unchanged"], at).toContain((await rollOut(nodes, killedOne)).verdict);
    expect(await lives(nodes), at).toEqual([idOf(killedOne), idOf(killedOne)]);
  });
  expect(outcome.verdict).toBe("live");
  expect(killedAt.length).toBeGreaterThanOrEqual(12);
  expect(killedAt).toContain(open);
}, 120_000);

/** A session that a test leads by itself. */
const sessionWith = (node: FakeNode, name: string): Session => sessionOver(node.channel(), name);
const sessionOver = (channel: Channel, node: string): Session =>
  new Session({ node, channel, onEvent: () => undefined, explain: () => ({ code: "unreachable", message: "dead" }) });

/** A check alone can be not ok; only what a verb may be asked for can fail. */
const makesSense = (fault: Fault): boolean => fault.kind !== "not-ok" || fault.verb === "check";
