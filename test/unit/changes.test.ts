// What differs between two plans, and what runs because of it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide, renderChanges, renderMarkdown } from "../../cli/comment.ts";
import { planChanges, type Change, type Rendered } from "../../components/plan/changes.ts";
import type { SitePlan } from "../../components/plan/plan.ts";
import { renderRelease } from "../../components/render/release.ts";
import { planned, planOf } from "../support/plan-of.ts";

interface Sketch {
  nodes?: string;
  manifest?: string;
  /** Below `blog`, besides its app. */
  site?: string;
  more?: string;
}

function rendered({
  nodes = "  web1: {local: true, os: debian-12}",
  manifest = "version: 1.4.0",
  site = "",
  more = "",
}: Sketch): Rendered {
  const plan = planned({
    "dev.yaml": `nodes:\n${nodes}\nsites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"]${site}}\n${more}`,
    "apps/blog/app.yaml": `name: blog\nrunner: src/wsgi.py\n${manifest}\n`,
    "apps/wiki/app.yaml": "name: wiki\nrunner: src/wsgi.py\n",
  });
  return { plan, releases: Object.fromEntries(plan.sites.map((each) => [each.name, renderRelease(each).id])) };
}

const between = (one: Sketch, other: Sketch) => planChanges(rendered(one), rendered(other));

/** The one change of an environment. */
function only(one: Sketch, other: Sketch): Change {
  const { changes } = between(one, other);
  const [first, ...others] = changes;
  expect(others).toEqual([]);
  if (first === undefined) throw new Error("nothing changes");
  return first;
}

const wiki = "  wiki: {app: apps/wiki, nodes: [web1], locations: [wiki.example.org]}\n";

test("equal plans change nothing and run nothing", () => {
  const found = between({ more: wiki }, { more: wiki });
  expect(found).toEqual({ environment: "dev", changes: [], untouched: ["blog", "wiki"], broken: [] });
  expect(renderChanges(found, [])).toEqual([
    "dev · 0 sites change, 2 untouched · no machine replaced · no data touched · ✔ can merge",
    "unchanged  blog, wiki",
  ]);
});

test("a new version is an upgrade, an older one a downgrade", () => {
  const later = { manifest: "version: 1.10.0" };
  expect(only({}, later)).toMatchObject({ kind: "changed", notes: ["▲ upgrade"], details: [{ from: "1.4.0", to: "1.10.0" }] });
  expect(only(later, {}).notes).toEqual(["▼ downgrade"]);
});

test("other files are never said to be the same bytes, also where the digests of both begin alike", () => {
  const withFile = (digit: string): Rendered => {
    const { plan } = rendered({});
    const entries = [{ path: "a", type: "file" as const, executable: false, sha256: digit.repeat(64), size: 1 }];
    const sites = plan.sites.map((site) => {
      const bundle = { ...site.bundle, digest: `${site.bundle.digest.slice(0, 63)}${digit}`, entries };
      return { ...site, bundle };
    });
    return { plan: { ...plan, sites }, releases: { blog: sites[0] === undefined ? "" : renderRelease(sites[0]).id } };
  };
  const { changes } = planChanges(withFile("1"), withFile("2"));
  expect(changes).toMatchObject([{ notes: ["same version, other bytes"], details: [{ about: "files" }] }]);
});

test("where a changed site answers is told, as far as its machines don't have to be there first", () => {
  const host = "  web1: {host: 10.0.0.7, os: debian-12, hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA}";
  const site = { manifest: "version: 1.5.0", more: wiki };
  expect(only({ nodes: host, more: wiki }, { nodes: host, ...site }).urls).toEqual(["http://10.0.0.7/"]);
  expect(only({ more: wiki }, site).urls).toBeUndefined();
  const { changes } = between({}, { more: wiki.replace("[wiki", '[.example.net, "wiki.example.org/w", wiki') });
  expect(changes.at(-1)?.urls).toEqual(["http://wiki.example.org/w", "http://wiki.example.org/", "http://example.net/"]);
  expect(renderChanges(between({}, { more: wiki }), [])).toContain("           url        http://wiki.example.org/");
});

test("config is told by value, a secret by its version alone, and runs new processes of the same bytes", () => {
  const found = only(
    { site: ", config: {SIGNUPS: 'on', KEY: {secret: 2}, OLD: x}" },
    { site: ", config: {SIGNUPS: 'off', KEY: {secret: 3}, STRIPE_KEY: {secret: 1}}" },
  );
  expect(found.notes).toEqual(["same bytes: new processes, no migration"]);
  expect(found.details).toEqual([
    { about: "config", name: "KEY", from: "secret, version 2", to: "secret, version 3" },
    { about: "config", name: "OLD", from: '"x"' },
    { about: "config", name: "SIGNUPS", from: '"on"', to: '"off"' },
    { about: "config", name: "STRIPE_KEY", to: "secret, version 1" },
  ]);
  expect(found.runs).toEqual(["blog-rollout"]);
});

test("processes, packages and checks are told with what they were", () => {
  const found = only(
    { manifest: "packages: [curl]" },
    { manifest: "packages: [git]\nprocesses: {count: 4}\ncheck: {path: /health}" },
  );
  expect(found.details).toEqual([
    { about: "packages", name: "curl", from: "curl" },
    { about: "packages", name: "git", to: "git" },
    { about: "processes", name: "count", from: "8", to: "4" },
    { about: "check", name: "path", from: "/", to: "/health" },
    { about: "check", name: "status", to: "200" },
  ]);
});

test("a new site runs its rollout and sets its node up; a removed one is RETIRED until somebody accepts it", () => {
  const found = between({}, { more: wiki });
  expect(found.changes.map(({ name, kind, runs }) => [name, kind, runs])).toEqual([
    ["web1", "changed", ["web1-state"]],
    ["wiki", "added", ["wiki-rollout"]],
  ]);
  expect(decide(found, [])).toEqual({ stopped: [], canMerge: true });
  const back = between({ more: wiki }, {});
  expect(decide(back, [])).toEqual({ stopped: ["RETIRED wiki"], canMerge: false });
  expect(decide(back, ["RETIRED"]).canMerge).toBe(true);
});

test("another system makes a local machine anew, and rolls out each site on it, with the why", () => {
  const found = between({ more: wiki }, { more: wiki, nodes: "  web1: {local: true, os: debian-13}" });
  expect(found.changes.map(({ name, kind, why }) => [name, kind, why])).toEqual([
    ["web1", "replaced", []],
    ["blog", "changed", ["web1 is replaced"]],
    ["wiki", "changed", ["web1 is replaced"]],
  ]);
  expect(decide(found, []).stopped).toEqual(["REPLACED web1"]);
  expect(renderChanges(found, [])[0]).toContain("REPLACED web1");
});

test("data of a service that goes is DATA", () => {
  const found = between({ manifest: "services: {files: {quota: 1G}}" }, {});
  expect(found.changes[0]).toMatchObject({ name: "blog", data: ["files"] });
  expect(decide(found, []).stopped).toEqual(["DATA blog"]);
  const services = (persist: boolean) => `services: {memcached: {}, redis: {persist: ${persist}}}`;
  expect(between({ manifest: services(true) }, {}).changes[0]).toMatchObject({ data: ["redis"] });
  expect(between({ manifest: services(false) }, {}).changes[0]).toMatchObject({ data: [] });
});

test("another release of a site in which nothing differs is unexplained, and nobody can accept it", () => {
  const one = rendered({});
  const found = planChanges(one, { ...one, releases: { blog: "1.4.0-3fa2c1d0.00000000" } });
  expect(decide(found, ["DATA", "REPLACED", "RETIRED"])).toEqual({ stopped: ["unexplained blog"], canMerge: false });
  expect(renderChanges(found, []).join("\n")).toContain("  blog-rollout: unexplained");
});

test("a long value hides no other one of the same kind in a comment", () => {
  const given = (long: string, other: string) => `, config: {A: "${long}", B: "${other}"}`;
  const [one, last] = [given("a", "one"), given("x".repeat(3000), "other")];
  const manifest = "version: 1.4.0\nconfig: {required: {A: a text, B: a text}}";
  const found = between({ manifest, site: one }, { manifest, site: last });
  const comment = renderMarkdown(found, [], []);
  expect(comment).toContain(`~ B "one" → "other"`);
  expect(comment).not.toContain("x".repeat(1000));
});

test("what an app team wrote can't leave the block it is quoted in", () => {
  const found = between({}, { site: ", config: {EVIL: '```\\n</details> @all'}" });
  const markdown = renderMarkdown(found, [], []);
  expect(markdown).toContain("\n````text\n");
  expect(markdown).toContain("\n````\n");
});

describe("whatever becomes of a site", () => {
  const sites = fc.record({
    version: fc.constantFrom("1.0.0", "1.2.0"),
    count: fc.integer({ min: 1, max: 9 }),
    value: fc.string(),
    secret: fc.integer({ min: 1, max: 5 }),
    requestSeconds: fc.integer({ min: 1, max: 60 }),
    retain: fc.integer({ min: 1, max: 9 }),
  });
  type Drawn = typeof sites extends fc.Arbitrary<infer T> ? T : never;
  const base = rendered({ site: ", config: {A: x, KEY: {secret: 1}}" });

  function draw({ version, count, value, secret, requestSeconds, retain }: Drawn): Rendered {
    const [site] = base.plan.sites as [SitePlan];
    const now: SitePlan = {
      ...site,
      version,
      retain,
      processes: { ...site.processes, count },
      timeouts: { ...site.timeouts, requestSeconds },
      config: { A: value },
      variables: { ...site.variables, A: value },
      secrets: { KEY: secret },
    };
    return { plan: { ...base.plan, sites: [now] }, releases: { blog: renderRelease(now).id } };
  }

  test("each other fact is told with its why, and equal facts are untouched", () => {
    fc.assert(
      fc.property(sites, sites, (one, other) => {
        const { changes } = planChanges(draw(one), draw(other));
        const facts = Object.keys(one).filter((key) => one[key as keyof Drawn] !== other[key as keyof Drawn]);
        expect(changes[0]?.details.length ?? 0).toBe(facts.length);
        expect(decide({ environment: "dev", changes, untouched: [], broken: [] }, []).canMerge).toBe(true);
      }),
    );
  });
});

describe("a broken site", () => {
  const whole = rendered({ more: wiki });
  const { value } = planOf({
    "dev.yaml": `nodes:\n  web1: {local: true, os: debian-12}\nsites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"]}\n${wiki}`,
    "apps/blog/app.yaml": "name: blog\nrunnr: src/wsgi.py\n",
    "apps/wiki/app.yaml": "name: wiki\nversion: 1.0.0\nrunner: src/wsgi.py\n",
  });
  if (value === undefined) throw new Error("one broken site, and there is no plan");
  const half = { plan: value, releases: Object.fromEntries(value.sites.map((each) => [each.name, renderRelease(each).id])) };

  test("is not removed, stops the merge by name, and hides no other change", () => {
    const found = planChanges(whole, half);
    expect(found.changes.map(({ name, kind }) => `${name} ${kind}`)).toEqual(["wiki changed"]);
    expect(found.untouched).toEqual([]);
    expect(decide(found, ["DATA", "REPLACED", "RETIRED"])).toEqual({ stopped: ["broken blog"], canMerge: false });
    expect(renderChanges(found, []).slice(0, 4)).toEqual([
      "dev · 1 site changes, 0 untouched · no machine replaced · no data touched · ✘ broken blog",
      "blog  broken: stays as it is",
      `      apps/blog/app.yaml:2:1 [unknown-key] "runnr" is not a key`,
      expect.stringMatching(/^wiki /),
    ]);
  });

  test("that is put right again is a change with its why", () => {
    expect(planChanges(half, whole).changes).toMatchObject([
      { name: "blog", kind: "changed", why: ["it was broken before"], runs: ["blog-rollout"] },
      { name: "wiki" },
    ]);
  });
});

test("100 sites on 10 nodes are rendered and compared within 2 s of processor time", () => {
  const nodes = Array.from({ length: 10 }, (_, index) => `  web${index}: {local: true, os: debian-12}`).join("\n");
  const many = (version: string) => () => {
    const sites = Array.from(
      { length: 100 },
      (_, index) => `  s${index}: {app: apps/s, nodes: [web${index % 10}], locations: [s${index}.example.org]}`,
    );
    const plan = planned({
      "dev.yaml": `nodes:\n${nodes}\nsites:\n${sites.join("\n")}\n`,
      "apps/s/app.yaml": `name: s\nrunner: src/wsgi.py\nversion: ${version}\n`,
    });
    return plan;
  };
  const [one, other] = [many("1.0.0")(), many("1.1.0")()];
  const start = process.cpuUsage();
  const releases = (plan: typeof one) => Object.fromEntries(plan.sites.map((site) => [site.name, renderRelease(site).id]));
  const found = planChanges({ plan: one, releases: releases(one) }, { plan: other, releases: releases(other) });
  const { user, system } = process.cpuUsage(start);
  const seconds = (user + system) / 1e6;
  expect(found.changes).toHaveLength(100);
  // Of the processor, and ten times what it takes: a busy machine must not fail it.
  expect(seconds).toBeLessThan(2);
  if (process.env.SILVER_MEASURE === "1") console.log(`render and compare: ${Math.round(seconds * 1000)} ms`);
});

test("a site that was broken and goes is told, and what it had is not said to stay", () => {
  const broken = { name: "blog", nodes: ["web1"], routes: [], issues: [] };
  const one = rendered({ more: wiki });
  const before = { ...one, plan: { ...one.plan, sites: one.plan.sites.filter(({ name }) => name !== "blog"), broken: [broken] } };
  const after = { ...before, plan: { ...before.plan, broken: [] } };
  const gone = planChanges(before, after);
  expect(gone.changes).toMatchObject([{ name: "blog", kind: "removed", why: ["it was broken before"] }]);
  expect(decide(gone, ["RETIRED"]).stopped).toEqual(["DATA blog"]);
  expect(renderChanges(gone, [])[0]).toContain(" · DATA blog · RETIRED blog · ✘ ");
});

test.each(["web1", "web2"])("a site that was broken and is whole again may have data where it was: on %s", (node) => {
  const services = "services: {db: {type: postgres}}";
  const nodes = "  web1: {local: true, os: debian-12}\n  web2: {local: true, os: debian-12}";
  const now = rendered({ manifest: services, nodes });
  const broken = { name: "blog", nodes: [node], routes: [], issues: [] };
  const found = planChanges({ ...now, plan: { ...now.plan, sites: [], broken: [broken] } }, now);
  expect(decide(found, []).stopped).toEqual(node === "web1" ? [] : ["DATA blog"]);
});

test.each([
  ["a path of it", "blog.acme.net/admin", ["from blog"]],
  ["a host below its suffix", "shop.acme.org", ["from blog"]],
  ["its own location", "blog.acme.net", ["from blog"]],
  ["a host that looks alike", "xacme.org", []],
  ["what it has only a part of", '"*"', []],
  ["what nobody else names", "shop.acme.org", [], 'locations: ["*"]'],
])("a site that gets requests of another one says so, for which nothing runs: %s", (...row) => {
  const [, location, takes, blog = "locations: [blog.acme.net, .acme.org]"] = row;
  const plan = (other: string, own: string) => {
    const sites = `  blog: {app: apps/blog, nodes: [web1], ${own}}\n  wiki: {app: apps/wiki, nodes: [web1], locations: [${other}]}\n`;
    const found = planned({
      "dev.yaml": `nodes:\n  web1: {local: true, os: debian-12}\nsites:\n${sites}`,
      "apps/blog/app.yaml": "name: blog\nrunner: src/wsgi.py\n",
      "apps/wiki/app.yaml": "name: wiki\nrunner: src/wsgi.py\n",
    });
    return { plan: found, releases: Object.fromEntries(found.sites.map((each) => [each.name, renderRelease(each).id])) };
  };
  const own = location === "blog.acme.net" ? "locations: [.acme.org]" : blog;
  const found = planChanges(plan("wiki.example.org", blog), plan(location, own));
  const told = found.changes.find(({ subject, name }) => subject === "site" && name === "wiki")?.details ?? [];
  expect(told.filter(({ about }) => about === "takes").map(({ to }) => to)).toEqual(takes);
});

test("how nodes are reached is told by its values", () => {
  const found = planChanges(rendered({}), rendered({ more: "ssh: {proxy: b.acme.net}\n" }));
  expect(found.changes[0]?.why).toEqual(["nodes are reached another way: ssh proxy none → b.acme.net"]);
});

test("the memory of a node is told, also where it is given or taken away, and no site changes", () => {
  const nodes = (memory: string) => ({ nodes: `  web1: {local: true, os: debian-12${memory}}` });
  const change = (one: string, other: string) => only(nodes(one), nodes(other));
  const runs = { subject: "node", name: "web1", kind: "changed", runs: ["web1-state"] };
  expect(change(", memory: 8G", ", memory: 16G")).toMatchObject({
    ...runs,
    details: [{ about: "memory", from: "8G", to: "16G" }],
  });
  expect(change("", ", memory: 8G")).toMatchObject({ ...runs, details: [{ about: "memory", to: "8G" }] });
  expect(change(", memory: 8G", "")).toMatchObject({ ...runs, details: [{ about: "memory", from: "8G" }] });
});

test("workers are told, each as a line, and the node that they run on", () => {
  const one = { manifest: "workers: {mail: {run: bin/mail}}" };
  const other = { manifest: "workers: {mail: {run: bin/mail, count: 3, stop: 5m, memory: 100M}, images: {run: bin/images x}}" };
  expect(only({}, one).details.filter(({ about }) => about.startsWith("work"))).toEqual([
    { about: "works on", to: "web1" },
    { about: "workers", name: "mail", to: "1 x bin/mail, 400M each, 60s to end" },
  ]);
  expect(only(one, other).details).toEqual([
    { about: "workers", name: "images", to: "1 x bin/images x, 400M each, 60s to end" },
    { about: "workers", name: "mail", from: "1 x bin/mail, 400M each, 60s to end", to: "3 x bin/mail, 100M each, 300s to end" },
  ]);
});

test("jobs are told, each as a line, with the zone of their times", () => {
  const one = { manifest: 'cron: {digest: {at: "15 3 * * *", run: bin/digest}}' };
  const other = { ...one, site: ", config: {TZ: Europe/Berlin}" };
  const line = (zone: string) => `bin/digest at 15 3 * * * ${zone}, 400M, at most 3600s, skipped while it runs`;
  expect(only({}, one).details.filter(({ about }) => about !== "version")).toEqual([
    { about: "works on", to: "web1" },
    { about: "cron", name: "digest", to: line("UTC") },
  ]);
  expect(only(one, other).details.filter(({ about }) => about === "cron")).toEqual([
    { about: "cron", name: "digest", from: line("UTC"), to: line("Europe/Berlin") },
  ]);
});
