import { expect, test } from "vitest";
import { planChanges } from "../../components/plan/changes.ts";
import { workBytes } from "../../components/plan/plan-work.ts";
import { planOf, planned, plannedSite } from "../support/plan-of.ts";

const node = "nodes:\n  web1: {local: true, os: debian-12}\n  web2: {local: true, os: debian-13}\n";
const app = "name: blog\nversion: 1.5.0\nrunner: src/wsgi.py\n";

test("a site takes its locations from the environment, and the manifest's default where that gives none", () => {
  const sources = { "apps/blog/app.yaml": `${app}default_location: blog.acme.net/x\n` };
  const site = (locations: string) =>
    planned({ ...sources, "dev.yaml": `${node}sites:\n  blog: {app: apps/blog, nodes: [web1]${locations}}\n` }).sites[0]?.routes;
  expect(site("")).toEqual([{ site: "blog", host: "blog.acme.net", path: "/x" }]);
  expect(site(', locations: [".acme.net", acme.net/blog]')).toEqual([
    { site: "blog", host: "acme.net", path: "/blog" },
    { site: "blog", host: ".acme.net", path: "/" },
  ]);
});

test("each node has the sites placed on it, and their routes alone", () => {
  const plan = planned({
    "dev.yaml": `${node}sites:
  shop: {app: apps/blog, nodes: [web2, web1], locations: [shop.acme.net]}
  blog: {app: apps/blog, nodes: [web2], locations: ["*", blog.acme.net]}\n`,
    "apps/blog/app.yaml": app,
  });
  expect(plan.nodes.map(({ name, os, sites, routes }) => [name, os, sites, routes.map(({ host }) => host)])).toEqual([
    ["web1", "debian-12", ["shop"], ["shop.acme.net"]],
    ["web2", "debian-13", ["blog", "shop"], ["blog.acme.net", "shop.acme.net", "*"]],
  ]);
  expect(plan.sites.map(({ name, user, nodes }) => [name, user, nodes])).toEqual([
    ["blog", "site-blog", ["web2"]],
    ["shop", "site-shop", ["web1", "web2"]],
  ]);
});

test("an app in PHP is told by its runner or php_root, and brings PHP and PHP's side of its services", () => {
  const site = (app: string) =>
    planned({
      "dev.yaml":
        'nodes: {web1: {local: true, os: debian-13}}\nsites: {blog: {app: apps/blog, nodes: [web1], locations: ["*"]}}\n',
      "apps/blog/app.yaml": `name: blog\n${app}\n`,
    }).sites[0];
  expect(site("runner: index.php")).toMatchObject({ platform: "php", packages: ["php-fpm"] });
  expect(site("php_root: www\npackages: [php-gd]\nservices: {db: {type: postgres}, files: {}}")).toMatchObject({
    platform: "php",
    phpRoot: "www",
    packages: ["php-fpm", "php-gd", "php-pgsql"],
  });
  expect(site("runner: wsgi.py\nservices: {db: {type: postgres}}")).toMatchObject({ platform: "python", packages: [] });
});

test("the environment's limits go before the manifest's processes", () => {
  const manifest = "processes: {count: 4, memory: 300M, requests: 100}\n";
  expect(plannedSite(manifest).processes).toMatchObject({ count: 4, memoryBytes: 300 * 1024 ** 2, requests: 100 });
  expect(plannedSite(manifest, 'locations: ["*"], limits: {processes: 12, memory: 1G}').processes).toMatchObject({
    count: 12,
    memoryBytes: 1024 ** 3,
    requests: 100,
  });
});

test("a body is as large as the site says, else the environment, else the manifest, else 64 MB", () => {
  const of = (manifest: string, site = "", defaults = "") =>
    planned({
      "dev.yaml": `${defaults}${node}sites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"]${site}}\n`,
      "apps/blog/app.yaml": `${app}${manifest}`,
    }).sites[0]?.limits.bodyBytes;
  expect(of("")).toBe(64 * 1024 ** 2);
  expect(of("limits: {body: 100M}\n")).toBe(100 * 1024 ** 2);
  expect(of("limits: {body: 100M}\n", "", "defaults: {body: 8M}\n")).toBe(8 * 1024 ** 2);
  expect(of("limits: {body: 100M}\n", ", limits: {body: 1G}", "defaults: {body: 8M}\n")).toBe(1024 ** 3);
});

test("the environment's config goes over the manifest's defaults, and a secret is a version and no value", () => {
  const manifest = 'config: {required: {STRIPE_KEY: ""}, default: {SIGNUPS: "on", LEVEL: info}}\n';
  const site = plannedSite(manifest, 'locations: ["*"], config: {SIGNUPS: "off", STRIPE_KEY: {secret: 3}}');
  expect(site.variables).toMatchObject({ SIGNUPS: "off", LEVEL: "info" });
  expect(site.variables).not.toHaveProperty("STRIPE_KEY");
  expect(site.secrets).toEqual({ STRIPE_KEY: 3 });
  expect(Object.keys(site.variables)).toEqual(Object.keys(site.variables).sort());
});

test("a secret in place of a default leaves no value of it", () => {
  const site = plannedSite("config: {default: {KEY: insecure}}\n", 'locations: ["*"], config: {KEY: {secret: 1}}');
  expect(site.variables).not.toHaveProperty("KEY");
  expect(site.secrets).toEqual({ KEY: 1 });
});

test("the variables of Silver Lining follow the site's main location", () => {
  expect(plannedSite("", 'locations: [blog.acme.net/guestbook, acme.net/g, ".acme.net/x"]').variables).toEqual({
    SILVER_APP_NAME: "blog",
    SILVER_CANONICAL_HOSTNAME: "acme.net",
    SILVER_LOGS: "/var/log/silver/blog",
    SILVER_MATCH_PATH: "/g",
    SILVER_SECRET_FILE: "/srv/silver/blog/secret.txt",
    SILVER_VERSION: "silverlining/1.0",
    STATIC_URL: "/g/",
    TEMP: "/tmp",
  });
  const everywhere = plannedSite().variables;
  expect(everywhere).toMatchObject({ SILVER_MATCH_PATH: "/", STATIC_URL: "/" });
  expect(everywhere).not.toHaveProperty("SILVER_CANONICAL_HOSTNAME");
});

test("two sites may share a location on different nodes, and never on one", () => {
  const sites = (blog: string, shop: string) =>
    planOf({
      "dev.yaml": `${node}sites:
  blog: {app: apps/blog, nodes: [${blog}], locations: [acme.net/x]}
  shop: {app: apps/blog, nodes: [${shop}], locations: [ACME.net/x/]}\n`,
      "apps/blog/app.yaml": app,
    });
  expect(sites("web1", "web2").issues).toEqual([]);
  expect(sites("web1, web2", "web2, web1")).toEqual({
    issues: [
      {
        code: "shared-location",
        severity: "error",
        place: { file: "stacks/dev.yaml", line: 6, column: 58 },
        message: "sites blog and shop are both at acme.net/x",
        fix: "give one of them another host, path or node",
      },
    ],
  });
});

test("all that is wrong is told at once, each at its site", () => {
  const { value, issues } = planOf({
    "dev.yaml": `${node}sites:
  blog: {app: apps/blog, nodes: [web1]}
  shop: {app: apps/shop, nodes: [web1], locations: ["*"], config: {SIGNUP: "on"}}\n`,
    "apps/blog/app.yaml": app,
    "apps/shop/app.yaml": "name: shop\nrunner: src/wsgi.py\nconfig: {required: {SIGNUPS: on or off, KEY: ''}}\n",
  });
  expect(value).toMatchObject({ sites: [], broken: [{ name: "blog" }, { name: "shop" }] });
  expect(issues.map(({ severity, place, message }) => [severity, place.line, message])).toEqual([
    ["error", 5, "site blog has no locations, and apps/blog/app.yaml has no default_location"],
    ["error", 6, "site shop lacks config SIGNUPS (on or off), which apps/shop/app.yaml requires"],
    ["error", 6, "site shop lacks config KEY, which apps/shop/app.yaml requires"],
    ["warning", 6, "config SIGNUP is not in apps/shop/app.yaml"],
  ]);
});

test("a config that no manifest declares is a warning, and the plan stands", () => {
  const { value, issues } = planOf({
    "dev.yaml": `${node}sites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"], config: {X: "1"}}\n`,
    "apps/blog/app.yaml": app,
  });
  expect(issues.map(({ code }) => code)).toEqual(["undeclared-config"]);
  expect(value?.sites[0]?.variables).toMatchObject({ X: "1" });
});

test("a node has room for many small sites, and is refused more waiting requests than Varnish has room for", () => {
  const sites = (count: number, manifest: string) => {
    const lines = Array.from(
      { length: count },
      (_, index) => `  s${index}: {app: apps/blog, nodes: [web1], locations: [s${index}.acme.net]}\n`,
    );
    const files = { "dev.yaml": `${node}sites:\n${lines.join("")}`, "apps/blog/app.yaml": manifest };
    return planOf(files).issues.map(({ code, message, fix }) => [code, message, fix]);
  };
  const full = (waiting: number, fix: string) => [
    "full-node",
    `the sites of node web1 may keep ${waiting} requests waiting at once, more than the 5000 that Varnish has room for`,
    fix,
  ];
  for (const small of [`${app}processes: {count: 1}\n`, "name: blog\nplatform: static\n"]) {
    expect(sites(312, small)).toEqual([]);
    expect(sites(313, small)).toEqual([full(5008, "place some elsewhere: each has the least there is, 16")]);
  }
  expect(sites(78, app)).toEqual([]);
  expect(sites(79, app)).toEqual([full(5056, "lower limits.processes of its sites, or place some elsewhere")]);
});

test("memory that the environment gives for a node is enough for all processes of its sites, and their services in memory", () => {
  const sites = (memory: string, services = "") =>
    planOf({
      "dev.yaml": `nodes:
  web1: {local: true, os: debian-12, memory: ${memory}}
sites:
  blog: {app: apps/blog, nodes: [web1], locations: [blog.acme.net]}
  shop: {app: apps/blog, nodes: [web1], locations: [shop.acme.net], limits: {processes: 2, memory: 1G}}\n`,
      "apps/blog/app.yaml": `${app}processes: {count: 4, memory: 250M}\n${services}`,
    }).issues.map(({ code, place, message }) => [code, place.line, message]);
  expect(sites("3048M")).toEqual([]);
  expect(sites("3G")).toEqual([]);
  expect(sites("3047M")).toEqual([
    ["full-node", 2, "the sites of node web1 may take 3048M of memory together, more than the 3047M that it has for them"],
  ]);
  const services = "services: {memcached: {memory: 100M}, redis: {memory: 200M, persist: true}, files: {quota: 8G}}\n";
  expect(sites("3648M", services)).toEqual([]);
  expect(sites("3647M", services)).toHaveLength(1);
  const workers = "workers: {mail: {run: bin/mail, count: 2, memory: 50M}, images: {run: bin/images}}\n";
  // Without a memory of its own a worker may take as much as a process.
  expect(sites("4522M", workers)).toEqual([]);
  expect(sites("4521M", workers)).toHaveLength(1);
});

test("workers run on the first of a site's nodes, and count there alone", () => {
  const sources = (memory: string) => ({
    "dev.yaml": `nodes:
  web1: {local: true, os: debian-12, memory: 450M}
  web2: {local: true, os: debian-12, memory: ${memory}}
sites:
  blog: {app: apps/blog, nodes: [web2, web1], locations: [blog.acme.net]}\n`,
    "apps/blog/app.yaml": `${app}processes: {count: 2, memory: 150M}\nworkers: {mail: {run: ./bin/mail --all, memory: 150M}}\n`,
  });
  const { value, issues } = planOf(sources("300M"));
  expect(issues).toEqual([]);
  expect(value?.sites[0]?.work).toEqual({
    on: "web1",
    workers: [{ name: "mail", run: "bin/mail --all", count: 1, stopSeconds: 60, memoryBytes: 150 * 1024 ** 2 }],
    jobs: [],
  });
});

test("a worker gets no more memory than the environment allows a process", () => {
  const issues = (memory: string) =>
    planOf({
      "dev.yaml": `limits: {memory: 400M}\n${node}sites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"]}\n`,
      "apps/blog/app.yaml": `${app}workers: {mail: {run: bin/mail, memory: ${memory}}}\n`,
    }).issues.map(({ code, message }) => [code, message]);
  expect(issues("400M")).toEqual([]);
  expect(issues("1G")).toEqual([
    ["limit", "apps/blog/app.yaml asks for 1G of memory for its worker mail, but this environment allows site blog 400M"],
  ]);
});

test("a manifest gets no more than the environment's limits, and a site's own limits may lower what it asks for", () => {
  const issues = (site = "") =>
    planOf({
      "dev.yaml": `limits: {processes: 8, memory: 300M, body: 32M}\n${node}sites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"]${site}}\n`,
      "apps/blog/app.yaml": `${app}processes: {count: 9, memory: 1G}\n`,
    }).issues.map(({ code, message }) => [code, message]);
  expect(issues()).toEqual([
    ["limit", "apps/blog/app.yaml asks for 9 processes, but this environment allows site blog 8"],
    ["limit", "apps/blog/app.yaml asks for 1G of memory a process, but this environment allows site blog 300M"],
    ["limit", "apps/blog/app.yaml asks for request bodies of 64M, but this environment allows site blog 32M"],
  ]);
  expect(issues(", limits: {processes: 8, memory: 300M, body: 32M}")).toEqual([]);
});

test("a service gets no more disk and memory than the environment allows, whether it asks for it or has it by default", () => {
  const issues = (limits: string, services: string, site = "") =>
    planOf({
      "dev.yaml": `limits: {${limits}}\n${node}sites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"]${site}}\n`,
      "apps/blog/app.yaml": `${app}services: ${services}\n`,
    }).issues;
  expect(issues("quota: 8G", "{db: {type: postgres, quota: 1T}}")).toEqual([
    {
      code: "limit",
      severity: "error",
      place: { file: "stacks/dev.yaml", line: 6, column: 3 },
      message: "apps/blog/app.yaml needs 1T on disk for its service db (postgres), but this environment allows site blog 8G",
      fix: "lower its quota there, or raise limits.quota of the environment",
    },
  ]);
  const found = (...of: Parameters<typeof issues>) =>
    issues(...of).map(({ message, fix }) => [/ needs (.*), but/.exec(message)?.[1], fix]);
  const quota = "lower its quota there, or raise limits.quota of the environment";
  const memory = "lower its memory there, or raise limits.service_memory of the environment";
  for (const [type, own] of Object.entries({
    postgres: "2G",
    postgis: "2G",
    mysql: "1G",
    files: "1G",
    writable_root: "1G",
    rabbitmq: "1G",
  })) {
    expect(found("quota: 512M", `{one: {type: ${type}}}`)).toEqual([[`${own} on disk for its service one (${type})`, quota]]);
    expect(found("quota: 512M", `{one: {type: ${type}, quota: 512M}}`)).toEqual([]);
    expect(found("service_memory: 64G, memory: 1G", `{one: {type: ${type}, quota: 1T}}`)).toEqual([]);
  }
  for (const [type, own] of Object.entries({ redis: "1G", memcached: "1G", rabbitmq: "1184M" })) {
    const asks = `{one: {type: ${type}, memory: 1G}}`;
    expect(found("service_memory: 512M", asks)).toEqual([[`${own} of memory for its service one (${type})`, memory]]);
    expect(found(`service_memory: ${own}`, asks)).toEqual([]);
    expect(found("service_memory: 32M", `{one: {type: ${type}}}`)).toHaveLength(1);
  }
  // What a Redis keeps has a file system of four times its memory.
  const kept = "{queue: {type: redis, memory: 1G, persist: true}}";
  expect(found("quota: 4G", kept)).toEqual([
    ["4160M on disk for its service queue (redis)", "lower its memory there, or raise limits.quota of the environment"],
  ]);
  expect(found("quota: 4160M", kept)).toEqual([]);
  expect(found("quota: 16M", "{cache: {type: redis, memory: 1G}}")).toEqual([]);
  const elsewhere = ", services: {db: {external: {host: db.acme.net, name: blog, user: blog}}}";
  expect(found("quota: 16M", "{db: {type: postgres, quota: 1T}}", elsewhere)).toEqual([]);
});

test("what is set for all sites at once is a warning only where no manifest of theirs knows it", () => {
  const issues = (shop: string) =>
    planOf({
      "dev.yaml": `defaults: {config: {REGION: eu}}\n${node}sites:
  blog: {app: apps/blog, nodes: [web1], locations: [blog.acme.net]}
  shop: {app: apps/shop, nodes: [web1], locations: [shop.acme.net]}\n`,
      "apps/blog/app.yaml": app,
      "apps/shop/app.yaml": `name: shop\nrunner: src/wsgi.py\n${shop}`,
    }).issues.map(({ code, place, message }) => [code, place.line, message]);
  expect(issues('config: {required: {REGION: ""}}\n')).toEqual([]);
  expect(issues("")).toEqual([["undeclared-config", 1, "config REGION is not in apps/blog/app.yaml or in apps/shop/app.yaml"]]);
});

test("workers and runs of jobs may have sessions and memory: as many as can run at once", () => {
  const services = "services: {db: {type: postgres}}\n";
  const sessions = (manifest: string) => plannedSite(services + manifest).services?.[0]?.options.connections;
  const none = Number(sessions(""));
  expect(sessions("workers: {mail: {run: bin/mail, count: 5}}\n")).toBe(none + 10);
  expect(sessions('cron: {digest: {at: "@daily", run: bin/digest}}\n')).toBe(none + 2);
  expect(sessions('cron: {digest: {at: "@daily", run: bin/digest, overlap: allow}}\n')).toBe(none + 8);
  const work = plannedSite(
    'workers: {mail: {run: bin/mail, count: 2, memory: 100M}}\ncron: {a: {at: "@daily", run: bin/a, memory: 32M}, b: {at: "@daily", run: bin/b, memory: 32M, overlap: allow}}\n',
  ).work;
  expect(work && workBytes(work)).toBe((2 * 100 + 5 * 32) * 1024 ** 2);
});

test("a site has so many workers and runs of jobs at once, and no more", () => {
  const codes = (count: number) =>
    planOf({
      "dev.yaml": `${node}sites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"]}\n`,
      "apps/blog/app.yaml": `${app}workers: {a: {run: bin/a, count: 64}, b: {run: bin/b, count: ${count}}}\ncron: {c: {at: "@daily", run: bin/c, overlap: allow}}\n`,
    }).issues.map(({ code }) => code);
  expect(codes(60)).toEqual([]);
  expect(codes(61)).toEqual(["much-work"]);
});

test.each([
  ["UTC", true],
  ["Europe/Berlin", true],
  ["America/Argentina/Buenos_Aires", true],
  ["Etc/GMT+5", true],
  ["CET", false],
  ["CET-1CEST", false],
  ["Europe/Nowhere", false],
  [":/etc/localtime", false],
  ["europe/../x", false],
  ['""', false],
])("jobs start by the TZ %s: %s", (tz, known) => {
  const plan = (work: string) =>
    planOf({
      "dev.yaml": `nodes:\n  web1: {local: true, os: debian-12}\nsites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"], config: {TZ: ${tz}}}\n`,
      "apps/blog/app.yaml": `name: blog\nrunner: src/wsgi.py\n${work}`,
    }).issues.some(({ code }) => code === "job-zone");
  expect(plan('cron: {digest: {at: "@daily", run: bin/digest}}\n')).toBe(!known);
  expect(plan("workers: {mail: {run: bin/mail}}\n")).toBe(false);
});

test("https is planned for web nodes and for every site, and shown in the addresses and facts of both", () => {
  const sources = (https: string) => ({
    "dev.yaml": `${https}nodes:\n  web1: {local: true, os: debian-12}\n  data1: {local: true, os: debian-12, roles: [service]}\nsites:\n  blog: {app: apps/blog, nodes: [web1], locations: [blog.test]}\n`,
    "apps/blog/app.yaml": app,
  });
  const [without, plan] = ["", "https: {authority: local, redirect: false, hsts: 180d}\n"].map((text) => planned(sources(text)));
  if (without === undefined || plan === undefined) throw new Error("nothing was planned");
  expect(plan.nodes.map(({ https }) => https)).toEqual([
    undefined,
    { authority: "local", redirect: false, hstsSeconds: 180 * 86_400 },
  ]);
  const rendered = (of: typeof plan) => ({ plan: of, releases: { blog: `3fa2c1d0.${of === plan ? "1" : "2"}1111111` } });
  const { changes } = planChanges(rendered(without), rendered(plan));
  expect(changes.map(({ name, details, urls }) => [name, details, urls])).toEqual([
    ["web1", [{ about: "https", to: "authority local, http as well, HSTS max-age=15552000" }], undefined],
    ["blog", [{ about: "https", from: "off", to: "on" }], ["https://blog.test/"]],
  ]);
  const runsOf = (one: typeof plan, other: typeof plan) =>
    planChanges(rendered(one), rendered(other)).changes.find(({ subject }) => subject === "node")?.runs;
  // The machine gets the authority, or loses it.
  const both = ["web1-machine", "web1-state"];
  expect([runsOf(without, plan), runsOf(plan, without)]).toEqual([both, both]);
  const otherwise = planned(sources("https: {authority: local, hsts: 1h}\n"));
  expect(runsOf(plan, otherwise)).toEqual(["web1-state"]);
});
