// What is wrong with one site stops that site alone; what concerns several stops them all.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { whatStays } from "../../components/plan/broken.ts";
import { planChanges } from "../../components/plan/changes.ts";
import { loadPlan } from "../../components/plan/load.ts";
import type { Plan } from "../../components/plan/plan.ts";
import { renderNodeState } from "../../components/render/node-state.ts";
import { renderRelease } from "../../components/render/release.ts";
import { planOf, type Sources } from "../support/plan-of.ts";

const good = "name: blog\nversion: 1.0.0\nrunner: src/wsgi.py\n";
const environment = (shop: string) => `nodes:
  web1: {local: true, os: debian-12}
  web2: {local: true, os: debian-13}
sites:
  blog: {app: apps/blog, nodes: [web1], locations: [blog.acme.net]}
  shop: {app: apps/shop, nodes: [web1]${shop}}
  wiki: {app: apps/blog, nodes: [web2], locations: [wiki.acme.net]}
`;

function planWith(manifest: string, shop = ", locations: [shop.acme.net]", more: Sources = {}): Plan {
  const { value, issues } = planOf({
    "dev.yaml": environment(shop),
    "apps/blog/app.yaml": good,
    "apps/shop/app.yaml": manifest,
    ...more,
  });
  if (value === undefined) throw new Error(JSON.stringify(issues));
  return value;
}

/** The state of each node, as it would be sent. */
const states = (plan: Plan) => plan.nodes.map((node) => renderNodeState(plan, node));
const whole = planWith(good);

describe("one broken site", () => {
  test.each([
    ["a key that is none", "name: shop\nrunnr: src/wsgi.py\n", "unknown-key"],
    ["a text that is no YAML", "name: [shop\n", "yaml-syntax"],
    ["config that the environment lacks", `${good}config: {required: {KEY: x}}\n`, "missing-config"],
    ["two services of a type", `${good}services: {db: {type: postgres}, postgres: {}}\n`, "not-yet"],
  ])("with %s leaves the others their plans, and the nodes their states", (_, manifest, code) => {
    const plan = planWith(manifest);
    expect(plan.sites.map(({ name }) => name)).toEqual(["blog", "wiki"]);
    expect(plan.broken).toMatchObject([{ name: "shop", nodes: ["web1"] }]);
    expect(plan.broken[0]?.issues.map((issue) => issue.code)).toContain(code);
    expect(states(plan)).toEqual(states(whole));
    expect(plan.nodes.map(({ kept }) => kept)).toEqual([undefined, undefined]);
  });

  test("keeps a location that its manifest gives, where that key can be read", () => {
    const manifest = `${good}default_location: shop.acme.net\n`;
    const plan = planWith(`${manifest}packages: 7\n`, "");
    expect(plan.broken).toMatchObject([{ routes: [{ site: "shop", host: "shop.acme.net", path: "/" }] }]);
    expect(states(plan)).toEqual(states(planWith(manifest, "")));
  });

  test("whose location nobody can tell keeps its node as it is, and no other node", () => {
    const plan = planWith("name: [shop\n", "");
    expect(plan.nodes.map(({ kept }) => kept)).toEqual([true, undefined]);
    expect(plan.broken.map((site) => whatStays(plan, site))).toEqual([
      "site shop stays as it is until that is fixed; the others are deployed. No other site can be added or moved on web1 meanwhile, since only its manifest says where it is; locations in the environment would help",
    ]);
  });

  describe("whose location nobody can tell", () => {
    const top = (memory: string, more = "") => ({
      "dev.yaml": `${more}${environment("").replace("web1: {local: true,", `web1: {local: true, memory: ${memory},`)}`,
    });
    const one = planWith(`${good}default_location: shop.acme.net\n`, "", top("8G"));
    const more = 'https: {authority: local}\ntrust_proxies: [10.9.9.9]\napt: {answers: ["ab ab/c string c"]}\n';
    const moved = top("16G", more)["dev.yaml"].replace("[blog.acme.net]", "[blog.acme.net, shop.acme.net/blog]");
    const other = planWith("name: [shop\n", "", { "dev.yaml": moved });
    const between = (before: Plan, after: Plan) => {
      const releases = (plan: Plan) => Object.fromEntries(plan.sites.map((site) => [site.name, renderRelease(site).id]));
      return planChanges({ plan: before, releases: releases(before) }, { plan: after, releases: releases(after) }).changes;
    };
    const ofNode = (before: Plan, after: Plan, node = "web1") =>
      between(before, after).filter(({ subject, name }) => subject === "node" && name === node);

    test("keeps its node from whatever else is declared of it, and none of that is said to happen", () => {
      expect(other.nodes.map(({ kept }) => kept)).toEqual([true, undefined]);
      expect(ofNode(one, other)).toEqual([]);
      expect(ofNode(one, other, "web2")[0]?.details.map(({ about }) => about)).toEqual(["trust_proxies", "https", "answers"]);
      const blog = between(one, other).find(({ name }) => name === "blog");
      expect(blog?.details.map(({ about }) => about)).not.toContain("takes");
    });

    test("lets its node have another machine all the same, whose state is the one before", () => {
      const elsewhere = { ...other, nodes: other.nodes.map((node) => ({ ...node, os: "debian-13" as const })) };
      const [change] = ofNode(one, elsewhere);
      expect(change).toMatchObject({ kind: "replaced", details: [{ about: "os", from: "debian-12", to: "debian-13" }] });
      expect(change?.details).toHaveLength(1);
    });

    test("has its node told once it is whole again: what was declared meanwhile comes then", () => {
      const why = ["it kept what it had while a site was broken: what was declared meanwhile comes now, too"];
      const whole = planWith(`${good}default_location: shop.acme.net\n`, "", { "dev.yaml": moved });
      // What its machine kept may be another authority.
      expect(ofNode(other, whole)).toMatchObject([{ why, runs: ["web1-machine", "web1-state"] }]);
    });
  });

  test("of PHP keeps its node without Debian's own php-fpm", () => {
    const stopped = (manifest: string) =>
      states(planWith(manifest)).map(({ units }) => units.stopped.includes("php8.2-fpm.service"));
    expect(stopped("name: shop\nrunner: index.php\n")).toEqual([true, false]);
    expect(stopped("name: shop\nrunner: index.php\nnme: x\n")).toEqual([true, false]);
    expect(stopped(good)).toEqual([false, false]);
  });

  test("still holds its location against others", () => {
    const { value, issues } = planOf({
      "dev.yaml": environment(", locations: [blog.acme.net]"),
      "apps/blog/app.yaml": good,
      "apps/shop/app.yaml": "name: [shop\n",
    });
    expect(value).toBeUndefined();
    expect(issues.map(({ code }) => code)).toContain("shared-location");
  });
});

describe("from files", () => {
  const root = mkdtempSync(join(tmpdir(), "silver-broken-"));
  const write = (files: Record<string, string>) => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
  };
  const wsgi = "def application(environ, start_response): ...\n";
  write({
    "stacks/dev.yaml": environment(", locations: [shop.acme.net]"),
    "apps/blog/app.yaml": good,
    "apps/blog/src/wsgi.py": wsgi,
  });
  afterAll(() => {
    rmSync(root, { recursive: true });
  });
  const names = () => {
    const { value } = loadPlan(root, "dev");
    return [value?.sites.map(({ name }) => name), value?.broken.map(({ name }) => name)];
  };

  test("an app that is not there, and files that can't be packed, stop their sites; an app of two sites stops both", () => {
    expect(names()).toEqual([["blog", "wiki"], ["shop"]]);
    write({ "apps/shop/app.yaml": good, "apps/shop/src/wsgi.py": wsgi });
    expect(names()).toEqual([["blog", "shop", "wiki"], []]);
    write({ "apps/shop/static/a\nb": "" });
    expect(names()).toEqual([["blog", "wiki"], ["shop"]]);
    write({ "apps/blog/app.ini": "[production]\n" });
    const { value, issues } = loadPlan(root, "dev");
    expect(value).toMatchObject({ sites: [], broken: [{ name: "blog" }, { name: "shop" }, { name: "wiki" }] });
    // Both sites have it, and a person reads it once.
    expect(issues.filter(({ code }) => code === "both-manifests")).toHaveLength(1);
  });

  test("an environment that is wrong stops everything", () => {
    write({ "stacks/dev.yaml": environment(", locations: [shop.acme.net], nods: 3") });
    expect(loadPlan(root, "dev").value).toBeUndefined();
  });

  test("and what is wrong with its apps is said together with it, once", () => {
    write({ "stacks/dev.yaml": environment(", locations: [https://shop.acme.net]") });
    const { value, issues } = loadPlan(root, "dev");
    expect(value).toBeUndefined();
    expect(issues.map(({ code, place }) => `${place.file} ${code}`)).toEqual([
      "stacks/dev.yaml bad-location",
      "apps/blog/app.yaml both-manifests",
      "apps/shop/static/a\\nb file-name",
    ]);
  });

  test("one that does not exist is named, with those that do", () => {
    expect(loadPlan(root, "prod").issues).toMatchObject([
      {
        code: "missing-file",
        message: "there is no environment prod: stacks/prod.yaml does not exist",
        fix: "the environments are: dev; or write stacks/NAME.yaml with its nodes and sites",
      },
    ]);
    expect(loadPlan(root, "stacks/dev.yaml").issues).toMatchObject([{ fix: "did you mean dev?" }]);
  });
});
