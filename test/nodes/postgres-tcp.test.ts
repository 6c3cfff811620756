// A database that an app reaches by address, port and password, on one real node: who else does, and whose password it is.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  asUser as asUserOf,
  dial as dialOn,
  expectHidden,
  expectUnheard,
  floodAs,
  onNode as onNodeOf,
} from "../support/by-address.ts";
import { http, poll, reboot } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { siteOn } from "../support/site-on.ts";
import { testOs } from "../support/systems.ts";

/** Takes its URL apart as apps of 2010 did, and knows no socket. */
const app = `import json, os, re, psycopg2

def connect():
    user, password, host, port, name = re.fullmatch(r"\\w+://([^:]+):([^@]+)@([^:]+):([0-9]+)/(.+)", os.environ["CONFIG_PG_SQLALCHEMY"]).groups()
    return psycopg2.connect(user=user, password=password, host=host, port=int(port), dbname=name)

def run(sql, *values):
    connection = connect()
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return [row[0] for row in cursor.fetchall()] if cursor.description else []
    except psycopg2.Error as error:
        return [str(error)]
    finally:
        connection.close()

def answer(path):
    match path.strip("/").split("/"):
        case ["write", text]:
            run("CREATE TABLE IF NOT EXISTS notes (text text)")
            return str(run("INSERT INTO notes VALUES (%s) RETURNING 'written'", text)[0])
        case ["read"]:
            return json.dumps(run("SELECT text FROM notes ORDER BY text"))
        case ["fill", megabytes]:
            run("CREATE TABLE IF NOT EXISTS large (text text)")
            run("ALTER TABLE large ALTER text SET STORAGE EXTERNAL")
            # Eight kilobytes a row, four megabytes a transaction: the node may measure meanwhile.
            rows = "SELECT string_agg(md5(random()::text || n || m), '') FROM generate_series(1, 256) n, generate_series(1, 512) m GROUP BY m"
            return str([run("INSERT INTO large " + rows) for _ in range(int(megabytes) // 4)][-1])
        case ["who"]:
            return json.dumps(run("SELECT current_user || ' ' || session_user || ' ' || tableowner FROM pg_tables WHERE tablename = 'notes'"))
        case ["variables"]:
            return json.dumps({name: value for name, value in os.environ.items() if name.startswith("CONFIG_")})
    return "ok"

def application(environ, start_response):
    body = answer(environ["PATH_INFO"]).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
`;

const manifest = (name: string, options: string) => `name: ${name}
version: 1.0.0
runner: wsgi.py
packages: [python3-psycopg2]
services: {db: {type: postgres, quota: 64M${options}}}
processes: {count: 1}
timeouts: {request: 60s}
`;
const environment = (os: string) => `nodes:
  web1: { local: true, os: ${os}, roles: [web] }
defaults: { retain: 2, grace: 0s }
sites:
  one-a: { app: apps/one-a, nodes: [web1], locations: [one-a.test] }
  two: { app: apps/two, nodes: [web1], locations: [two.test] }
`;

interface Variables {
  CONFIG_PG_USER: string;
  CONFIG_PG_PASSWORD: string;
  CONFIG_PG_HOST: string;
  CONFIG_PG_PORT: string;
}

let project: Project;
let node: TestNode;

const get = async (name: string, path: string) => (await http(node, path, { Host: `${name}.test` })).body;

const onNode = (command: string, input?: string) => onNodeOf(node, command, input);

const asUser = (user: string, command: string) => asUserOf(node, user, command);

const variables = async (name: string) => JSON.parse(await get(name, "/variables")) as Variables;

const status = async (name: string) => (await siteOn(node, name)).services;

const placeOf = ({ CONFIG_PG_HOST: host, CONFIG_PG_PORT: port }: Variables) => ({ host, port });

const dial = (user: string, told: Variables) => dialOn(node, user, placeOf(told));

/** Logs in over TCP with what a release was told. The password goes by stdin. */
const logIn = (user: string, told: Variables) =>
  onNode(
    `read -r PGPASSWORD; export PGPASSWORD; runuser -u ${user} -- psql -w -At -h ${told.CONFIG_PG_HOST} -p ${told.CONFIG_PG_PORT} -U ${told.CONFIG_PG_USER} -d one_a_g1 -c 'SELECT current_user' 2>&1 || true`,
    `${told.CONFIG_PG_PASSWORD}\n`,
  );

let minor = 0;
const again = () => {
  project.edit("apps/one-a/app.yaml", `version: 1.${minor}.0`, `version: 1.${minor + 1}.0`);
  minor += 1;
};

describe.each([testOs])("on %s", (os) => {
  beforeAll(async () => {
    project = await withProject({
      "apps/one-a/app.yaml": manifest("one-a", ", tcp: true"),
      "apps/one-a/wsgi.py": app,
      "apps/two/app.yaml": manifest("two", ""),
      "apps/two/wsgi.py": app,
      "stacks/test.yaml": environment(os),
    });
    await project.prepare("web1", { os });
  });

  afterAll(async () => {
    await project.remove();
  });

  test("an app is told an address, a port and a password, and writes as the site", async () => {
    await project.engine.up();
    node = await project.node("web1");
    const told = await variables("one-a");
    expect(told.CONFIG_PG_HOST).toMatch(/^127\.65\.0\.\d+$/);
    expect(Number(told.CONFIG_PG_PORT)).toBeGreaterThan(20_000);
    expect(Number(told.CONFIG_PG_PORT)).toBeLessThan(32_768);
    expect(told.CONFIG_PG_USER).toMatch(/^site-one-a-[0-9a-f]{8}-[0-9a-f]{8}$/);
    expect(told.CONFIG_PG_PASSWORD).toMatch(/^[0-9a-f]{48}$/);
    expect(told).toMatchObject({
      CONFIG_DB_URL: `postgresql://${told.CONFIG_PG_USER}:${told.CONFIG_PG_PASSWORD}@${told.CONFIG_PG_HOST}:${told.CONFIG_PG_PORT}/one_a_g1`,
    });
    expect(await get("one-a", "/write/first")).toBe("written");
    expect(await get("one-a", "/who")).toBe(`["site-one-a ${told.CONFIG_PG_USER} site-one-a"]`);
  });

  test("only the site's user reaches the port, and only with the password", async () => {
    const told = await variables("one-a");
    expect(await dial("site-one-a", told)).toContain("exit code 0");
    for (const user of ["site-two", "nobody", "vcache", "pg-two", "pg-one-a"])
      expect(await dial(user, told), user).toMatch(/Connection refused[^]*exit code 1/);
    expect(await logIn("site-one-a", told)).toBe("site-one-a");
    for (const wrong of [
      { CONFIG_PG_PASSWORD: "0".repeat(48) },
      { CONFIG_PG_PASSWORD: "" },
      { CONFIG_PG_USER: "site-one-a" },
      { CONFIG_PG_USER: "postgres" },
    ])
      expect(await logIn("site-one-a", { ...told, ...wrong }), JSON.stringify(wrong)).toMatch(
        /password authentication failed|no password supplied|no pg_hba.conf entry/,
      );
    const rights = "SELECT rolname FROM pg_roles WHERE rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication";
    expect(await asUser("site-one-a", `psql -w -At -h /run/silver/pg-one-a-g1 one_a_g1 -c "${rights}"`)).toBe(
      "postgres\nexit code 0",
    );
  });

  test("what binds the port of another's server that is down is not heard", async () => {
    await expectUnheard(node, "silver-postgres-one-a@g1", placeOf(await variables("one-a")));
    expect(await get("one-a", "/read")).toBe('["first"]');
  });

  test("the password stands nowhere but with the release and with root", async () => {
    const { CONFIG_PG_PASSWORD: password } = await variables("one-a");
    await expectHidden(project, node, password, "/srv/silver/one-a/data/pg/g1.logins.json");
    expect(readFileSync(join(project.root, "stacks/test.yaml"), "utf8")).not.toContain(password);
  });

  test("each release has a password of its own, which ends with it", async () => {
    const first = await variables("one-a");
    const started = () => onNode("systemctl show --value --property=ActiveEnterTimestampMonotonic silver-postgres-one-a@g1");
    const before = await started();
    again();
    await project.engine.up();
    const second = await variables("one-a");
    expect(second.CONFIG_PG_PASSWORD).not.toBe(first.CONFIG_PG_PASSWORD);
    expect([second.CONFIG_PG_HOST, second.CONFIG_PG_PORT]).toEqual([first.CONFIG_PG_HOST, first.CONFIG_PG_PORT]);
    // The previous one is kept: what still runs of it logs in, and a revert finds it so.
    expect(await logIn("site-one-a", first)).toBe("site-one-a");
    for (let count = 0; count < 3; count += 1) {
      again();
      await project.engine.up();
    }
    expect(await logIn("site-one-a", first)).toMatch(/no pg_hba.conf entry/);
    expect(await get("one-a", "/read")).toBe('["first"]');
    expect(await started()).toBe(before);
  });

  test("a rollout finds its way in where an app takes every place at the address, and says nothing", async () => {
    const told = await variables("one-a");
    await floodAs(node, "site-one-a", placeOf(told));
    await poll("every place is taken", 30, async () =>
      /too many clients|could not fork|reserved|closed the connection/.test(await logIn("site-one-a", told)),
    );
    again();
    await project.engine.up();
    await onNode("systemctl stop flood");
    await poll("the app is back", 30, async () => (await get("one-a", "/read")) === '["first"]');
  });

  test("its quota holds for what comes over TCP", async () => {
    expect(await get("one-a", "/fill/100")).toMatch(/^\[\]$|read-only transaction|closed/);
    await onNode("silver-agent measure <<<'{}'");
    expect(await get("one-a", "/write/more")).toMatch(/read-only transaction/);
    expect(await get("one-a", "/read")).toBe('["first"]');
    // A release that is new meanwhile has a login that was not there when the quota was enforced.
    again();
    await project.engine.up();
    expect(await get("one-a", "/write/more")).toMatch(/read-only transaction/);
    expect((await status("one-a"))[0]?.problem).toMatch(/over its quota/);
    project.edit("apps/one-a/app.yaml", "quota: 64M", "quota: 256M");
    again();
    await project.engine.up();
    expect(await get("one-a", "/write/more")).toBe("written");
  });

  test("its server is confined, and serves again after a crash and a reboot", async () => {
    expect(
      await onNode("systemd-analyze security --threshold=20 --no-pager silver-postgres-one-a@g1.service >/dev/null && echo held"),
    ).toBe("held");
    await onNode("systemctl kill --signal=SIGKILL silver-postgres-one-a@g1");
    await poll("it runs again", 30, async () => (await get("one-a", "/read")) === '["first", "more"]');
    await reboot(node);
    await poll("the site answers", 60, async () => (await get("one-a", "/read")) === '["first", "more"]');
    expect(await dial("site-two", await variables("one-a"))).toMatch(/Connection refused/);
  });

  test("a site goes over to TCP and back, and what serves keeps its database meanwhile", async () => {
    expect((await variables("two")).CONFIG_PG_HOST).toBe("/run/silver/pg-two-g1");
    project.edit("apps/two/app.yaml", "quota: 64M", "quota: 64M, tcp: true");
    project.edit("apps/two/app.yaml", "version: 1.0.0", "version: 1.1.0");
    await project.engine.up();
    expect(await get("two", "/write/over")).toBe("written");
    // As an older release has it, and an administrator.
    expect(await asUser("site-two", 'psql -w -At -h /run/silver/pg-two-g1 -p 5432 two_g1 -c "SELECT text FROM notes"')).toBe(
      "over\nexit code 0",
    );
    const told = await variables("two");
    project.edit("apps/two/app.yaml", ", tcp: true", "");
    project.edit("apps/two/app.yaml", "version: 1.1.0", "version: 1.2.0");
    await project.engine.up();
    expect((await variables("two")).CONFIG_PG_HOST).toBe("/run/silver/pg-two-g1");
    expect(await dial("site-two", told)).toContain("exit code 0");
    for (const version of ["1.3.0", "1.4.0", "1.5.0"]) {
      project.edit(
        "apps/two/app.yaml",
        /version: \S+/.exec(readFileSync(join(project.root, "apps/two/app.yaml"), "utf8"))?.[0] ?? "",
        `version: ${version}`,
      );
      await project.engine.up();
    }
    expect(await dial("site-two", told)).toMatch(/Connection refused/);
    expect(await onNode("ss -Hltn | grep -c 127.65. || true")).toBe("1");
  });
});
