// What a site would lose by a change: by git's files, by what is deployed, and by a preview of both.
import { describe, expect, test } from "vitest";
import { decide, renderChanges } from "../../cli/comment.ts";
import { previewChanges, type Preview } from "../../cli/preview-steps.ts";
import { planChanges, type Changes, type Rendered } from "../../components/plan/changes.ts";
import { judgeLosses, standingOf, standingOfCommands } from "../../components/plan/losses.ts";
import { renderRelease } from "../../components/render/release.ts";
import { summary } from "../../components/services/registry.ts";
import { planned } from "../support/plan-of.ts";

interface Sketch {
  nodes?: string;
  on?: string;
  services?: string;
  more?: string;
  sites?: string;
}

const key = (last: string) => `"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAA${last}"`;
const host = (name: string, address: string, last: string, os = "debian-12") =>
  `  ${name}: {host: ${address}, os: ${os}, hostKey: ${key(last)}}\n`;
const second = host("web2", "10.0.0.2", "B");
const two = host("web1", "10.0.0.1", "A") + second;
const local = (os: string) => `  web1: {local: true, os: ${os}}\n`;
const both = "services: {db: {type: postgres}, files: {quota: 1G}}";

function planOf({ nodes = two, on = "web1", services = both, more = "", sites }: Sketch) {
  const blog = `sites:\n  blog: {app: apps/blog, nodes: [${on}], locations: [blog.acme.net]}\n`;
  return planned({
    "dev.yaml": `${more}nodes:\n${nodes}${sites ?? blog}`,
    "apps/blog/app.yaml": `name: blog\nversion: 1.4.0\nrunner: src/wsgi.py\n${services}\n`,
  });
}

function rendered(sketch: Sketch): Rendered {
  const plan = planOf(sketch);
  return { plan, releases: Object.fromEntries(plan.sites.map((each) => [each.name, renderRelease(each).id])) };
}

/** Machines of one name: what a change of the environment alone would show no harm of. */
const moves: [string, Sketch, Sketch, string][] = [
  [
    "a site on another node",
    {},
    { on: "web2" },
    "db, files of blog would start empty on web2: the data stays on web1, and moving it is not built yet",
  ],
  [
    "a node with another host key",
    {},
    { nodes: host("web1", "10.0.0.1", "C") + second },
    "web1 is another machine by its host key: db, files of blog would start empty there",
  ],
  [
    "a node at another address",
    {},
    { nodes: host("web1", "10.0.0.9", "A") + second },
    "web1 is another machine by its address: db, files of blog would start empty there",
  ],
  [
    "a host of another system",
    {},
    { nodes: host("web1", "10.0.0.1", "A", "debian-13") + second },
    "web1 changes from debian-12 to debian-13: db, files of blog would start empty there",
  ],
  [
    "a local node that becomes a host",
    { nodes: local("debian-12") },
    {},
    "web1 is another machine: db, files of blog would start empty there",
  ],
];

describe.each(moves)("%s, with data", (_, one, other, message) => {
  const found = planChanges(rendered(one), rendered(other));

  test("is DATA, refused by name, and nobody can accept it", () => {
    expect(found.changes.find(({ name }) => name === "blog")?.losses?.map((loss) => loss.message)).toEqual([message]);
    expect(decide(found, []).stopped).toEqual(expect.arrayContaining(["DATA blog", "refused blog"]));
    expect(decide(found, ["DATA", "REPLACED", "RETIRED", "PROGRAM"])).toEqual({ stopped: ["refused blog"], canMerge: false });
    const lines = renderChanges(found, []);
    expect(lines[0]).toContain(" · DATA blog · ");
    expect(lines.join("\n")).toContain(`refused: ${message}\n`);
    expect(lines[0]).not.toContain("no data touched");
  });

  test("is found in what is deployed, too", () => {
    const deployed = standingOfCommands(commandsOf(one));
    expect(deployed).toEqual(standingOf(planOf(one)));
    const circumstances = { isProtected: false, broken: [] };
    expect(judgeLosses(deployed, standingOf(planOf(other)), circumstances)).toMatchObject([
      { subject: "site", name: "blog", message },
    ]);
  });

  test.each(["", "services: {cache: {type: memcached}, hot: {type: redis}}"])("without data (%s) is none", (services) => {
    const none = { services };
    const deployed = standingOfCommands(commandsOf({ ...one, ...none }));
    expect(judgeLosses(deployed, standingOf(planOf({ ...other, ...none })), { isProtected: false, broken: [] })).toEqual([]);
    const bare = planChanges(rendered({ ...one, ...none }), rendered({ ...other, ...none }));
    expect(decide(bare, ["REPLACED"])).toEqual({ stopped: [], canMerge: true });
  });
});

describe("a Redis that keeps its data, and would delete some of it", () => {
  const redis = (options: string) => ({ services: `services: {queue: {type: redis, persist: true, ${options}}}` });
  const large = redis("memory: 64M, policy: allkeys-lru");
  const smaller = redis("memory: 16M, policy: allkeys-lru");
  const words = "queue of blog may delete data: what does not fit into 16M";

  test.each([
    ["by less memory", large, smaller, words],
    [
      "by a policy that deletes",
      redis("memory: 64M"),
      redis("memory: 64M, policy: volatile-ttl"),
      "queue of blog may delete data: volatile-ttl does once its memory is full",
    ],
  ])("%s, is DATA, by git and by the preview", (_, one, other, message) => {
    const found = planChanges(rendered(one), rendered(other));
    expect(decide(found, []).stopped).toEqual(["DATA blog"]);
    expect(renderChanges(found, []).join("\n")).toContain(message);
    expect(decide(found, ["DATA"]).canMerge).toBe(true);
    const steps = commandsOf(one).flatMap(({ name, variables }, index) => {
      const inputs = (each: Record<string, string>) => ({ type: "command:local:Command", inputs: { environment: each } });
      const newState = inputs(commandsOf(other)[index]?.variables ?? {});
      return [{ op: "update", urn: `urn:x::${name}`, oldState: inputs(variables), newState }];
    });
    const previewed = previewChanges(
      { steps, diagnostics: [] },
      { environment: "dev", sites: ["blog"], broken: [], program: [] },
    );
    expect(decide(previewed, []).stopped).toContain("DATA blog");
  });

  test("is refused where the environment is protected", () => {
    const more = "protected: true\n";
    const found = planChanges(rendered({ ...large, more }), rendered({ ...smaller, more }));
    expect(decide(found, ["DATA"]).stopped).toEqual(["refused blog"]);
  });

  test.each([
    ["more memory", smaller, large],
    ["less memory, and a policy that refuses what does not fit", large, redis("memory: 16M, policy: noeviction")],
    ["another policy that deletes", large, redis("memory: 64M, policy: allkeys-lfu")],
    [
      "a cache with less",
      { services: "services: {hot: {type: redis}}" },
      { services: "services: {hot: {type: redis, memory: 16M}}" },
    ],
  ])("is not one with %s", (_, one, other) => {
    expect(decide(planChanges(rendered(one), rendered(other)), [])).toEqual({ stopped: [], canMerge: true });
  });
});

/** The commands of a stack, as its state has them. */
function commandsOf(sketch: Sketch) {
  const { plan, releases } = rendered(sketch);
  return [
    ...plan.nodes.map(({ name, os, machine }) => ({
      name: `${name}-machine`,
      variables: { os, ...(machine.kind === "host" ? { address: machine.host, port: "22", hostKey: machine.hostKey } : {}) },
    })),
    ...plan.sites.map(({ name, version = "", nodes, services = [] }) => ({
      name: `${name}-rollout`,
      variables: {
        site: name,
        version,
        release: releases[name] ?? "",
        nodes: nodes.join(" "),
        ...Object.fromEntries(services.map((service) => [`service_${service.name}`, summary(service)])),
      },
    })),
  ];
}

test("a host whose key changes is replaced, whatever is on it", () => {
  const found = planChanges(
    rendered({ services: "" }),
    rendered({ services: "", nodes: host("web1", "10.0.0.1", "C") + second }),
  );
  expect(decide(found, []).stopped).toContain("REPLACED web1");
});

test("so is one whose key only begins otherwise, which is not what reviewers are shown of it", () => {
  const other = (first: string) => ({
    services: "",
    nodes: `  web1: {host: 10.0.0.1, os: debian-12, hostKey: "ssh-ed25519 ${first}AAC3NzaC1lZDI1NTE5AAAA"}\n${second}`,
  });
  const found = planChanges(rendered(other("A")), rendered(other("B")));
  expect(decide(found, []).stopped).toEqual(["REPLACED web1"]);
  expect(renderChanges(found, []).join("\n")).toContain("machine  ssh-ed25519 AAAC3NzaC1lZDI1NTE5AAAA → ssh-ed25519 BAAC3");
});

test("a local machine made anew takes the data of its sites along, which a person may accept", () => {
  const found = planChanges(rendered({ nodes: local("debian-12") }), rendered({ nodes: local("debian-13") }));
  expect(decide(found, []).stopped).toEqual(["REPLACED web1", "DATA blog"]);
  expect(decide(found, ["REPLACED", "DATA"]).canMerge).toBe(true);
});

test("a host that is only reached by another port or jump host keeps its data", () => {
  const other = { nodes: two.replace("os:", "port: 2222, os:"), more: "ssh: {proxy: b.acme.net}\n" };
  expect(decide(planChanges(rendered({}), rendered(other)), []).canMerge).toBe(true);
});

describe("a protected environment", () => {
  const isProtected = "protected: true\n";
  const without = { sites: "sites: {}\n" };

  test.each([
    ["a site with data that goes", {}, without, "blog has data (db, files), and a protected environment keeps it"],
    [
      "a service that goes",
      {},
      { services: "services: {db: {type: postgres}}" },
      "blog no longer has files, and a protected environment keeps the data",
    ],
    [
      "a service that becomes one of another type",
      { services: "services: {db: {type: postgres}}" },
      { services: "services: {db: {type: files}}" },
      "blog no longer has db (postgres), and a protected environment keeps the data",
    ],
    [
      "a local machine made anew",
      { nodes: local("debian-12") },
      { nodes: local("debian-13") },
      "web1 changes from debian-12 to debian-13: db, files of blog would start empty there",
    ],
  ] as const)("refuses %s, also where the same change takes protected out", (_, one, other, message) => {
    for (const more of [isProtected, ""]) {
      const found = planChanges(rendered({ ...one, more: isProtected }), rendered({ ...other, more }));
      expect(found.changes.flatMap(({ losses = [] }) => losses)).toMatchObject([
        { subject: "site", name: "blog", message, refused: /./ },
      ]);
      expect(decide(found, ["DATA", "REPLACED", "RETIRED"]).stopped).toEqual(["refused blog"]);
    }
    const found = planChanges(rendered(one), rendered(other));
    expect(decide(found, ["DATA", "REPLACED", "RETIRED"]).canMerge).toBe(true);
  });

  test("keeps its nodes", () => {
    const one = { services: "", more: isProtected };
    const found = planChanges(rendered(one), rendered({ ...one, nodes: host("web1", "10.0.0.1", "A") }));
    expect(decide(found, ["RETIRED"]).stopped).toEqual(["refused web2"]);
    expect(renderChanges(found, []).join("\n")).toContain("refused: web2 goes, and a protected environment keeps its nodes\n");
  });

  test("lets a site without data go", () => {
    const bare = { services: "", more: isProtected };
    expect(decide(planChanges(rendered(bare), rendered({ ...bare, ...without })), ["RETIRED"]).canMerge).toBe(true);
  });

  test.each([
    [isProtected, "1.4.0", ["refused blog"]],
    [isProtected, "1.4.1", []],
    ["", "1.4.0", []],
  ])("refuses other bytes under one version (%j, %s)", (more, version, stopped) => {
    const one = rendered({ more });
    const [site] = one.plan.sites;
    if (site === undefined) throw new Error("the plan has a site");
    const entry = { path: "a", type: "link", target: "b" } as const;
    const bundle = { ...site.bundle, id: `${version}-11111111`, digest: "1".repeat(64), entries: [entry] };
    const now = { ...site, version, bundle };
    const other = { plan: { ...one.plan, sites: [now] }, releases: { blog: renderRelease(now).id } };
    expect(decide(planChanges(one, other), []).stopped).toEqual(stopped);
  });
});

test("a service of another type under the name of one starts empty, and is no loss of the site on another node", () => {
  const [one, other] = [{ services: "services: {db: {type: postgres}}" }, { services: "services: {db: {type: files}}" }];
  const found = planChanges(rendered(one), rendered({ ...other, on: "web2" }));
  expect(decide(found, []).stopped).toEqual(["DATA blog"]);
});

test("a preview shows the loss of what is deployed, which git may not know of", () => {
  const states = [commandsOf({}), commandsOf({ on: "web2" })].map((commands) =>
    commands.map(({ name, variables }) => ({ name, inputs: { environment: variables } })),
  );
  const steps = (states[0] ?? []).map(({ name, inputs }, index) => ({
    op: "update",
    urn: `urn:pulumi:dev::silverlining::x::${name}`,
    oldState: { type: "command:local:Command", inputs },
    newState: { type: "command:local:Command", inputs: states[1]?.[index]?.inputs ?? {} },
  }));
  const preview: Preview = { diagnostics: [], steps };
  const found = previewChanges(preview, { environment: "dev", sites: ["blog"], broken: [], program: [] });
  expect(decide(found, ["DATA"]).stopped).toContain("refused blog");
});

describe("the program itself", () => {
  const changes: Changes = { environment: "dev", changes: [], untouched: ["blog"], broken: [], notJudged: ["components/"] };

  test("that changed and did not run here is not judged: nothing is said to stay as it is, until a person accepts it", () => {
    expect(renderChanges(changes, [])).toEqual([
      "dev · not judged: components/ changed · ✘ PROGRAM components/",
      "not judged  blog",
    ]);
    expect(decide(changes, ["PROGRAM"]).canMerge).toBe(true);
    const more = planChanges(rendered({}), rendered({ services: "", on: "web2" }));
    expect(renderChanges({ ...more, notJudged: ["components/"] }, [])[0]).toMatch(
      /^dev · not judged: components\/ changed · 1 site changes · DATA blog · /,
    );
  });
});

test("where the preview failed its reasons are shown below what git says, and nobody can accept that", () => {
  const changes: Changes = { environment: "dev", changes: [], untouched: [], broken: [], failed: ["error: no", "  value"] };
  expect(decide(changes, ["DATA", "REPLACED", "RETIRED", "PROGRAM"]).stopped).toEqual(["the preview failed"]);
  expect(renderChanges(changes, []).slice(1)).toEqual([
    "✘ the preview failed; what is above is what git says:",
    "  error: no",
    "    value",
  ]);
});
