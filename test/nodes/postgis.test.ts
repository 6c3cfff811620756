// PostGIS and other extensions of PostgreSQL on one real node: who makes them, what an app does with them, what it can't do.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { http, poll, reboot, ssh } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { siteOn } from "../support/site-on.ts";
import { testOs } from "../support/systems.ts";

/** Keeps places on a map, and says how many metres two of them lie apart. */
const app = `import hashlib, json, os, psycopg2

def run(sql, *values):
    connection = psycopg2.connect(os.environ["CONFIG_PG_URL"])
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return [row[0] for row in cursor.fetchall()] if cursor.description else []
    finally:
        connection.close()

def answer(path):
    match path.strip("/").split("/"):
        case ["make"]:
            run("CREATE TABLE IF NOT EXISTS places (name text, at geography(Point, 4326))")
            run("CREATE INDEX IF NOT EXISTS places_at ON places USING gist (at)")
            return "made"
        case ["write", name, x, y]:
            run("INSERT INTO places VALUES (%s, ST_MakePoint(%s, %s))", name, float(x), float(y))
            return "written"
        case ["read"]:
            return json.dumps(run("SELECT name FROM places ORDER BY name"))
        case ["apart", one, other]:
            (metres,) = run("SELECT ST_Distance(a.at, b.at) FROM places a, places b WHERE a.name = %s AND b.name = %s", one, other)
            return str(round(metres))
        case ["projected"]:
            return str(run("SELECT round(ST_X(ST_Transform(ST_SetSRID(ST_MakePoint(13.4, 52.5), 4326), 3857)))::text")[0])
        case ["systems"]:
            run("INSERT INTO spatial_ref_sys (srid, proj4text) VALUES (990001, '+proj=longlat') ON CONFLICT DO NOTHING")
            return str(run("SELECT count(*) FROM spatial_ref_sys WHERE srid = 990001")[0])
        case ["extensions"]:
            return json.dumps(run("SELECT extname FROM pg_extension ORDER BY extname"))
        case ["use"]:
            return json.dumps(run("SELECT unaccent('café') || similarity('word', 'words')::numeric(2, 1) || uuid_nil()"))
        case ["production"]:
            from silversupport.env import is_production
            from silversupport.secret import get_secret
            return f"{is_production()} {hashlib.sha256(get_secret().encode()).hexdigest()}"
        case ["variables"]:
            return json.dumps({name: value for name, value in os.environ.items() if name.startswith("CONFIG_")})
    return "ok"

def application(environ, start_response):
    body = answer(environ["PATH_INFO"]).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
`;

const manifest = (name: string, service: string) => `name: ${name}
version: 1.0.0
runner: wsgi.py
packages: [python3-psycopg2]
services: {db: ${service}}
processes: {count: 1}
timeouts: {request: 60s}
`;
const site = (name: string) => `  ${name}: { app: apps/${name}, nodes: [web1], locations: [${name}.test] }\n`;
const environment = (os: string, ...names: string[]) =>
  `nodes:\n  web1: { local: true, os: ${os}, roles: [web] }\nsites:\n${names.map(site).join("")}`;

let project: Project;
let node: TestNode;

const get = async (name: string, path: string) => (await http(node, path, { Host: `${name}.test` })).body;

/** Not in root's directory: before PostgreSQL 16, psql as another user complains of it. */
const onNode = (command: string) => ssh(node, `cd /; ${command}`);

/** What psql says in the site's database as the site, right or wrong. */
const asSite = (name: string, sql: string) =>
  onNode(`runuser -u site-${name} -- psql -w -At -h /run/silver/pg-${name}-g1 -d ${name}_g1 2>&1 <<'SQL' || true\n${sql}\nSQL`);

/** What the server's superuser says where nothing is an app's. */
const asAgent = (name: string, sql: string) =>
  onNode(`runuser -u pg-${name} -- psql -w -At -h /run/silver/pg-${name}-g1 -U postgres -d postgres -c "${sql}"`);

const status = async (name: string) => (await siteOn(node, name)).services;

const extensions = async (name: string): Promise<unknown> => JSON.parse(await get(name, "/extensions"));

let version = 0;
/** Rolls a site out once more, with other bytes. */
const again = (name: string) => {
  project.edit(`apps/${name}/app.yaml`, `version: 1.0.${version}`, `version: 1.0.${version + 1}`);
  version += 1;
};

describe.each([testOs])("on %s", (os) => {
  beforeAll(async () => {
    project = await withProject({
      "apps/plain/app.yaml": manifest("plain", "{type: postgres, extensions: [unaccent, pg_trgm, uuid-ossp]}"),
      "apps/plain/wsgi.py": app,
      "apps/geo/app.ini": `[production]
app_name = geo
version = 2.0.0
runner = wsgi.py
packages = python3-psycopg2
service.postgis =
processes = 1
timeouts = request=60s
`,
      "apps/geo/wsgi.py": app,
      "stacks/test.yaml": environment(os, "plain", "geo"),
    });
    await project.prepare("web1", { os });
  });

  afterAll(async () => {
    await project.remove();
  });

  test("a database has the extensions that the manifest asks for, and one with PostGIS has that", async () => {
    await project.engine.up();
    node = await project.node("web1");
    expect(await extensions("plain")).toEqual(["pg_trgm", "plpgsql", "unaccent", "uuid-ossp"]);
    expect(await get("plain", "/use")).toBe('["cafe0.600000000-0000-0000-0000-000000000000"]');
    expect(await extensions("geo")).toEqual(["plpgsql", "postgis"]);
    expect(JSON.parse(await get("geo", "/variables"))).toMatchObject({
      CONFIG_PG_DBNAME: "geo_g1",
      CONFIG_PG_USER: "site-geo",
      CONFIG_PG_HOST: "/run/silver/pg-geo-g1",
      CONFIG_PG_URL: "postgresql://site-geo@/geo_g1?host=/run/silver/pg-geo-g1",
      CONFIG_POSTGIS_URL: "postgresql://site-geo@/geo_g1?host=/run/silver/pg-geo-g1",
    });
  });

  test("an app of 2010 finds what it imports", async () => {
    const key = await onNode("tr -d '\\n' </srv/silver/geo/secret.txt | sha256sum | cut -d' ' -f1");
    expect(await get("geo", "/production")).toBe(`True ${key}`);
  });

  test("an app keeps places, measures and projects them, and adds a coordinate system", async () => {
    expect(await get("geo", "/make")).toBe("made");
    expect(await get("geo", "/write/berlin/13.4/52.5")).toBe("written");
    expect(await get("geo", "/write/paris/2.35/48.85")).toBe("written");
    expect(Number(await get("geo", "/apart/berlin/paris"))).toBeGreaterThan(870_000);
    expect(Number(await get("geo", "/apart/berlin/paris"))).toBeLessThan(885_000);
    expect(await get("geo", "/projected")).toBe("1491681");
    expect(await get("geo", "/systems")).toBe("1");
    expect(await status("geo")).toMatchObject([{ name: "postgis", type: "postgis", limit: 2 * 1024 ** 3, problem: null }]);
    expect((await status("geo"))[0]?.bytes).toBeGreaterThan(8 * 1024 ** 2);
  });

  test("each extension is the site's own but for PostGIS, and no role but the agent's is a superuser", async () => {
    const owners = "SELECT extname, extowner::regrole FROM pg_extension WHERE extname <> $$plpgsql$$ ORDER BY 1";
    expect(await asSite("plain", owners)).toBe('pg_trgm|"site-plain"\nunaccent|"site-plain"\nuuid-ossp|"site-plain"');
    expect(await asSite("geo", owners)).toBe("postgis|postgres");
    for (const name of ["plain", "geo"]) {
      expect(await asAgent(name, "SELECT rolname FROM pg_roles WHERE rolsuper")).toBe("postgres");
      // The template is gone: it would take as much disk again.
      expect(await asAgent(name, "SELECT datname FROM pg_database ORDER BY 1")).toBe(
        `${name}_g1\npostgres\ntemplate0\ntemplate1`,
      );
    }
  });

  test("a second run changes nothing, and the superuser never comes to a site's database", async () => {
    await onNode(
      "for each in plain geo; do echo 'log_connections = on' >>/srv/silver/$each/data/pg/g1/postgresql.auto.conf; systemctl restart silver-postgres-$each@g1; done",
    );
    const started = () => onNode("systemctl show --value --property=ActiveEnterTimestampMonotonic 'silver-postgres-*' | grep .");
    const before = await started();
    again("plain");
    project.edit("apps/geo/app.ini", "version = 2.0.0", "version = 2.0.1");
    await project.engine.up();
    expect(await started()).toBe(before);
    const logins = await onNode(
      "journalctl --sync; journalctl -o cat --unit 'silver-postgres-*' | grep -o 'authorized: user=[^ ]* database=[^ ]*' | sort -u",
    );
    expect(logins.split("\n")).toContain("authorized: user=postgres database=postgres");
    expect(logins.split("\n").filter((line) => /user=postgres database=(?!postgres$)/.test(line))).toEqual([]);
  });

  test("one more is made by the next rollout, and one that is not asked for any more stays", async () => {
    again("plain");
    project.edit("apps/plain/app.yaml", "[unaccent, pg_trgm, uuid-ossp]", "[citext, unaccent]");
    await project.engine.up();
    expect(await extensions("plain")).toEqual(["citext", "pg_trgm", "plpgsql", "unaccent", "uuid-ossp"]);
  });

  test("what an app puts in the way of an extension stops its rollout, and wins it nothing", async () => {
    const planted = `CREATE FUNCTION public.akeys(text) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
ALTER ROLE "site-plain" SET search_path = planted, public;
CREATE SCHEMA planted;
CREATE FUNCTION planted.pg_catalog_user() RETURNS name LANGUAGE sql AS $$ SELECT current_user $$;
CREATE VIEW planted.pg_extension AS SELECT 'hstore'::name AS extname;
CREATE TYPE public.hstore AS (planted text);`;
    expect(await asSite("plain", planted)).not.toMatch(/ERROR/);
    again("plain");
    project.edit("apps/plain/app.yaml", "[citext, unaccent]", "[citext, unaccent, hstore]");
    const output = await project.engine.upFails();
    expect(output).toContain("PostgreSQL did not make the extensions");
    expect(output).toMatch(/type "hstore" already exists|not a member of extension/);
    expect(await get("plain", "/")).toBe("ok");
    expect(
      await asSite("plain", "SELECT rolsuper, current_setting('is_superuser') FROM pg_roles WHERE rolname = current_user"),
    ).toBe("f|off");
    await asSite(
      "plain",
      'RESET search_path; ALTER ROLE "site-plain" RESET search_path; DROP TYPE public.hstore; DROP FUNCTION public.akeys(text);',
    );
    await project.engine.up();
    expect(await extensions("plain")).toContain("hstore");
  });

  test("an app makes no extension that would give it more", async () => {
    for (const name of ["dblink", "file_fdw", "postgres_fdw", "pg_buffercache", "postgis"]) {
      expect(await asSite("plain", `CREATE EXTENSION ${name};`), name).toMatch(
        /permission denied to create extension|is not available|no extension control file/i,
      );
    }
    expect(
      await onNode("runuser -u site-plain -- psql -w -h /run/silver/pg-geo-g1 -d geo_g1 -c 'SELECT 1' 2>&1 || true"),
    ).toMatch(/permission denied/i);
    expect(await asSite("geo", "ALTER EXTENSION postgis ADD TABLE places;")).toMatch(/must be owner of extension postgis/);
    expect(await asSite("geo", "DROP EXTENSION postgis;")).toMatch(/must be owner of extension postgis/);
    expect(
      await asSite("geo", "CREATE OR REPLACE FUNCTION public.st_x(geometry) RETURNS float8 LANGUAGE sql AS 'SELECT 1.0';"),
    ).toMatch(/must be owner of function st_x/);
    expect(
      await onNode("runuser -u site-geo -- psql -w -h /run/silver/pg-geo-g1 -d silver_postgis -c 'SELECT 1' 2>&1 || true"),
    ).toMatch(/rejects connection|no pg_hba.conf entry|does not exist/);
  });

  test("a database with PostGIS over its quota is read-only, and is given back", async () => {
    project.edit("apps/geo/app.ini", "service.postgis =", "service.postgis = quota=64M");
    project.edit("apps/geo/app.ini", "version = 2.0.1", "version = 2.0.2");
    await project.engine.up();
    expect(
      await asSite("geo", "CREATE TABLE large (text text);\nALTER TABLE large ALTER text SET STORAGE EXTERNAL;"),
    ).not.toMatch(/ERROR/);
    // Four megabytes a transaction: the node may measure meanwhile.
    const rows =
      "INSERT INTO large SELECT string_agg(md5(random()::text || n || m), '') FROM generate_series(1, 256) n, generate_series(1, 512) m GROUP BY m;\n";
    for (let count = 0; count < 4; count += 1) await asSite("geo", rows.repeat(5));
    await onNode("silver-agent measure <<<'{}'");
    expect(await asSite("geo", "INSERT INTO places VALUES ('rome', NULL);")).toMatch(/read-only transaction/);
    expect(await get("geo", "/read")).toBe('["berlin", "paris"]');
    await asSite("geo", "SET default_transaction_read_only = off;\nDROP TABLE large;");
    await onNode("silver-agent measure <<<'{}'");
    expect(await asSite("geo", "DELETE FROM places WHERE name = 'rome';")).toBe("DELETE 0");
  });

  test("places survive a crash and a reboot", async () => {
    await onNode("systemctl kill --signal=SIGKILL silver-postgres-geo@g1");
    await poll("it runs again", 30, async () => (await get("geo", "/read")) === '["berlin", "paris"]');
    await reboot(node);
    await poll("the site answers", 60, async () => (await get("geo", "/read")) === '["berlin", "paris"]');
    expect(Number(await get("geo", "/apart/berlin/paris"))).toBeGreaterThan(870_000);
  });

  test("a site that was removed and comes back has its places, and heal puts back what is lost", async () => {
    writeFileSync(join(project.root, "stacks/test.yaml"), environment(os, "plain"));
    await project.engine.up();
    expect(await onNode("ps -C postgres -o user= | sort -u")).toBe("pg-plain");
    writeFileSync(join(project.root, "stacks/test.yaml"), environment(os, "plain", "geo"));
    await project.engine.up();
    expect(await get("geo", "/read")).toBe('["berlin", "paris"]');
    await onNode(
      "systemctl stop silver-postgres-geo@g1; rm /etc/systemd/system/silver-postgres-geo@g1.service /etc/silver/postgres/geo-g1.*",
    );
    await onNode("systemctl daemon-reload");
    const healed = spawnSync(process.execPath, ["cli/main.ts", "-e", "test", "heal", "geo"], {
      cwd: project.root,
      env: project.engine.environment,
      encoding: "utf8",
    });
    expect(healed.status, healed.stdout + healed.stderr).toBe(0);
    expect((await status("geo")).map(({ problem }) => problem)).toEqual([null]);
    expect(await get("geo", "/read")).toBe('["berlin", "paris"]');
  });

  test("a database that stands without PostGIS is refused it, and gets it by the way that the docs tell", async () => {
    await asSite("plain", "CREATE TABLE kept (word citext); INSERT INTO kept VALUES ('Kept');");
    again("plain");
    project.edit("apps/plain/app.yaml", "{type: postgres,", "{type: postgis,");
    const output = await project.engine.upFails();
    expect(output).toContain("the database plain_g1 has no PostGIS, which it can only get when it is made");
    expect((await status("plain"))[0]?.type).toBe("postgres");
    expect(await get("plain", "/")).toBe("ok");
    await onNode(
      "runuser -u site-plain -- pg_dump -h /run/silver/pg-plain-g1 --no-owner plain_g1 >/root/plain.sql; systemctl stop silver-postgres-plain@g1; mv /srv/silver/plain/data/pg/g1 /srv/silver/plain/data/pg/without-postgis",
    );
    await project.engine.up();
    await onNode("runuser -u site-plain -- psql -q -h /run/silver/pg-plain-g1 plain_g1 </root/plain.sql");
    expect(await extensions("plain")).toContain("postgis");
    expect(await asSite("plain", "SELECT word FROM public.kept")).toBe("Kept");
    // Back again it is the same database.
    again("plain");
    project.edit("apps/plain/app.yaml", "{type: postgis,", "{type: postgres,");
    await project.engine.up();
    expect(await asSite("plain", "SELECT word FROM public.kept")).toBe("Kept");
    expect((await status("plain")).map(({ type }) => type)).toEqual(["postgres"]);
  });
});
