import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { renderRelease } from "../../components/render/release.ts";
import { canonicalJson } from "../../components/render/canonical-json.ts";
import { parseRequest, planRollout, requestRollout } from "../../components/rollout/rollout.ts";
import { planOf, planned, plannedSite } from "../support/plan-of.ts";

const nodes = "nodes:\n  web1: {local: true, os: debian-12}\n  web2: {local: true, os: debian-13}\n";
const both = "services: {db: {type: postgres}, files: {quota: 2G}}\n";

/** One site under a name of its own, whose app asks for services. */
const named = (site: string, services: string, more = "") =>
  planOf({
    "dev.yaml": `${nodes}sites:\n  ${site}: {app: apps/blog, locations: ["*"], ${more === "" ? "nodes: [web1]" : more}}\n`,
    "apps/blog/app.yaml": `name: blog\nrunner: src/wsgi.py\nservices: ${services}\n`,
  });

describe("variables", () => {
  test("stand under the names of 2010 and under the service's own", () => {
    const url = "postgresql://site-blog@/blog_g1?host=/var/run/postgresql";
    const database = { DBNAME: "blog_g1", USER: "site-blog", PASSWORD: "", HOST: "/var/run/postgresql", PORT: "5432" };
    const under = (prefix: string) =>
      Object.fromEntries(
        Object.entries({ ...database, SQLALCHEMY: url, URL: url }).map(([end, value]) => [`CONFIG_${prefix}_${end}`, value]),
      );
    expect(plannedSite(both).services?.variables).toEqual({
      ...under("PG"),
      ...under("DB"),
      CONFIG_FILES: "/srv/silver/blog/data/g1",
      CONFIG_FILES_URL: "file:///srv/silver/blog/data/g1",
    });
  });

  test("of a service with a hyphen have an underscore", () => {
    expect(plannedSite("services: {user-uploads: {type: files}}\n").services?.variables).toMatchObject({
      CONFIG_FILES: "/srv/silver/blog/data/g1",
      CONFIG_USER_UPLOADS: "/srv/silver/blog/data/g1",
    });
  });

  test("are none of the release's: its id says what kind of services it needs, and not where they are", () => {
    const site = plannedSite(both);
    const release = renderRelease(site);
    expect(JSON.stringify(release)).not.toMatch(/blog_g1|CONFIG_|data\/g1/);
    const elsewhere = { ...site, services: { setUp: site.services?.setUp ?? [], variables: { CONFIG_PG_HOST: "db.acme.net" } } };
    expect(renderRelease(elsewhere).id).toBe(release.id);
  });
});

test("a release waits for its services, and may write to its files alone", () => {
  const unit = (manifest: string) =>
    renderRelease(plannedSite(manifest)).files.find(({ path }) => path === "conf/unit.service")?.content ?? "";
  expect(unit(both)).toContain("\nAfter=network.target postgresql.service\nRequiresMountsFor=@DATA@\n");
  expect(unit(both)).toContain("\nProtectSystem=strict\nReadWritePaths=@DATA@\n");
  expect(unit("")).not.toMatch(/postgresql|@DATA@|ReadWritePaths/);
  expect(unit("services: {postgres: {}}\n")).not.toMatch(/@DATA@|ReadWritePaths/);
});

test("what is set up follows from the manifest and the processes", () => {
  expect(plannedSite(`${both}processes: {count: 3, threads: 2}\n`).services?.setUp).toEqual([
    {
      type: "postgres",
      name: "db",
      packages: ["postgresql"],
      database: "blog_g1",
      owner: "blog_owner",
      user: "site-blog",
      connections: 28,
      bytes: 2 * 1024 ** 3,
    },
    {
      type: "files",
      name: "files",
      packages: ["e2fsprogs", "mount"],
      user: "site-blog",
      directory: "/srv/silver/blog/data/g1",
      bytes: 2 * 1024 ** 3,
    },
  ]);
  expect(plannedSite("services: {files: {}}\n").services?.setUp).toMatchObject([{ bytes: 1024 ** 3 }]);
  expect(plannedSite("services: {postgres: {quota: 512M}}\n").services?.setUp).toMatchObject([{ bytes: 512 * 1024 ** 2 }]);
  expect(plannedSite()).not.toHaveProperty("services");
});

test("a rollout carries them beside the release, and one without services carries none", () => {
  const rolloutOf = (manifest: string) => {
    const site = plannedSite(manifest);
    const node = { name: "web1", address: "10.0.0.1", port: 22, user: "root", hostKey: "ssh-ed25519 AAAA" };
    const request = requestRollout({ user: "root" }, site, renderRelease(site).id, [node], {});
    return planRollout(parseRequest(canonicalJson(request)));
  };
  expect(rolloutOf(both).services).toEqual(plannedSite(both).services);
  expect(rolloutOf("")).not.toHaveProperty("services");
});

const siteName = fc.stringMatching(/^[a-z][a-z0-9-]{0,23}$/).filter((name) => !name.endsWith("-") && !/^pg(-|$)/.test(name));

test("no two sites have the user, the database or a role in common, whatever their names", () => {
  const names = (site: string) => {
    const [setUp] = planned({
      "dev.yaml": `${nodes}sites:\n  ${site}: {app: apps/blog, nodes: [web1], locations: ["*"]}\n`,
      "apps/blog/app.yaml": "name: blog\nrunner: src/wsgi.py\nservices: {postgres: {}}\n",
    }).sites.flatMap((planned) => planned.services?.setUp ?? []);
    if (setUp?.type !== "postgres") throw new Error("no database was planned");
    return { databases: [setUp.database], roles: [setUp.owner, setUp.user] };
  };
  const like = fc.tuple(siteName, fc.constantFrom("-g1", "-owner", "-g", "1", "-1")).map(([name, end]) => [name, name + end]);
  const pair = fc
    .oneof(fc.tuple(siteName, siteName), like)
    .filter(([one = "", other = ""]) => one !== other && other.length <= 24);
  fc.assert(
    fc.property(pair, ([one = "", other = ""]) => {
      const [first, second] = [names(one), names(other)];
      expect(first.databases).not.toEqual(second.databases);
      expect(first.roles.filter((role) => second.roles.includes(role))).toEqual([]);
      // PostgreSQL cuts longer names without a word, and keeps pg_ to itself.
      for (const name of [...first.databases, ...first.roles]) expect(name).toMatch(/^(?!pg_)[a-z][a-z0-9_-]{0,62}$/);
    }),
    { numRuns: 60 },
  );
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

  test("two services of one type", () => {
    expect(messages("blog", "{db: {type: postgres}, postgres: {}}")).toEqual([
      "not-yet: site blog has 2 services of the type postgres (db, postgres), which is not built yet",
    ]);
  });

  test("a service on another node than its site, on several, or of another app", () => {
    const db = "{db: {type: postgres}}";
    expect(messages("blog", db, "nodes: [web1], services: {db: web1}")).toEqual([]);
    expect(messages("blog", db, "nodes: [web1], services: {db: web2}")).toEqual([
      "not-yet: service db of site blog runs on web2, and on another node than its site is not built yet",
    ]);
    expect(messages("blog", db, "nodes: [web1, web2]")).toEqual([
      "not-yet: site blog runs on 2 nodes and has services (db), which is not built yet",
    ]);
    expect(named("blog", "{files: {}}", "nodes: [web1], services: {filse: web1}").issues).toMatchObject([
      { code: "unknown-service", fix: "did you mean files?" },
    ]);
  });
});
