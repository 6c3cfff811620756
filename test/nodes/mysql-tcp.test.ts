// MariaDB that an app reaches by address, port and password, on one real node: who else does, and what the site's two accounts may.
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
import { inTerminal } from "../support/in-terminal.ts";
import { http, poll, reboot } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { siteOn } from "../support/site-on.ts";
import { testOs } from "../support/systems.ts";
import { answersWithErrors } from "../support/wsgi-app.ts";

/** Knows no socket, unless it is told that one is all there is. */
const app = `import json, os, re, pymysql

def connect():
    if os.environ["CONFIG_MYSQL_SOCKET"]:
        own = os.environ
        return pymysql.connect(user=own["CONFIG_DB_USER"], database=own["CONFIG_DB_DBNAME"], unix_socket=own["CONFIG_DB_SOCKET"])
    url = "mysql://([^:]+):([^@]+)@([^:]+):([0-9]+)/([^?]+)"
    user, password, host, port, name = re.match(url, os.environ["CONFIG_MYSQL_SQLALCHEMY"]).groups()
    return pymysql.connect(user=user, password=password, host=host, port=int(port), database=name)

def run(sql, *values):
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute(sql, values)
        connection.commit()
        return [row[0] for row in cursor.fetchall()] if cursor.description else []

def answer(path):
    match path.strip("/").split("/"):
        case ["write", text]:
            run("CREATE TABLE IF NOT EXISTS notes (text varchar(200))")
            run("INSERT INTO notes VALUES (%s)", text)
            return "written"
        case ["read"]:
            return json.dumps(run("SELECT text FROM notes ORDER BY text"))
        case ["run", *words]:
            return json.dumps(run("/".join(words)))
        case ["variables"]:
            return json.dumps({name: value for name, value in os.environ.items() if name.startswith("CONFIG_")})
    return "ok"

${answersWithErrors}`;

/** As the site, holds connections that have logged in: "address:1" one by the address, "socket:100" as many by the socket. */
const holder = `import glob, json, sys, time, pymysql
path = sorted(glob.glob("/srv/silver/one-a/releases/*/environ.json"))[-1]
told = json.load(open(path))
password = told["CONFIG_MYSQL_PASSWORD"]
ways = {
    "address": {"host": told["CONFIG_MYSQL_HOST"], "port": int(told["CONFIG_MYSQL_PORT"]), "password": password},
    "socket": {"unix_socket": "/run/silver/mysql-one-a-g1/mysqld.sock"},
}
held = []
for way, most in (word.split(":") for word in sys.argv[1:]):
    try:
        for _ in range(int(most)):
            held.append(pymysql.connect(user="site-one-a", database="one_a_g1", **ways[way]))
    except pymysql.Error as error:
        print(error, flush=True)
print("holds", len(held), flush=True)
time.sleep(600)
`;

const manifest = (name: string, options: string) => `name: ${name}
version: 1.0.0
runner: wsgi.py
packages: [python3-pymysql]
services: {db: {type: mysql, quota: 64M${options}}}
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
  CONFIG_MYSQL_USER: string;
  CONFIG_MYSQL_PASSWORD: string;
  CONFIG_MYSQL_HOST: string;
  CONFIG_MYSQL_PORT: string;
}

let project: Project;
let node: TestNode;

const get = async (name: string, path: string) => (await http(node, path, { Host: `${name}.test` })).body;

/** What the app's database says to SQL of the app. */
const asks = (name: string, sql: string) => get(name, `/run/${encodeURIComponent(sql)}`);

const onNode = (command: string, input?: string) => onNodeOf(node, command, input);

const asUser = (user: string, command: string) => asUserOf(node, user, command);

const variables = async (name: string) => JSON.parse(await get(name, "/variables")) as Variables;

const placeOf = ({ CONFIG_MYSQL_HOST: host, CONFIG_MYSQL_PORT: port }: Variables) => ({ host, port });

const dial = (user: string, told: Variables) => dialOn(node, user, placeOf(told));

const client = "mariadb --no-defaults --batch --skip-column-names";

/** Logs in over TCP as a user of the node, with what a release was told, whatever certificate is shown. The password goes by stdin. */
const logIn = (user: string, told: Variables) =>
  onNode(
    `read -r MYSQL_PWD; export MYSQL_PWD; runuser -u ${user} -- ${client} --skip-ssl -h ${told.CONFIG_MYSQL_HOST} -P ${told.CONFIG_MYSQL_PORT} -u ${told.CONFIG_MYSQL_USER} one_a_g1 -e 'SELECT current_user()' 2>&1 || true`,
    `${told.CONFIG_MYSQL_PASSWORD}\n`,
  );

/** What a site's server says by its socket to SQL of the site, or of its administrator. */
const says = (name: string, sql: string, user = `site-${name}`) =>
  onNode(
    `runuser -u ${user} -- ${client} --socket=/run/silver/mysql-${name}-g1/mysqld.sock ${user === "root" ? "" : `${name.replaceAll("-", "_")}_g1`} 2>&1 || true`,
    `${sql}\n`,
  );

const started = () => onNode("systemctl show --value --property=ActiveEnterTimestampMonotonic silver-mysql-one-a@g1");

const sessions = async () =>
  Number(await says("one-a", "SELECT count(*) FROM information_schema.processlist WHERE user = 'site-one-a';", "root"));

const hold = async (...words: string[]) => {
  await onNode(
    `systemd-run --quiet --unit=holder --property=User=site-one-a --property=Group=site-one-a python3 /usr/local/share/holder.py ${words.join(" ")}`,
  );
  await poll("it holds them", 30, async () => (await onNode("journalctl --unit=holder --output=cat")).includes("holds"));
};

const denied = /command denied to user 'site-one-a'@'/;

const nextVersion = (name: string) => {
  const [line = "", minor = ""] =
    /version: 1\.(\d+)\.0/.exec(readFileSync(join(project.root, `apps/${name}/app.yaml`), "utf8")) ?? [];
  project.edit(`apps/${name}/app.yaml`, line, `version: 1.${Number(minor) + 1}.0`);
};
const rollOut = async (name: string) => {
  nextVersion(name);
  await project.engine.up();
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

  test("an app is told an address, a port and a password, and reads and writes there", async () => {
    await project.engine.up();
    node = await project.node("web1");
    const told = await variables("one-a");
    expect(told.CONFIG_MYSQL_HOST).toMatch(/^127\.65\.0\.\d+$/);
    expect(Number(told.CONFIG_MYSQL_PORT)).toBeGreaterThan(20_000);
    expect(Number(told.CONFIG_MYSQL_PORT)).toBeLessThan(32_768);
    expect(told.CONFIG_MYSQL_PASSWORD).toMatch(/^[0-9a-f]{48}$/);
    expect(told).toMatchObject({
      CONFIG_MYSQL_USER: "site-one-a",
      CONFIG_MYSQL_SOCKET: "",
      CONFIG_DB_URL: `mysql://site-one-a:${told.CONFIG_MYSQL_PASSWORD}@${told.CONFIG_MYSQL_HOST}:${told.CONFIG_MYSQL_PORT}/one_a_g1?charset=utf8mb4`,
    });
    expect(await get("one-a", "/write/first")).toBe("written");
    expect(await get("one-a", "/read")).toBe('["first"]');
    expect(await asks("one-a", "SELECT current_user()")).toBe('["site-one-a@127.%"]');
    const said = await inTerminal(project, ["shell", "one-a", "db"], ["SELECT current_user();", "exit"], /\[one_a_g1\]> $/);
    expect(said).toMatch(/\| site-one-a@localhost +\|/);
  });

  test("only the site's user reaches the port, and only with the password", async () => {
    const told = await variables("one-a");
    expect(await dial("site-one-a", told)).toContain("exit code 0");
    for (const user of ["site-two", "nobody", "vcache", "mysql-two", "mysql-one-a"])
      expect(await dial(user, told), user).toMatch(/Connection refused[^]*exit code 1/);
    expect(await logIn("site-one-a", told)).toBe("site-one-a@127.%");
    for (const wrong of [
      { CONFIG_MYSQL_PASSWORD: "0".repeat(48) },
      { CONFIG_MYSQL_PASSWORD: "" },
      ...["root", "site-two", "mariadb.sys"].map((user) => ({ CONFIG_MYSQL_USER: user })),
    ])
      expect(await logIn("site-one-a", { ...told, ...wrong }), JSON.stringify(wrong)).toMatch(
        /Access denied|is not allowed to connect/,
      );
  });

  test.each([
    "ALTER USER CURRENT_USER() WITH MAX_USER_CONNECTIONS 0",
    "ALTER USER CURRENT_USER() IDENTIFIED VIA unix_socket",
    "ALTER USER CURRENT_USER() ACCOUNT UNLOCK",
    "SELECT authentication_string FROM mysql.user",
    "CREATE DATABASE other",
    "SET GLOBAL max_connections = 1",
    "SHUTDOWN",
  ])("what reaches beyond its own data is refused by the address, too: %s", async (sql) => {
    expect(await asks("one-a", sql)).toMatch(/^\(1\d{3}, .*denied/);
  });

  test("what binds the port of another's server that is down is not heard", async () => {
    await expectUnheard(node, "silver-mysql-one-a@g1", placeOf(await variables("one-a")));
    expect(await get("one-a", "/read")).toBe('["first"]');
  });

  test("the password stands nowhere but with the site and with root", async () => {
    const { CONFIG_MYSQL_PASSWORD: password } = await variables("one-a");
    await expectHidden(project, node, password, "/srv/silver/one-a/data/mysql/g1.login.json");
    expect(await asUser("site-two", "cat /etc/silver/mysql/one-a-g1.sql")).toMatch(/Permission denied/);
  });

  test("another release has the same password, and the server runs on, also where the app had changed it", async () => {
    const [before, first] = [await started(), await variables("one-a")];
    await rollOut("one-a");
    expect(await variables("one-a")).toEqual(first);
    await asks("one-a", "SET PASSWORD = PASSWORD('mine')");
    expect(await get("one-a", "/read")).toMatch(/Access denied/);
    await rollOut("one-a");
    expect(await get("one-a", "/read")).toBe('["first"]');
    expect(await started()).toBe(before);
  });

  test("a rollout finds its way in where an app takes every place, by connections that say nothing and by its two accounts", async () => {
    const told = await variables("one-a");
    await floodAs(node, "site-one-a", placeOf(told));
    await poll("every place is taken", 30, async () =>
      /Too many connections|Lost connection/.test(await logIn("site-one-a", told)),
    );
    await rollOut("one-a");
    await onNode("systemctl stop flood");
    await poll("the app is back", 30, async () => (await get("one-a", "/read")) === '["first"]');
    await onNode("install -m 644 /dev/stdin /usr/local/share/holder.py", holder);
    await hold("address:100", "socket:100");
    expect(await onNode("journalctl --unit=holder --output=cat")).toMatch(
      /max_user_connections[^]*(1040|1203|max_user_connections)/,
    );
    await rollOut("one-a");
    await onNode("systemctl stop holder");
  });

  test("above its quota neither account can write, nor one by what the other has defined", async () => {
    await onNode("systemctl stop silver-measure.timer");
    expect(await asks("one-a", "CREATE PROCEDURE by_address() INSERT INTO notes VALUES ('planted')")).toBe("[]");
    expect(await says("one-a", "CREATE PROCEDURE by_socket() INSERT INTO notes VALUES ('planted');")).toBe("");
    const fill = "INSERT INTO large SELECT repeat(md5(seq), 32768) FROM seq_1_to_10;\n".repeat(8);
    expect(await says("one-a", `CREATE TABLE large (text LONGTEXT);\n${fill}`)).toBe("");
    await hold("address:3", "socket:3");
    expect(await sessions()).toBe(6);
    await onNode("silver-agent measure <<<'{}'");
    expect(await sessions()).toBe(0);
    await onNode("systemctl stop holder");
    expect((await siteOn(node, "one-a")).services[0]?.problem).toMatch(/over its quota/);
    for (const sql of ["INSERT INTO notes VALUES (1)", "CALL by_address()", "CALL by_socket()"]) {
      expect(await asks("one-a", sql), sql).toMatch(denied);
      expect(await says("one-a", `${sql};`), sql).toMatch(denied);
    }
    expect(await get("one-a", "/read")).toBe('["first"]');
    await onNode("systemctl restart silver-mysql-one-a@g1");
    expect(await get("one-a", "/write/more")).toMatch(denied);
    await rollOut("one-a");
    expect(await get("one-a", "/write/more")).toMatch(denied);
    expect(await asks("one-a", "TRUNCATE large")).toBe("[]");
    await onNode("silver-agent measure <<<'{}'; systemctl start silver-measure.timer");
    expect(await get("one-a", "/write/more")).toBe("written");
  });

  test("its server is confined, and serves again after a crash and a reboot", async () => {
    expect(
      await onNode("systemd-analyze security --threshold=20 --no-pager silver-mysql-one-a@g1.service >/dev/null && echo held"),
    ).toBe("held");
    expect(await onNode("ss -Htlnp | grep -c maria")).toBe("1");
    await onNode("systemctl kill --signal=SIGKILL silver-mysql-one-a@g1");
    await poll("it runs again", 30, async () => (await get("one-a", "/read")) === '["first", "more"]');
    await reboot(node);
    await poll("the site answers", 60, async () => (await get("one-a", "/read")) === '["first", "more"]');
    expect(await dial("site-two", await variables("one-a"))).toMatch(/Connection refused/);
  });

  test("a site goes over to TCP and back, and what serves keeps its rows meanwhile", async () => {
    expect(await get("two", "/write/before")).toBe("written");
    project.edit("apps/two/app.yaml", "quota: 64M", "quota: 64M, tcp: true");
    await rollOut("two");
    const told = await variables("two");
    expect(told.CONFIG_MYSQL_HOST).toMatch(/^127\.65\./);
    expect(await get("two", "/write/over")).toBe("written");
    expect(await asks("two", "CREATE VIEW seen AS SELECT text FROM notes")).toBe("[]");
    expect(await says("two", "SELECT * FROM seen;")).toBe("before\nover");
    project.edit("apps/two/app.yaml", ", tcp: true", "");
    await rollOut("two");
    expect((await variables("two")).CONFIG_MYSQL_HOST).toBe("localhost");
    expect(await dial("site-two", told)).toContain("exit code 0");
    for (let count = 0; count < 3; count += 1) await rollOut("two");
    expect(await dial("site-two", told)).toMatch(/Connection refused/);
    expect(await onNode("ss -Hltn | grep -c 127.65. || true")).toBe("1");
    expect(await asks("two", "SELECT text FROM seen ORDER BY text")).toBe('["before", "over"]');
  });
});
