// Services of the type app: another site of the environment, by its address on the node.
import { expect, test } from "vitest";
import { planChanges, type Rendered } from "../../components/plan/changes.ts";
import { renderRelease } from "../../components/render/release.ts";
import { planOf } from "../support/plan-of.ts";

const nodes = "nodes:\n  web1: {local: true, os: debian-12}\n  web2: {local: true, os: debian-13}\n";

interface Sketch {
  services?: string;
  /** Of blog and of shop, besides their app. */
  blog?: string;
  shop?: string;
  more?: string;
  config?: string;
}

const sketch = ({
  services = "{api: {type: app, site: shop}}",
  blog = "nodes: [web1]",
  shop = "nodes: [web1], locations: [shop.acme.net]",
  more = "",
  config = "",
}: Sketch) =>
  planOf({
    "dev.yaml": `${nodes}sites:\n  blog: {app: apps/blog, locations: [blog.acme.net], ${blog}}\n  shop: {app: apps/shop, ${shop}}\n${more}`,
    "apps/blog/app.yaml": `name: blog\nversion: 1.0.0\nrunner: src/wsgi.py\nservices: ${services}\n${config}`,
    "apps/shop/app.yaml": "name: shop\nversion: 1.0.0\nrunner: src/wsgi.py\ndefault_location: default.acme.net\n",
  });

/** The variables of blog that are another site's. */
function variables(given: Sketch) {
  const { value, issues } = sketch(given);
  expect(issues).toEqual([]);
  const own = Object.entries(value?.sites.find(({ name }) => name === "blog")?.variables ?? {});
  return Object.fromEntries(own.filter(([name]) => name.startsWith("APP_")));
}

test.each([
  ["[shop.acme.net]", "shop.acme.net", "http://127.0.0.1/"],
  ['["acme.net/shop"]', "acme.net", "http://127.0.0.1/shop/"],
  ["[.acme.org]", "acme.org", "http://127.0.0.1/"],
  ['["*"]', "127.0.0.1", "http://127.0.0.1/"],
])("a site at %s is found on the node by its host", (locations, host, url) => {
  expect(variables({ shop: `nodes: [web1, web2], locations: ${locations}` })).toEqual({ APP_API_HOST: host, APP_API_URL: url });
});

test("the service's name is that of the site, and its place that of its manifest, where nothing else is said", () => {
  expect(variables({ services: "{shop: {type: app}}", shop: "nodes: [web1]" })).toEqual({
    APP_SHOP_HOST: "default.acme.net",
    APP_SHOP_URL: "http://127.0.0.1/",
  });
});

test("a location at which another site answers is not taken", () => {
  const more = "  wiki: {app: apps/shop, nodes: [web1], locations: [acme.org]}\n";
  const shop = "nodes: [web1], locations: [.acme.org, acme.net/shop]";
  expect(variables({ shop, more })).toEqual({ APP_API_HOST: "acme.net", APP_API_URL: "http://127.0.0.1/shop/" });
});

test("several sites, on several nodes, and beside other services", () => {
  const services = "{api: {type: app, site: shop}, user-wiki: {type: app, site: wiki}, cache: {type: memcached}}";
  const more = '  wiki: {app: apps/shop, nodes: [web1], locations: ["acme.net/wiki"]}\n';
  expect(Object.keys(variables({ services, more }))).toEqual([
    "APP_API_HOST",
    "APP_API_URL",
    "APP_USER_WIKI_HOST",
    "APP_USER_WIKI_URL",
  ]);
  const alone = { blog: "nodes: [web1, web2]", shop: "nodes: [web2, web1], locations: [shop.acme.net]" };
  expect(Object.keys(variables(alone))).toHaveLength(2);
  expect(sketch(alone).value?.sites[0]).not.toHaveProperty("services");
});

test.each<[string, Sketch, string]>([
  [
    "one that does not exist",
    { services: "{api: {type: app, site: shoq}}" },
    "the site shoq, which this environment does not have",
  ],
  [
    "one that JavaScript itself gives a name to",
    { services: "{api: {type: app, site: constructor}}" },
    "the site constructor, which this environment does not have",
  ],
  ["itself", { services: "{api: {type: app, site: blog}}" }, "the site blog itself"],
  ["one on another node", { blog: "nodes: [web1, web2]" }, "the site shop, which is not on web2"],
  [
    "one whose only location is another's",
    {
      shop: "nodes: [web1], locations: [.acme.org]",
      more: "  wiki: {app: apps/shop, nodes: [web1], locations: [acme.org]}\n",
    },
    "the site shop, at whose locations others answer",
  ],
])("%s is refused, and stops no other site", (_, given, message) => {
  const { value, issues } = sketch(given);
  expect(issues.map((issue) => `${issue.code}: ${issue.message}`)).toEqual([
    `asked-site: service api of site blog is ${message}`,
  ]);
  expect(value?.broken.map(({ name }) => name)).toEqual(["blog"]);
});

test("a place, or a variable of the same name, is refused", () => {
  const messages = (given: Sketch) => sketch(given).issues.map(({ message }) => message);
  expect(messages({ blog: "nodes: [web1], services: {api: {external: {host: a.b}}}" })).toEqual([
    "service api of site blog is another site, and has no place of its own",
  ]);
  expect(messages({ blog: "nodes: [web1], services: {api: web1}" })).toEqual([
    "service api of site blog is another site, and has no place of its own",
  ]);
  expect(messages({ services: "{api-x: {type: app, site: shop}, api_x: {type: app, site: shop}}" })).toEqual([
    "services api-x and api_x of apps/blog/app.yaml would both set APP_API_X_URL",
  ]);
  expect(messages({ config: "config: {default: {APP_API_URL: x}}\n" })).toEqual([
    "APP_API_URL is a service of apps/blog/app.yaml, and a variable of its config",
  ]);
});

test("a reviewer sees which site it is, and who gets a new release when that one moves", () => {
  const rendered = (given: Sketch): Rendered => {
    const { value: plan, issues } = sketch(given);
    if (plan === undefined) throw new Error(JSON.stringify(issues));
    return { plan, releases: Object.fromEntries(plan.sites.map((each) => [each.name, renderRelease(each).id])) };
  };
  const added = planChanges(undefined, rendered({})).changes.find(({ name }) => name === "blog");
  expect(added?.details).toContainEqual({ about: "services", name: "api", to: "app shop" });
  const moved = planChanges(rendered({}), rendered({ shop: "nodes: [web1], locations: [acme.net/shop]" }));
  const details = moved.changes.find(({ name, subject }) => name === "blog" && subject === "site")?.details;
  expect(details?.map(({ name, to }) => [name, to])).toEqual([
    ["APP_API_HOST", "acme.net"],
    ["APP_API_URL", "http://127.0.0.1/shop/"],
  ]);
});
