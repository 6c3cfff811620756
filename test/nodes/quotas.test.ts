// Apps that write without end where no file system stops them, on a real node: the database and the logs, and a neighbour beside them.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { http, poll, reboot, ssh } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { testOs } from "../support/systems.ts";

const app = `import json, os, psycopg2

LOGS = os.environ["SILVER_LOGS"]

def run(sql, *values, override=False):
    connection = psycopg2.connect(os.environ["CONFIG_PG_SQLALCHEMY"])
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            if override:
                cursor.execute("SET default_transaction_read_only = off")
            cursor.execute(sql, values)
            return [row[0] for row in cursor.fetchall()] if cursor.description else []
    finally:
        connection.close()

def write(megabytes, override=False):
    # Random, so that PostgreSQL can't make it smaller.
    row = "SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 32768)"
    run("CREATE TABLE IF NOT EXISTS rows (text text)", override=override)
    run(f"INSERT INTO rows SELECT ({row} WHERE n > 0) FROM generate_series(1, %s) n", megabytes, override=override)
    return "written"

def log(name, megabytes):
    with open(os.path.join(LOGS, name), "ab") as file:
        os.posix_fallocate(file.fileno(), 0, megabytes << 20)

def answer(path):
    match path.strip("/").split("/"):
        case ["write", megabytes]:
            return write(int(megabytes))
        case ["override", megabytes]:
            return write(int(megabytes), override=True)
        case ["rows"]:
            return json.dumps(run("SELECT count(*) FROM rows")[0])
        case ["undo"]:
            setting = "IN DATABASE eater_g1 SET default_transaction_read_only = off"
            run(f"SET ROLE NONE; ALTER ROLE SESSION_USER {setting}", override=True)
            return "undone"
        case ["hold"]:
            # Nobody else can change the role until this ends.
            global held
            held = psycopg2.connect(os.environ["CONFIG_PG_SQLALCHEMY"])
            held.cursor().execute("SET TRANSACTION READ WRITE; SET ROLE NONE; ALTER ROLE SESSION_USER PASSWORD 'x'")
            return "held"
        case ["log", name, megabytes]:
            log(name, int(megabytes))
            return "logged"
        case ["hide", megabytes]:
            global hidden
            hidden = open(os.path.join(LOGS, "hidden"), "wb")
            os.unlink(hidden.name)
            os.posix_fallocate(hidden.fileno(), 0, int(megabytes) << 20)
            return "hidden"
        case ["trap"]:
            os.symlink("/srv/silver/eater/trap", os.path.join(LOGS, "link"))
            os.symlink("/srv/silver", os.path.join(LOGS, "directory"))
            os.mkfifo(os.path.join(LOGS, "pipe"))
            os.link(os.path.join(LOGS, "large"), os.path.join(LOGS, "also-large"))
            return "laid"
    return "ok"

def application(environ, start_response):
    try:
        body = answer(environ["PATH_INFO"])
    except Exception as error:
        body = str(error)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body.encode()]
`;

const manifest = (name: string) => `name: ${name}
version: 1.0.0
runner: wsgi.py
packages: [python3-psycopg2]
services: {db: {type: postgres, quota: 32M}}
processes: {count: 1}
check: {path: /, status: 200, within: 3s}
`;
const site = (name: string) => `  ${name}: { app: apps/${name}, nodes: [web1], locations: [${name}.test] }\n`;
const environment = (...names: string[]) =>
  `nodes:\n  web1: { local: true, os: ${testOs}, roles: [web] }\nsites:\n${names.map(site).join("")}`;

let project: Project;
let node: TestNode;

const get = async (name: string, path: string) => (await http(node, path, { Host: `${name}.test` })).body;

/** Asks until the site says what is expected; the node measures twice a minute. */
const says = (name: string, path: string, expected: RegExp) =>
  poll(`${name}${path} says ${expected.source}`, 60, async () => {
    const said = await get(name, path);
    if (!expected.test(said)) throw new Error(`it says ${said}`);
    return true;
  });

/** What `silver logs` shows of the eater. */
const told = async () => {
  const words = { site: "eater", release: null, lines: 200, kind: "app" };
  return (JSON.parse(await ssh(node, "silver-agent logs", JSON.stringify(words))) as { lines: string[] }).lines.join("\n");
};

const cli = resolve(import.meta.dirname, "../../cli/main.ts");
const status = (...words: string[]) =>
  spawnSync(process.execPath, [cli, "-e", "test", ...words, "status"], {
    cwd: project.root,
    env: project.engine.environment,
    encoding: "utf8",
  });

/** Without waiting for the timer, which the first test does. */
const measure = () => ssh(node, "silver-agent measure </dev/null");
const readOnly = /^cannot execute (?:INSERT|CREATE TABLE) in a read-only transaction/;
const noLogin = /role "site-eater" is not permitted to log in/;

beforeAll(async () => {
  project = await withProject({
    "apps/eater/app.yaml": manifest("eater"),
    "apps/eater/wsgi.py": app,
    "apps/calm/app.yaml": manifest("calm"),
    "apps/calm/wsgi.py": app,
    "stacks/test.yaml": environment("eater", "calm"),
  });
  await project.prepare("web1");
  await project.engine.up();
  node = await project.node("web1");
});

afterAll(async () => {
  await project.remove();
});

/** The neighbour writes and reads as ever. */
const calmGoesOn = async () => {
  expect(await get("calm", "/write/0")).toBe("written");
  expect(await get("calm", "/rows")).toMatch(/^\d+$/);
};

test("a database over its quota is read-only within a minute, and the neighbour's is not touched", async () => {
  expect(await get("eater", "/write/40")).toBe("written");
  await says("eater", "/write/0", readOnly);
  expect(await get("eater", "/rows")).toBe("40");
  await calmGoesOn();
  expect(await told()).toMatch(/silver-agent-eater\[\d+\]: the database is over its quota: \d+ MB of 32 MB; it can only be read/);
  const { stdout, status: code } = status();
  expect(stdout).toMatch(/eater +web1 .* db is over its quota: \d+ MB of 32 MB; it can only be read/);
  expect(stdout).toMatch(/calm +web1 .* ok/);
  expect(code).toBe(1);
  expect(JSON.parse(status("--json").stdout)).toMatchObject([
    { site: "calm", services: [{ name: "db", problem: null }], state: "ok" },
    {
      site: "eater",
      services: [{ name: "db", type: "postgres", problem: expect.stringContaining("over its quota") as unknown }],
    },
  ]);
});

test("a release that needs to write does not come up, and the rollout says why", async () => {
  const path = join(project.root, "apps/eater/wsgi.py");
  writeFileSync(path, `${app}\nwrite(1)\n`);
  project.edit("apps/eater/app.yaml", "version: 1.0.0", "version: 1.1.0");
  const output = await project.engine.upFails();
  expect(output).toMatch(/its service db is over its quota: \d+ MB of 32 MB; it can only be read/);
  expect(output).toMatch(/web1 serves 1\.0\.0-/);
  writeFileSync(path, app);
});

test("an app that gives itself write access again can no longer log in, and the neighbour is unaffected", async () => {
  expect(await get("eater", "/undo")).toBe("undone");
  await measure();
  await says("eater", "/write/0", readOnly);
  expect(await get("eater", "/hold")).toBe("held");
  expect(await get("eater", "/override/30")).toBe("written");
  await measure();
  await says("eater", "/rows", noLogin);
  await calmGoesOn();
  expect(await told()).toMatch(/over its quota: \d+ MB of 32 MB; the site can't log in, because it kept writing/);
  expect(status().stdout).toMatch(/eater +web1 .* db is over its quota: \d+ MB of 32 MB; the site can't log in/);
});

test("this still holds after a reboot", async () => {
  await reboot(node);
  await says("eater", "/rows", noLogin);
  await calmGoesOn();
});

test("a site that was removed and comes back can read its data", async () => {
  writeFileSync(join(project.root, "stacks/test.yaml"), environment("calm"));
  await project.engine.up();
  await measure();
  writeFileSync(join(project.root, "stacks/test.yaml"), environment("eater", "calm"));
  await project.engine.up();
  expect(await get("eater", "/rows")).toBe("70");
  expect(await get("eater", "/write/1")).toMatch(readOnly);
});

test("a quota below what the database has is refused, a raised one holds as soon as it is rolled out", async () => {
  project.edit("apps/eater/app.yaml", "version: 1.1.0", "version: 1.2.0");
  project.edit("apps/eater/app.yaml", "quota: 32M", "quota: 24M");
  expect(await project.engine.upFails()).toMatch(/the quota of 24 MB is less than the database uses: \d+ MB/);
  project.edit("apps/eater/app.yaml", "quota: 24M", "quota: 96M");
  await project.engine.up();
  expect(await get("eater", "/write/1")).toBe("written");
  expect(status().status).toBe(0);
});

test("deleting data restores write access", async () => {
  expect(await get("eater", "/write/40")).toBe("written");
  await measure();
  expect(await get("eater", "/write/1")).toMatch(readOnly);
  await ssh(
    node,
    "runuser -u site-eater -- psql -h /run/silver/pg-eater-g1 -d eater_g1 -c 'SET default_transaction_read_only = off' -c 'TRUNCATE rows'",
  );
  await measure();
  await says("eater", "/write/1", /^written$/);
  expect(await told()).toMatch(/the database is within its quota of 96 MB again/);
});

test("log files are emptied when they are too large, and nothing that they link to", async () => {
  await ssh(node, "install -o site-eater -m 644 /dev/null /srv/silver/eater/trap; echo precious > /srv/silver/eater/trap");
  expect(await get("eater", "/log/small/100")).toBe("logged");
  expect(await get("eater", "/log/large/800")).toBe("logged");
  expect(await get("eater", "/trap")).toBe("laid");
  await measure();
  const sizes = () => ssh(node, "cd /var/log/silver/eater && stat -c '%n %s' small large");
  expect(await sizes()).toBe(`small ${100 * 1024 ** 2}\nlarge ${800 * 1024 ** 2}`);
  expect(await get("eater", "/hide/300")).toBe("hidden");
  await measure();
  expect(await sizes()).toBe(`small ${100 * 1024 ** 2}\nlarge 0`);
  expect(await ssh(node, "cat /srv/silver/eater/trap")).toBe("precious");
  expect(await ssh(node, "readlink /var/log/silver/eater/link")).toBe("/srv/silver/eater/trap");
  expect(await told()).toMatch(/log files of 120\d MB, the limit is 1024 MB: emptied '(?:also-)?large'/);
  expect(await get("eater", "/hide/1100")).toBe("hidden");
  await measure();
  expect(await told()).toMatch(/emptied 'a deleted file'/);
  await calmGoesOn();
});
