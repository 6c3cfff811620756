// MariaDB of two sites on one real node, from their manifests to rows that survive, and what an app that means harm gets done.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { http, poll, reboot, ssh } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { inTerminal } from "../support/in-terminal.ts";
import { withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { siteOn } from "../support/site-on.ts";
import { testOs } from "../support/systems.ts";
import { answersWithErrors } from "../support/wsgi-app.ts";

/** Writes and reads by its variables, with each of the distribution's drivers. */
const app = `import json, os
import MySQLdb, pymysql
from sqlalchemy import create_engine

SOCKET = os.environ["CONFIG_MYSQL_SOCKET"]

def connect():
    names = {"host": "HOST", "user": "USERNAME", "passwd": "PASSWORD", "db": "DBNAME"}
    return MySQLdb.connect(**{name: os.environ[f"CONFIG_MYSQL_{end}"] for name, end in names.items()}, charset="utf8mb4")

def run(sql, *values):
    connection = connect()
    try:
        cursor = connection.cursor()
        cursor.execute(sql, values)
        connection.commit()
        return [row[0] for row in cursor.fetchall()] if cursor.description else []
    finally:
        connection.close()

def by_each_driver(text):
    own = pymysql.connect(unix_socket=SOCKET, user=os.environ["CONFIG_DB_USER"], database=os.environ["CONFIG_DB_DBNAME"])
    engine = create_engine(os.environ["CONFIG_MYSQL_SQLALCHEMY"])
    run("CREATE TABLE IF NOT EXISTS texts (text TEXT)")
    run("INSERT INTO texts VALUES (%s), (%s), (%s)", text, "", None)
    with own.cursor() as cursor:
        cursor.execute("SELECT text FROM texts")
        one = [text for text, in cursor.fetchall()]
    with engine.connect() as connection:
        other = [text for text, in connection.exec_driver_sql("SELECT text FROM texts")]
    # It holds the table until then.
    own.close()
    run("DROP TABLE texts")
    return json.dumps([one, other])

def answer(path):
    match path.strip("/").split("/"):
        case ["write", text]:
            run("CREATE TABLE IF NOT EXISTS notes (text varchar(200)) ENGINE=MyISAM")
            run("INSERT INTO notes VALUES (%s)", text)
            return "written"
        case ["read"]:
            return json.dumps(run("SELECT text FROM notes ORDER BY text"))
        case ["drivers", text]:
            return by_each_driver(text)
        case ["large", megabytes]:
            run("CREATE TABLE large (bytes LONGBLOB)")
            run("INSERT INTO large VALUES (%s)", b"x" * (int(megabytes) << 20))
            size = run("SELECT length(bytes) FROM large")[0]
            run("DROP TABLE large")
            return str(size)
        case ["sessions"]:
            held = []
            try:
                while len(held) < 200:
                    held.append(connect())
            except MySQLdb.Error as error:
                return f"{len(held)}: {error}"
            finally:
                for each in held:
                    each.close()
        case ["variables"]:
            return json.dumps({name: value for name, value in os.environ.items() if name.startswith("CONFIG_")})
    return "ok"

${answersWithErrors}`;

/** Connections that say nothing, more than there are places for: the server ends each after a while. */
const crowd = `import socket, time
places = []
while True:
    place = socket.socket(socket.AF_UNIX)
    try:
        place.connect("/run/silver/mysql-one-a-g1/mysqld.sock")
        places.append(place)
    except OSError:
        time.sleep(0.1)
    if len(places) > 400:
        time.sleep(0.01)
        places.pop(0).close()
`;

const manifest = (name: string) => `name: ${name}
version: 1.0.0
runner: wsgi.py
packages: [python3-mysqldb, python3-pymysql, python3-sqlalchemy]
services: {db: {type: mysql, quota: 64M}}
processes: {count: 2}
timeouts: {request: 60s}
`;
const site = (name: string) => `  ${name}: { app: apps/${name}, nodes: [web1], locations: [${name}.test] }\n`;
const environment = (os: string, ...names: string[]) =>
  `nodes:\n  web1: { local: true, os: ${os}, roles: [web] }\nsites:\n${names.map(site).join("")}`;

let project: Project;
let node: TestNode;

const get = async (name: string, path: string) => (await http(node, path, { Host: `${name}.test` })).body;

const onNode = (command: string) => ssh(node, command);

/** What a command as a user of the node says, right or wrong, with its exit code. */
const asUser = (user: string, command: string) => onNode(`runuser -u ${user} -- sh -c '${command}' 2>&1; echo "exit code $?"`);

const unit = (name: string) => `silver-mysql-${name}@g1.service`;
const place = (name: string) => `/srv/silver/${name}/data/mysql/g1`;
const mariadb = (name: string, more = "") =>
  `mariadb --no-defaults --batch --skip-column-names --socket=/run/silver/mysql-${name}-g1/mysqld.sock ${more} ${name.replaceAll("-", "_")}_g1`;

/** What a site's own server says to SQL of the site, right or wrong. */
const says = (name: string, sql: string) => ssh(node, `runuser -u site-${name} -- ${mariadb(name)} 2>&1 || true`, `${sql}\n`);

/** What the site's app has written by now. */
const kept = async (name: string): Promise<unknown> => JSON.parse(await get(name, "/read"));

const status = async (name: string) => (await siteOn(node, name)).services[0];

const silver = (words: string[], input = "") => {
  const { root, engine } = project;
  return spawnSync(process.execPath, ["cli/main.ts", "-e", "test", ...words], {
    cwd: root,
    env: engine.environment,
    input,
    encoding: "utf8",
  });
};

const mainPid = (name: string) => onNode(`systemctl show --value --property=MainPID ${unit(name)}`);

/** Without waiting for the timer. */
const measure = () => onNode("silver-agent measure </dev/null");
/** Meanwhile nobody measures but the test. */
const unmeasured = async (work: () => Promise<void>) => {
  await onNode("systemctl stop silver-measure.timer");
  await work().finally(() => onNode("systemctl start silver-measure.timer"));
};

/** Statements that write so many megabytes, each its own transaction of ten. */
const write = (megabytes: number) =>
  "CREATE TABLE IF NOT EXISTS large (text LONGTEXT);\n" +
  `INSERT INTO large SELECT repeat(md5(seq), 32768) FROM seq_1_to_10;\n`.repeat(megabytes / 10);
const overQuota = /^over its quota: \d+ MB of 64 MB; it can only be read$/;
/** By a right that the account lacks, or by the server's own settings. */
const refused =
  /^ERROR [14]\d{3} \(\w+\).*(?:denied|not allowed|not applicable|disabled|option|Incorrect arguments to DATA DIRECTORY)/m;
const denied = /command denied to user 'site-one-a'@'localhost'/;

describe.each([testOs])("on %s", (os) => {
  beforeAll(async () => {
    project = await withProject({
      "apps/one-a/app.yaml": manifest("one-a"),
      "apps/one-a/wsgi.py": app,
      "apps/two/app.yaml": manifest("two"),
      "apps/two/wsgi.py": app,
      "stacks/test.yaml": environment(os, "one-a", "two"),
    });
    await project.prepare("web1", { os });
  });

  afterAll(async () => {
    await project.remove();
  });

  test("two apps get a database each, and write into it", async () => {
    await project.engine.up();
    node = await project.node("web1");
    for (const name of ["one-a", "two"]) {
      expect(await get(name, `/write/${name}`)).toBe("written");
      expect(await kept(name)).toEqual([name]);
    }
    const socket = "/run/silver/mysql-one-a-g1/mysqld.sock";
    const url = `mysql://site-one-a@localhost/one_a_g1?unix_socket=${socket}&charset=utf8mb4`;
    const values = { DBNAME: "one_a_g1", USER: "site-one-a", USERNAME: "site-one-a", PASSWORD: "", HOST: "localhost" };
    const all = Object.entries({ ...values, PORT: "3306", SOCKET: socket, SQLALCHEMY: url, URL: url });
    expect(JSON.parse(await get("one-a", "/variables"))).toEqual(
      Object.fromEntries(["MYSQL", "DB"].flatMap((first) => all.map(([end, value]) => [`CONFIG_${first}_${end}`, value]))),
    );
  });

  test("every driver gets back what was written: four bytes a character, nothing, NULL, and 12 MB at once", async () => {
    const texts = ["🐬 Größe", "", null];
    expect(JSON.parse(await get("one-a", `/drivers/${encodeURIComponent("🐬 Größe")}`))).toEqual([texts, texts]);
    expect(await get("one-a", "/large/12")).toBe(String(12 * 1024 ** 2));
  });

  test("silver shell opens the database as the site", async () => {
    const typed = ["SELECT current_user(), database();", "exit"];
    const said = await inTerminal(project, ["shell", "one-a", "db"], typed, /\[one_a_g1\]> $/);
    expect(said).toMatch(/\| site-one-a@localhost \| one_a_g1 +\|/);
  });

  test("each runs in its site's slice, confined, and none of the distribution's runs beside them", async () => {
    const slices = await onNode(`systemctl show --value --property=Slice ${unit("one-a")} ${unit("two")} | grep .`);
    expect(slices.split("\n")).toEqual(["silver-one\\x2da.slice", "silver-two.slice"]);
    expect(await onNode("ps -C mariadbd -o user:20= | sort")).toBe("mysql-one-a\nmysql-two");
    expect(await onNode("ss -Htlnp | grep maria || true")).toBe("");
    expect(await onNode("systemctl list-unit-files --no-legend 'mariadb*' 'mysql*' || true")).toBe("");
    const scored = await onNode(`systemd-analyze security --threshold=20 --no-pager ${unit("two")} >/dev/null && echo held`);
    expect(scored).toBe("held");
    expect(await onNode(`systemd-analyze verify ${unit("two")} 2>&1 | grep silver-mysql || true`)).toBe("");
  });

  test("its size, its limit and its health are in the status", async () => {
    const found = await status("one-a");
    expect(found).toMatchObject({ name: "db", type: "mysql", limit: 64 * 1024 ** 2, problem: null });
    await measure();
    expect((await status("one-a"))?.bytes).toBeLessThan(16 * 1024 ** 2);
  });

  test("neither site reaches the other's server, and no site its own server's files", async () => {
    const commands = [
      "ls /run/silver/mysql-two-g1",
      'python3 -c "import socket; socket.socket(socket.AF_UNIX).connect(\\"/run/silver/mysql-two-g1/mysqld.sock\\")"',
      `ls ${place("one-a")}/data`,
      `touch ${place("one-a")}/planted`,
      "touch /run/silver/mysql-one-a-g1/planted",
      `cat ${place("one-a")}.img`,
      "echo >>/etc/silver/mysql/one-a-g1.cnf",
      "echo >>/etc/silver/mysql/one-a-g1.sql",
    ];
    for (const command of commands) expect(await asUser("site-one-a", command), command).toMatch(/permission denied/i);
    for (const user of ["root", "site-two", "mariadb.sys"]) {
      const said = await asUser("site-one-a", `${mariadb("one-a", `--user=${user}`)} -e "SELECT 1"`);
      expect(said, user).toMatch(/Access denied/);
    }
  });

  test.each([
    "SET GLOBAL max_connections = 1",
    "SET GLOBAL local_infile = 1",
    "SET SESSION enforce_storage_engine = NULL",
    "SET PASSWORD = PASSWORD('x')",
    "ALTER USER CURRENT_USER() WITH MAX_USER_CONNECTIONS 0",
    "CREATE USER other",
    "GRANT SELECT ON one_a_g1.* TO 'two'@'localhost'",
    "CREATE DATABASE other",
    "CREATE DATABASE onexaxg1",
    "SELECT * FROM mysql.global_priv",
    "LOCK TABLES mysql.global_priv READ",
    "SELECT 1 INTO OUTFILE '/tmp/planted'",
    "LOAD DATA INFILE '/etc/passwd' INTO TABLE notes",
    "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE notes",
    "CREATE TABLE planted (n INT) DATA DIRECTORY = '/srv/silver/one-a/data/mysql/g1/data/mysql'",
    "CREATE FUNCTION planted RETURNS STRING SONAME 'planted.so'",
    "INSTALL SONAME 'ha_connect'",
    "CREATE EVENT planted ON SCHEDULE EVERY 1 SECOND DO SELECT 1",
    "FLUSH TABLES WITH READ LOCK",
    "BACKUP STAGE START",
    "SHOW ENGINE INNODB STATUS",
    "SHUTDOWN",
  ])("what reaches beyond its own data is refused: %s", async (sql) => {
    const said = await says("one-a", `SELECT 'in';\n${sql};`);
    expect(said.split("\n")).toContain("in");
    expect(said).toMatch(refused);
  });

  test("a table is InnoDB's, whatever the app names", async () => {
    const sql =
      "SET SESSION default_storage_engine = MyISAM; CREATE TABLE other (n INT) ENGINE = Aria; CREATE TABLE third (n INT);";
    const which = "SELECT DISTINCT engine FROM information_schema.tables WHERE table_schema = database();";
    expect(await says("one-a", `${sql} ${which} DROP TABLE other, third;`)).toBe("InnoDB");
  });

  test("connections are limited, and those that say nothing keep neither the agent nor the app out for long", async () => {
    expect(await get("one-a", "/sessions")).toMatch(/^1?\d\d?: .*max_user_connections/);
    await ssh(node, "cat >/run/crowd.py", crowd);
    await onNode("systemd-run --quiet --unit=crowd --uid=site-one-a --gid=site-one-a python3 /run/crowd.py");
    await poll("no other gets in", 20, async () => (await get("one-a", "/read")).includes("Too many connections"));
    project.edit("apps/one-a/wsgi.py", "import json", "# Another release.\nimport json");
    await project.engine.up();
    expect(await kept("two")).toEqual(["two"]);
    await onNode("systemctl stop crowd");
    await poll("it gets in again", 60, async () => (await get("one-a", "/read")) === '["one-a"]');
  });

  test("temporary tables have a limit of their own, and tables can be written meanwhile", async () => {
    const fill = "CREATE TEMPORARY TABLE t AS SELECT repeat(md5(seq), 32768) AS x FROM seq_1_to_200;";
    expect(await says("one-a", fill)).toContain("is full");
    expect(await get("one-a", "/write/meanwhile")).toBe("written");
    await says("one-a", "DELETE FROM notes WHERE text = 'meanwhile';");
    await measure();
    expect((await status("one-a"))?.problem).toBeNull();
  });

  test("above its quota nothing can be added, rows can be read and deleted, and room that is given back opens it again", async () => {
    await unmeasured(async () => {
      expect(await says("one-a", write(80))).toBe("");
      await measure();
    });
    expect((await status("one-a"))?.problem).toMatch(overQuota);
    for (const sql of ["INSERT INTO notes VALUES (1)", "UPDATE notes SET text = 1", "CREATE TABLE planted (n INT)"]) {
      expect(await says("one-a", `${sql};`), sql).toMatch(denied);
    }
    expect(await get("one-a", "/write/more")).toMatch(denied);
    expect(await kept("one-a")).toEqual(["one-a"]);
    expect(await get("two", "/write/more")).toBe("written");
    await onNode(`systemctl restart ${unit("one-a")}`);
    expect(await says("one-a", "INSERT INTO notes VALUES (1);")).toMatch(denied);
    expect(await says("one-a", "DELETE FROM large; ALTER TABLE large FORCE;")).toBe("");
    await measure();
    expect((await status("one-a"))?.problem).toBeNull();
    await poll("it can be written again", 20, async () => (await get("one-a", "/write/more")) === "written");
  });

  test("a transaction that keeps old rows counts, and what it kept goes back to the disk", async () => {
    const hold = `START TRANSACTION WITH CONSISTENT SNAPSHOT; SELECT count(*) FROM notes; DO SLEEP(600);`;
    await unmeasured(async () => {
      expect(
        await says(
          "one-a",
          "CREATE TABLE counted (n INT, text CHAR(200)); INSERT INTO counted SELECT seq, '' FROM seq_1_to_40000;",
        ),
      ).toBe("");
      await onNode(`systemd-run --quiet --uid=site-one-a ${mariadb("one-a")} -e "${hold}"`);
      const each = Array.from({ length: 12 }, (_, at) => `UPDATE counted SET text = repeat('${String(at % 10)}', 200);`);
      await says("one-a", each.join("\n"));
      await measure();
      expect((await status("one-a"))?.problem).toMatch(overQuota);
    });
    expect(await says("one-a", "DROP TABLE counted;")).toBe("");
    await poll("it is open again", 120, async () => (await measure(), (await status("one-a"))?.problem === null));
  });

  test("a disk that is filled before anybody measures ends the server, which is back within a minute and can be read", async () => {
    const others = await mainPid("two");
    const before = await mainPid("one-a");
    await unmeasured(async () => {
      await says("one-a", write(500));
      expect(Number(await onNode(`df --output=avail -BM ${place("one-a")} | tail -1 | tr -dc 0-9`))).toBeLessThan(8);
      await measure();
    });
    await poll("it answers", 60, async () => (await get("one-a", "/read")).startsWith("["));
    expect(await mainPid("one-a")).not.toBe(before);
    expect(await mainPid("two")).toBe(others);
    expect((await status("one-a"))?.problem).toMatch(/^over its quota/);
    expect(await says("one-a", "INSERT INTO notes VALUES (1);")).toMatch(denied);
    expect(await kept("two")).toEqual(["more", "two"]);
    expect(await says("one-a", "DELETE FROM large LIMIT 20; DROP TABLE large;")).toBe("");
    await measure();
    expect((await status("one-a"))?.problem).toBeNull();
    expect(await get("one-a", "/write/after")).toBe("written");
    await poll("the spare room is back", 60, async () => (await onNode(`stat -c %s ${place("one-a")}/spare || true`)) !== "");
  });

  test("a crash restarts it, and what was written is there", async () => {
    await onNode(`systemctl kill --signal=SIGKILL ${unit("two")}`);
    await poll("the site reads", 60, async () => (await get("two", "/read")) === '["more", "two"]');
  });

  test("a second run changes nothing, and heal puts back what is lost", async () => {
    const started = () => onNode(`systemctl show --value --property=ActiveEnterTimestampMonotonic ${unit("two")}`);
    const before = await started();
    project.edit("apps/two/app.yaml", "version: 1.0.0", "version: 1.0.1");
    await project.engine.up();
    expect(await started()).toBe(before);
    await onNode(`systemctl stop ${unit("two")}; rm /etc/systemd/system/${unit("two")} /etc/silver/mysql/two-g1.*`);
    await onNode("systemctl daemon-reload");
    expect((await status("two"))?.problem).toBe("not running");
    const healed = silver(["heal", "two"]);
    expect(healed.status, healed.stdout + healed.stderr).toBe(0);
    expect((await status("two"))?.problem).toBeNull();
    await poll("the site reads", 20, async () => (await get("two", "/read")) === '["more", "two"]');
  });

  test("it survives a reboot", async () => {
    await reboot(node);
    await poll("the site reads", 90, async () => (await get("two", "/read")) === '["more", "two"]');
    expect(await get("two", "/write/again")).toBe("written");
  });

  test("a site that was removed and comes back has its rows, and a quota below them is refused", async () => {
    writeFileSync(join(project.root, "stacks/test.yaml"), environment(os, "one-a"));
    await project.engine.up();
    expect(await onNode("ps -C mariadbd -o user:20=")).toBe("mysql-one-a");
    writeFileSync(join(project.root, "stacks/test.yaml"), environment(os, "one-a", "two"));
    await project.engine.up();
    expect(await kept("two")).toEqual(["again", "more", "two"]);
    expect(await says("two", write(30))).toBe("");
    project.edit("apps/two/app.yaml", "quota: 64M", "quota: 16M");
    expect(await project.engine.upFails()).toMatch(/the quota of 16 MB is less than the database uses: \d+ MB/);
  });
});
