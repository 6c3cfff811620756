// What is told of a preview besides what its commands say themselves.
import { expect, test } from "vitest";
import { previewChanges, type Preview } from "../../cli/preview-steps.ts";
import type { Changes } from "../../components/plan/changes.ts";

const variables = { site: "blog", release: "1.0.0-aaaaaaaa.aaaaaaaa", version: "1.0.0", nodes: "web1", locations: "*/blog" };

/** A preview in which the rollout of one site is another one. */
const rollout = (changed: Record<string, string>): Preview => ({
  diagnostics: [],
  steps: [
    {
      op: "update",
      urn: "urn:pulumi:dev::silverlining::silver:resources:Site$command:local:Command::blog-rollout",
      oldState: { type: "command:local:Command", inputs: { environment: variables } },
      newState: { type: "command:local:Command", inputs: { environment: { ...variables, ...changed } } },
    },
  ],
});

/** What git says of a site that its base does not have. */
const planned: Changes = {
  environment: "dev",
  untouched: [],
  broken: [],
  changes: [
    {
      subject: "site",
      name: "blog",
      kind: "added",
      to: "1.0.0-bbbbbbbb.bbbbbbbb",
      notes: [],
      details: [{ about: "on", name: "web1", to: "web1" }],
      why: [],
      data: [],
      runs: ["blog-rollout"],
    },
  ],
};

test.each([
  ["other bytes alone", { release: "1.0.0-bbbbbbbb.bbbbbbbb" }, []],
  ["another version", { release: "1.1.0-bbbbbbbb.bbbbbbbb", version: "1.1.0" }, ["version"]],
])("of a site that git does not have yet, and that runs already, what changes now is told: %s", (_, changed, about) => {
  const background = { environment: "dev", sites: ["blog"], broken: [], program: [], planned };
  const [change, ...others] = previewChanges(rollout(changed), background).changes;
  expect(others).toEqual([]);
  expect(change).toMatchObject({ kind: "changed", why: ["new on this branch, and deployed already"] });
  expect(change?.details.map((detail) => detail.about)).toEqual(about);
});

test("a node and a site of one name are two changes, each with its own words", () => {
  const type = "command:local:Command";
  const machine = (op: string, hostKey: string) => ({
    op,
    urn: `urn:pulumi:dev::silverlining::silver:machines:HostMachine$${type}::blog-machine`,
    oldState: { type, inputs: { environment: { os: "debian-12", address: "10.0.0.1", hostKey: "A" } } },
    newState: { type, inputs: { environment: { os: "debian-12", address: "10.0.0.1", hostKey } } },
  });
  const { steps, diagnostics } = rollout({ version: "1.1.0", release: "1.1.0-bbbbbbbb.bbbbbbbb", nodes: "blog" });
  const background = { environment: "dev", sites: ["blog"], broken: [], program: [] };
  const found = previewChanges({ steps: [...steps, machine("update", "B")], diagnostics }, background);
  expect(found.changes.map(({ subject, name, kind }) => [subject, name, kind])).toEqual([
    ["node", "blog", "replaced"],
    ["site", "blog", "changed"],
  ]);
  const alone = previewChanges({ steps: [machine("update", "B")], diagnostics }, background);
  expect(alone.untouched).toEqual(["blog"]);
});

test("what a node has of memory, trusted proxies and https is told by what was deployed, which git may not know", () => {
  const type = "command:remote:Command";
  const head = (...lines: string[]) => ["# node: web1 (debian-12)", "# packages: a", "# sites: blog", ...lines].join("\n");
  const step = {
    op: "update",
    urn: `urn:pulumi:dev::silverlining::silver:resources:Node$${type}::web1-state`,
    oldState: { type, inputs: { create: head("# memory: 8G", "# trusts: 10.0.0.1", "# https: authority local") } },
    newState: { type, inputs: { create: head("# memory: 16G") } },
  };
  const background = { environment: "dev", sites: ["blog"], broken: [], program: [] };
  expect(previewChanges({ steps: [step], diagnostics: [] }, background).changes[0]?.details).toEqual([
    { about: "memory", from: "8G", to: "16G" },
    { about: "trust_proxies", name: "10.0.0.1", from: "10.0.0.1" },
    { about: "https", from: "authority local" },
  ]);
  const machine = (variables: object) => ({
    type: "command:local:Command",
    inputs: { environment: { os: "debian-12", ...variables } },
  });
  const gone = {
    op: "update",
    urn: "urn:pulumi:dev::silverlining::silver:machines:LocalMachine$command:local:Command::web1-machine",
    oldState: machine({ authority: "local" }),
    newState: machine({}),
  };
  // That is told as https, and is no other way to reach it.
  const [change] = previewChanges({ steps: [gone, step], diagnostics: [] }, background).changes;
  expect(change?.details.map(({ about }) => about)).toEqual(["memory", "trust_proxies", "https"]);
});

test("data of a service that becomes one of another type is left behind, also where git knows nothing of it", () => {
  const type = "command:local:Command";
  const step = {
    op: "update",
    urn: `urn:pulumi:dev::silverlining::silver:resources:Site$${type}::blog-rollout`,
    oldState: { type, inputs: { environment: { ...variables, service_db: "postgres 2048M" } } },
    newState: { type, inputs: { environment: { ...variables, service_db: "files 1024M" } } },
  };
  const background = { environment: "dev", sites: ["blog"], broken: [], program: [] };
  const data = (...steps: (typeof step)[]) => previewChanges({ steps, diagnostics: [] }, background).changes[0]?.data;
  expect(data(step)).toEqual(["db"]);
  expect(data({ ...step, newState: { type, inputs: { environment: { ...variables, service_db: "postgres 1024M" } } } })).toEqual(
    [],
  );
});

test("what git alone tells of a site's processes is not hidden by their number, which the preview tells", () => {
  const processes = (name: string, from: string, to: string) => ({ about: "processes", name, from, to });
  const [count, memory] = [processes("count", "8", "4"), processes("memory", "400M", "64M")];
  const git: Changes = {
    ...planned,
    changes: planned.changes.map((change) => ({ ...change, kind: "changed", details: [count, memory] })),
  };
  const preview = rollout({ processes: "4 x 1", release: "1.0.0-aaaaaaaa.bbbbbbbb" });
  const [change] = previewChanges(preview, {
    environment: "dev",
    sites: ["blog"],
    broken: [],
    program: [],
    planned: git,
  }).changes;
  expect(change?.details).toEqual([{ about: "processes", to: "4 x 1" }, memory]);
});
