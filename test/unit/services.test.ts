import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { renderRelease } from "../../components/render/release.ts";
import { canonicalJson } from "../../components/render/canonical-json.ts";
import { parseRequest, planRollout, requestRollout } from "../../components/rollout/rollout.ts";
import { nodeTypes, serviceType, serviceTypes, summary } from "../../components/services/registry.ts";
import { planOf, plannedSite } from "../support/plan-of.ts";

const nodes = "nodes:\n  web1: {local: true, os: debian-12}\n  web2: {local: true, os: debian-13}\n";
const both = "services: {db: {type: postgres}, files: {quota: 2G}}\n";

/** One site under a name of its own, whose app asks for services. */
const named = (site: string, services: string, more = "", runner = "src/wsgi.py") =>
  planOf({
    "dev.yaml": `${nodes}sites:\n  ${site}: {app: apps/blog, locations: ["*"], ${more === "" ? "nodes: [web1]" : more}}\n`,
    "apps/blog/app.yaml": `name: blog\nrunner: ${runner}\nservices: ${services}\n`,
  });

test("every type has a row in the table below, and a twin on the node", () => {
  const names = types.map(({ type }) => type).sort();
  expect(Object.keys(nodeTypes).sort()).toEqual(names);
  const twins = readdirSync(new URL("../../components/node/agent/silver/services/", import.meta.url));
  // A large one is a folder.
  expect(twins.flatMap((name) => /^[a-z][a-z_]*(?=\.py$|$)/.exec(name) ?? []).sort()).toEqual([...names, "external"].sort());
});

test("whatever an app may ask for of its node's disk and memory, an environment can bound", () => {
  for (const type of Object.values(serviceTypes)) {
    const told = (option: string, size: string) => type.tell({ requests: 8, programs: 0, options: { [option]: size } });
    const disk = (size: string) => type.disk?.(told("quota", size)) ?? 0;
    const memory = (size: string) => type.memory?.(told("memory", size)) ?? 0;
    for (const [option, taken] of Object.entries({ quota: disk, memory }))
      if (option in type.options) expect([type.summary, taken("2G") - taken("1G")]).toEqual([type.summary, 1024 ** 3]);
  }
});

const url = "postgresql://@USER@@/@DATABASE@?host=@SOCKET@";
const mysqlUrl = "mysql://@USER@@localhost/@DATABASE@?unix_socket=@SOCKET@&charset=utf8mb4";

/** Every type: what its options come to, what the node is told, by which variables an app finds it. */
const types = [
  {
    type: "postgres",
    packages: ["postgresql"],
    php: ["php-pgsql"],
    options: {
      "{}": { bytes: 2 * 1024 ** 3, connections: 36 },
      "{quota: 512M}": { bytes: 512 * 1024 ** 2, connections: 36 },
      "{extensions: [pg_trgm, hstore]}": { bytes: 2 * 1024 ** 3, connections: 36, extensions: "hstore,pg_trgm" },
      "{tcp: true}": { bytes: 2 * 1024 ** 3, connections: 36, tcp: "on" },
      "{tcp: false}": { bytes: 2 * 1024 ** 3, connections: 36 },
    },
    prefix: "PG",
    variables: {
      _DBNAME: "@DATABASE@",
      _USER: "@USER@",
      _PASSWORD: "",
      _HOST: "@SOCKET@",
      _PORT: "@PORT@",
      _SQLALCHEMY: url,
      _URL: url,
    },
    shown: "postgres 2048M",
  },
  {
    type: "postgis",
    packages: ["postgresql", "postgresql-postgis"],
    php: ["php-pgsql"],
    options: {
      "{}": { bytes: 2 * 1024 ** 3, connections: 36 },
      "{quota: 512M}": { bytes: 512 * 1024 ** 2, connections: 36 },
      "{extensions: [pg_trgm, hstore]}": { bytes: 2 * 1024 ** 3, connections: 36, extensions: "hstore,pg_trgm" },
      "{tcp: true}": { bytes: 2 * 1024 ** 3, connections: 36, tcp: "on" },
      "{tcp: false}": { bytes: 2 * 1024 ** 3, connections: 36 },
    },
    prefix: "PG",
    variables: {
      _DBNAME: "@DATABASE@",
      _USER: "@USER@",
      _PASSWORD: "",
      _HOST: "@SOCKET@",
      _PORT: "@PORT@",
      _SQLALCHEMY: url,
      _URL: url,
    },
    shown: "postgis 2048M",
  },
  {
    type: "mysql",
    packages: ["mariadb-client-core", "mariadb-server-core"],
    php: ["php-mysql"],
    options: {
      "{}": { bytes: 1024 ** 3, connections: 36 },
      "{quota: 512M}": { bytes: 512 * 1024 ** 2, connections: 36 },
      "{tcp: true}": { bytes: 1024 ** 3, connections: 36, tcp: "on" },
      "{tcp: false}": { bytes: 1024 ** 3, connections: 36 },
    },
    prefix: "MYSQL",
    variables: {
      _DBNAME: "@DATABASE@",
      _USERNAME: "@USER@",
      _USER: "@USER@",
      _PASSWORD: "",
      _HOST: "localhost",
      _PORT: "3306",
      _SOCKET: "@SOCKET@",
      _SQLALCHEMY: mysqlUrl,
      _URL: mysqlUrl,
    },
    shown: "mysql 1024M",
  },
  {
    type: "files",
    packages: ["e2fsprogs", "mount"],
    php: [],
    options: { "{}": { bytes: 1024 ** 3 }, "{quota: 2G}": { bytes: 2 * 1024 ** 3 } },
    prefix: "FILES",
    variables: { "": "@DIRECTORY@", _URL: "file://@DIRECTORY@" },
    shown: "files 1024M",
  },
  {
    type: "writable_root",
    packages: ["e2fsprogs", "mount"],
    php: [],
    options: { "{}": { bytes: 1024 ** 3 }, "{quota: 2G}": { bytes: 2 * 1024 ** 3 } },
    prefix: "WRITABLE_ROOT",
    variables: { "": "@DIRECTORY@", _URL: "file://@DIRECTORY@" },
    shown: "writable_root 1024M",
  },
  {
    type: "redis",
    packages: ["redis-server"],
    php: ["php-redis"],
    options: {
      "{}": { bytes: 64 * 1024 ** 2, policy: "allkeys-lru", disk: 0 },
      "{memory: 1G, policy: volatile-ttl, persist: false}": { bytes: 1024 ** 3, policy: "volatile-ttl", disk: 0 },
      "{persist: true}": { bytes: 64 * 1024 ** 2, policy: "noeviction", disk: 320 * 1024 ** 2 },
      "{persist: 'true', policy: allkeys-lru}": { bytes: 64 * 1024 ** 2, policy: "allkeys-lru", disk: 320 * 1024 ** 2 },
    },
    prefix: "REDIS",
    variables: { _URL: "unix://@SOCKET@", _HOST: "@SOCKET@", _PORT: "0", _SOCKET: "@SOCKET@" },
    shown: "redis 64M allkeys-lru",
  },
  {
    type: "memcached",
    packages: ["memcached"],
    php: ["php-memcached"],
    options: { "{}": { bytes: 64 * 1024 ** 2 }, "{memory: 1G}": { bytes: 1024 ** 3 } },
    prefix: "MEMCACHED",
    variables: { _SERVERS: "unix:@SOCKET@", _SOCKET: "@SOCKET@", _URL: "memcached://@SOCKET@" },
    shown: "memcached 64M",
  },
  {
    type: "rabbitmq",
    packages: ["rabbitmq-server"],
    php: ["php-amqp"],
    options: {
      "{}": { bytes: 1024 ** 3, memory: (160 + 64) * 1024 ** 2, connections: 36 },
      "{quota: 512M, memory: 1G}": { bytes: 512 * 1024 ** 2, memory: (160 + 1024) * 1024 ** 2, connections: 36 },
    },
    prefix: "RABBITMQ",
    variables: {
      _URL: "amqp://@USER@:@PASSWORD@@@ADDRESS@:@PORT@/@VHOST@",
      _VHOST: "@VHOST@",
      _USER: "@USER@",
      _PASSWORD: "@PASSWORD@",
      _HOST: "@ADDRESS@",
      _PORT: "@PORT@",
    },
    shown: "rabbitmq 1G in 64M of memory",
  },
];

describe.each(types)("a service of the type $type", ({ type, packages, php, options, prefix, variables, shown }) => {
  const under = (first: string) =>
    Object.fromEntries(Object.entries(variables).map(([end, value]) => [`CONFIG_${first}${end}`, value]));

  test.each(Object.entries<object>(options))("with the options %s is set up by plain numbers", (given, told) => {
    const [setUp] = plannedSite(`services: {${type}: ${given}}\n`).services ?? [];
    expect(setUp).toEqual({ type, name: type, packages, options: told, variables: expect.anything() as unknown });
    expect(serviceType(type).told.parse(told)).toEqual(told);
  });

  test("is told under the names of 2010 and under its own", () => {
    const [setUp] = plannedSite(`services: {user-data: {type: ${type}}}\n`).services ?? [];
    expect(setUp?.variables).toEqual({ ...under(prefix), ...under("USER_DATA") });
    expect(Object.keys(setUp?.variables ?? {})).toEqual(Object.keys(setUp?.variables ?? {}).sort());
  });

  test("brings PHP's side of it to sites in PHP alone", () => {
    expect(plannedSite(`services: {${type}: {}}\n`).packages).toEqual([]);
    const [site] = named("blog", `{${type}: {}}`, "", "index.php").value?.sites ?? [];
    expect(site?.packages).toEqual(["php-fpm", ...php].sort());
  });

  test("is shown to a reviewer by what it may take", () => {
    expect((plannedSite(`services: {${type}: {}}\n`).services ?? []).map(summary)).toEqual([shown]);
  });
});

test.each([
  ["type: postgres, extensions: [pg_trgm, hstore], tcp: true", "postgres 2048M hstore,pg_trgm by TCP"],
  ["type: mysql, tcp: true", "mysql 1024M by TCP"],
])("extensions and TCP are shown to a reviewer: %s", (given, shown) => {
  const [setUp] = plannedSite(`services: {db: {${given}}}\n`).services ?? [];
  expect(setUp && summary(setUp)).toBe(shown);
});

const overTcp = {
  postgres: { first: "PG", url: "postgresql://@USER@:@PASSWORD@@@ADDRESS@:@PORT@/@DATABASE@", more: {} },
  postgis: { first: "PG", url: "postgresql://@USER@:@PASSWORD@@@ADDRESS@:@PORT@/@DATABASE@", more: {} },
  mysql: {
    first: "MYSQL",
    url: "mysql://@USER@:@PASSWORD@@@ADDRESS@:@PORT@/@DATABASE@?charset=utf8mb4",
    more: { CONFIG_MYSQL_SOCKET: "" },
  },
};

test("each type that takes `tcp` is in the table above", () => {
  const types = Object.entries(serviceTypes).filter(([, { options, overTcp }]) => "tcp" in options || overTcp !== undefined);
  expect(types.map(([type]) => type).sort()).toEqual(Object.keys(overTcp).sort());
});

test.each(Object.entries(overTcp))(
  "an app that comes to %s over TCP is told under the same names",
  (type, { first, url, more }) => {
    const [bySocket] = plannedSite(`services: {db: {type: ${type}}}\n`).services ?? [];
    const [byTcp] = plannedSite(`services: {db: {type: ${type}, tcp: true}}\n`).services ?? [];
    expect(Object.keys(byTcp?.variables ?? {})).toEqual(Object.keys(bySocket?.variables ?? {}));
    expect(byTcp?.variables).toMatchObject({
      ...more,
      [`CONFIG_${first}_DBNAME`]: "@DATABASE@",
      [`CONFIG_${first}_HOST`]: "@ADDRESS@",
      [`CONFIG_${first}_PORT`]: "@PORT@",
      CONFIG_DB_PASSWORD: "@PASSWORD@",
      CONFIG_DB_SQLALCHEMY: url,
      CONFIG_DB_URL: url,
    });
  },
);

test("data is named on the node: neither the plan nor the release knows of a generation", () => {
  const site = plannedSite(both);
  const release = renderRelease(site);
  expect(JSON.stringify([site, release])).not.toMatch(/generation|[_/]g1\b/);
  expect(JSON.stringify(release)).not.toContain("CONFIG_");
  const elsewhere = site.services?.map((setUp) => ({ ...setUp, variables: { CONFIG_PG_HOST: "db.acme.net" } })) ?? [];
  expect(renderRelease({ ...site, services: elsewhere }).id).toBe(release.id);
});

test("a release waits for its services, and may write to its files and its logs alone", () => {
  const unit = (manifest: string) =>
    renderRelease(plannedSite(manifest)).files.find(({ path }) => path === "conf/web.service")?.content ?? "";
  const writable = (manifest: string) => [...unit(manifest).matchAll(/^ReadWritePaths=(.*)$/gm)].map(([, path]) => path);
  expect(unit(both)).toMatch(/^After=network\.target .*silver-data-blog\.target$/m);
  expect(unit(both)).toContain("\nRequires=silver-data-blog.target\n");
  expect(writable(both)).toEqual(["/srv/silver/blog/data", "-/var/log/silver/blog"]);
  expect(unit("")).not.toContain("silver-data");
  expect(writable("services: {postgres: {}}\n")).toEqual(["-/var/log/silver/blog"]);
});

test("every unit of the app finds the socket of MySQL where its clients look for it, and no other site's units do", () => {
  const units = (manifest: string) =>
    renderRelease(plannedSite(manifest)).files.filter(({ content }) =>
      content.includes("BindReadOnlyPaths=-@MYSQL@:/run/mysqld\n"),
    );
  expect(units("services: {db: {type: mysql}}\n").map(({ path }) => path)).toEqual(["conf/web.service", "conf/run.service"]);
  expect(units(both)).toEqual([]);
});

test("a release waits for the room for its logs, and serves without it", () => {
  const unit = renderRelease(plannedSite("")).files.find(({ path }) => path === "conf/web.service")?.content ?? "";
  expect(unit).toMatch(/^After=.*\bvar-log-silver-blog\.mount/m);
  expect(unit).toMatch(/^Wants=var-log-silver-blog\.mount$/m);
  expect(unit).not.toMatch(/^Requires/m);
});

test("sessions follow from the processes", () => {
  const [setUp] = plannedSite("services: {postgres: {}}\nprocesses: {count: 3, threads: 2}\n").services ?? [];
  expect(setUp?.options.connections).toBe(28);
  expect(plannedSite()).not.toHaveProperty("services");
});

test("a rollout carries them beside the release, to nodes that hold services; one without carries none", () => {
  const rolloutOf = (manifest: string) => {
    const site = plannedSite(manifest);
    const node = { name: "web1", address: "10.0.0.1", port: 22, user: "root", hostKey: "ssh-ed25519 AAAA" };
    const request = requestRollout({ user: "root" }, site, renderRelease(site).id, [node], {});
    return planRollout(parseRequest(canonicalJson(request)));
  };
  expect(rolloutOf(both).services).toEqual(plannedSite(both).services);
  expect(rolloutOf(both).nodes.map(({ roles }) => roles)).toEqual([["web", "service"]]);
  expect(rolloutOf("")).not.toHaveProperty("services");
  expect(rolloutOf("").nodes.map(({ roles }) => roles)).toEqual([["web"]]);
});

describe("refused", () => {
  const messages = (...words: Parameters<typeof named>) =>
    named(...words).issues.map(({ code, message }) => `${code}: ${message}`);

  test.each(["pg", "pg-database"])("a site %s with a database: its roles would be PostgreSQL's own", (site) => {
    expect(messages(site, "{db: {type: postgres}}")).toEqual([
      `service-name: site ${site} can't have a database: names of roles that begin with pg_ belong to PostgreSQL`,
    ]);
    expect(messages(site, "{files: {}}")).toEqual([]);
  });

  test("two services that would set one variable", () => {
    expect(messages("blog", "{db: {type: postgres}, pg: {type: files}}")).toEqual([
      "service-name: services db and pg of apps/blog/app.yaml would both set CONFIG_PG_URL",
    ]);
  });

  test("a database with PostGIS beside one without: a site has one server", () => {
    expect(messages("blog", "{db: {type: postgres}, postgis: {}}")).toEqual([
      "not-yet: site blog has 2 services of the type postgres or postgis (db, postgis), which is not built yet",
    ]);
  });

  test("two services of one type", () => {
    expect(messages("blog", "{db: {type: postgres}, postgres: {}}")).toEqual([
      "not-yet: site blog has 2 services of the type postgres (db, postgres), which is not built yet",
    ]);
  });

  test("a service on another node than its site, on several, or of another app", () => {
    const db = "{db: {type: postgres}}";
    expect(messages("blog", db, "nodes: [web1], services: {db: web1}")).toEqual([]);
    expect(messages("blog", db, "nodes: [web1], services: {db: web2}")).toEqual([
      "not-yet: service db of site blog runs on web2, not on the node of its site, which is not built yet",
    ]);
    expect(messages("blog", db, "nodes: [web1, web2]")).toEqual([
      "not-yet: site blog runs on 2 nodes and has services (db), which is not built yet",
    ]);
    expect(named("blog", "{files: {}}", "nodes: [web1], services: {filse: web1}").issues).toMatchObject([
      { code: "unknown-service", fix: "did you mean files?" },
    ]);
  });
});
