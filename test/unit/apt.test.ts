// What apt on the nodes knows besides the distribution, from the environment to what a node receives and a reviewer sees.
import { hash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { parseManifest } from "../../components/manifest/parse.ts";
import { planChanges } from "../../components/plan/changes.ts";
import type { Plan } from "../../components/plan/plan.ts";
import { installCommand } from "../../components/node/install-command.ts";
import { aptFacts } from "../../components/plan/apt.ts";
import { planEnvironment } from "../../components/plan/plan-environment.ts";
import { renderRelease } from "../../components/render/release.ts";
import { renderNodeState } from "../../components/render/node-state.ts";
import { parseEnvironment } from "../../components/environment/parse.ts";
import { planned } from "../support/plan-of.ts";

const nodes = "nodes:\n  web1: {local: true, os: debian-12}\n  web2: {local: true, os: debian-13}\n";
const key = `|\n        -----BEGIN PGP PUBLIC KEY BLOCK-----\n\n        ${"mQIN".repeat(16)}\n        =abcd\n        -----END PGP PUBLIC KEY BLOCK-----\n`;
const source = (changes = "", uri = "https://apt.acme.net/debian") =>
  `apt:\n  sources:\n    own:\n      uri: ${uri}\n      suites: [stable]\n      components: [main, extra]\n      key: ${key}${changes}`;

const planWith = (text: string): Plan => planned({ "dev.yaml": `${text}${nodes}` });
const stateOf = (plan: Plan, name: string) => {
  const node = plan.nodes.find((each) => each.name === name);
  if (node === undefined) throw new Error(`no node ${name}`);
  return renderNodeState(plan, node);
};

test("a source is one file with its key inside, and nothing of it goes before the distribution but what is named", () => {
  const { apt } = stateOf(planWith(source("      packages: [nginx, libnginx-mod]\n")), "web1");
  expect(apt?.sources).toEqual({
    own: `# Made by silver: the source own of the environment.
Types: deb
URIs: https://apt.acme.net/debian
Suites: stable
Components: main extra
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 ${"mQIN".repeat(16)}
 =abcd
 -----END PGP PUBLIC KEY BLOCK-----
`,
  });
  expect(apt?.pins).toBe(`# Made by silver: no source replaces a package of the distribution that is not named for it.

Package: *
Pin: origin "apt.acme.net"
Pin-Priority: 50

Package: nginx libnginx-mod
Pin: origin "apt.acme.net"
Pin-Priority: 990
`);
});

test("it is every node's, or that of the nodes that are named; a node without one receives nothing", () => {
  const plan = planWith(source("      nodes: [web2]\n"));
  expect(stateOf(plan, "web1")).not.toHaveProperty("apt");
  expect(Object.keys(stateOf(plan, "web2").apt?.sources ?? {})).toEqual(["own"]);
  expect(stateOf(planWith(""), "web1")).not.toHaveProperty("apt");
  const answers = stateOf(planWith('apt: {answers: ["ab ab/c string c d"]}\n'), "web1").apt;
  expect(answers).toEqual({ sources: {}, pins: expect.any(String) as string, answers: "ab ab/c string c d\n" });
});

test("a reviewer sees each, by its address and its key, and what comes before the distribution", () => {
  const found = planChanges(
    { plan: planWith(""), releases: {} },
    {
      plan: planWith(`${source("      nodes: [web1]\n      packages: [nginx]\n")}  answers: ["ab ab/c string c"]\n`),
      releases: {},
    },
  );
  const text = "https://apt.acme.net/debian stable main extra, key sha256:00, before the distribution for nginx";
  const [first, second] = found.changes;
  const shown = first?.details.map(({ about, name, to }) => [
    about,
    name,
    to?.replace(/key sha256:[0-9a-f]{64}/, "key sha256:00"),
  ]);
  expect(shown).toEqual([
    ["apt", "own", text],
    ["answers", "ab ab/c string c", "ab ab/c string c"],
  ]);
  expect(first?.runs).toEqual(["web1-state"]);
  expect(second?.details.map(({ about }) => about)).toEqual(["answers"]);
  const { apt } = planWith(source()).nodes[0] ?? {};
  const facts = { node: "web1", os: "debian-12", packages: [], sites: [], routes: [], agent: "0".repeat(64), user: "root" };
  const command = installCommand({ ...facts, apt: apt === undefined ? [] : aptFacts(apt) });
  expect(command).toMatch(/^# apt: own https:\/\/apt\.acme\.net\/debian stable main extra, key sha256:[0-9a-f]{64}$/m);
});

test("a key is told whose digest begins as that of the one before does", () => {
  // Such two are found within a second: the text of a key has room for remarks.
  const [one, other] = ["74857", "118043"].map((remark) => planWith(source().replace("=abcd", `=${remark}`)));
  if (one === undefined || other === undefined) throw new Error("there are two");
  const [own, its] = [one, other].map(({ nodes: [node] }) => node?.apt);
  const begin = (apt: typeof own) => hash("sha256", apt?.sources[0]?.key.trim() ?? "").slice(0, 8);
  expect([begin(own), begin(its)]).toEqual(["5b4d0771", "5b4d0771"]);
  const [change] = planChanges({ plan: one, releases: {} }, { plan: other, releases: {} }).changes;
  expect(change?.details.map(({ about, name }) => [about, name])).toEqual([["apt", "own"]]);
  // The preview compares what a node's command tells.
  expect(own && aptFacts(own)).not.toEqual(its && aptFacts(its));
});

describe("refused", () => {
  const refused = (text: string) =>
    parseEnvironment(`${text}${nodes}`, "stacks/dev.yaml", "dev").issues.map(({ code, message }) => `${code}: ${message}`);
  const own = "is the distribution's own archive";

  test.each([
    [source("", "http://deb.debian.org/debian"), `apt-source: the source own is at deb.debian.org, which ${own}`],
    [source("", "http://de.archive.ubuntu.com/ubuntu"), `apt-source: the source own is at de.archive.ubuntu.com, which ${own}`],
    [source().replace("[main, extra]", "[]"), "apt-source: the source own has suites and no components"],
    [source().replace("[stable]", "[/]"), "apt-source: the source own has the suite /, and components or other suites"],
    [source("      nodes: [web3]\n"), "unknown-node: the source own is for web3, which is not a node of this environment"],
    [source("", "https://user:pw@apt.acme.net"), "bad-text: "],
    [source("", "file:///srv/apt"), "bad-text: "],
    [source("", "https://apt.acme.net:99999/debian"), "bad-text: "],
    [source("      packages: [nginx=1.2]\n"), "bad-package: "],
    [source().replace("PUBLIC", "PRIVATE"), "bad-text: apt.sources.own.key is a text that is not shown"],
    [source().replace(/ {6}key: [^]*/, ""), "missing-key: apt.sources.own has no key"],
    ['apt: {answers: ["ab ab/c password hunter2"]}\n', "bad-text: "],
    ['apt: {answers: ["ab ab/c string c\\n d"]}\n', "bad-text: "],
  ])("%#", (text, message) => {
    const [first = "", ...others] = refused(text);
    expect(first).toContain(message);
    expect(others).toEqual([]);
  });
});

describe("packages that an app brings as files", () => {
  const path = "vendor/own.deb";
  const withDeb = (allowed: string, has = path) => {
    const environment = parseEnvironment(
      `apt: {debs: ${allowed}}\n${nodes}sites: {blog: {app: apps/blog, nodes: [web1], locations: ["*"]}}\n`,
      "stacks/dev.yaml",
      "dev",
    );
    const manifest = parseManifest(`name: blog\nrunner: src/wsgi.py\ndebs: [${path}]\n`, "apps/blog/app.yaml");
    if (environment.value === undefined || manifest.value === undefined) throw new Error("both are right");
    const entries = [{ path: has, type: "file" as const, executable: false, sha256: "ab".repeat(32), size: 9 }];
    const bundle = { id: "3fa2c1d0", digest: "3fa2c1d0".repeat(8), app: "apps/blog", entries };
    return planEnvironment(environment.value, new Map([["blog", { issues: [], value: { manifest: manifest.value, bundle } }]]));
  };

  test("go with the release, by their hashes", () => {
    const { value, issues } = withDeb("[blog]");
    expect(issues).toEqual([]);
    const site = value?.sites[0];
    expect(site?.debs).toEqual([{ path, digest: "ab".repeat(32) }]);
    expect(site === undefined ? undefined : renderRelease(site).debs).toEqual(site?.debs);
    if (value === undefined) throw new Error("there is a plan");
    const added = planChanges(undefined, { plan: value, releases: { blog: "3fa2c1d0.00000000" } });
    const text = `${path} sha256:${"ab".repeat(32)}`;
    const details = added.changes.find(({ subject }) => subject === "site")?.details;
    expect(details).toContainEqual({ about: "debs", name: text, to: text });
  });

  test("are told whose digests only begin as before", () => {
    const withDigest = (end: string): Plan => {
      const { value } = withDeb("[blog]");
      if (value === undefined) throw new Error("there is a plan");
      const digest = `${"ab".repeat(31)}${end}`;
      return { ...value, sites: value.sites.map((site) => ({ ...site, debs: [{ path, digest }] })) };
    };
    const [one, other] = [withDigest("00"), withDigest("01")].map((plan) => ({ plan, releases: { blog: "3fa2c1d0.00000000" } }));
    if (one === undefined || other === undefined) throw new Error("there are two");
    const details = planChanges(one, other).changes.flatMap((change) => change.details);
    expect(details.map(({ about }) => about)).toEqual(["debs", "debs"]);
  });

  test("are refused where the environment does not allow them, or the app does not have them", () => {
    const codes = (...words: Parameters<typeof withDeb>) => withDeb(...words).issues.map(({ code }) => code);
    expect(codes("[]")).toEqual(["debs-not-allowed"]);
    expect(codes("[blog]", "vendor/other.deb")).toEqual(["missing-file"]);
    const text = `apt: {debs: [blok]}\n${nodes}sites: {blog: {app: apps/blog, nodes: [web1]}}\n`;
    expect(parseEnvironment(text, "stacks/dev.yaml", "dev").issues).toMatchObject([
      { code: "unknown-site", fix: "did you mean blog?" },
    ]);
  });
});
