// Apps that write without end where no file system stops them, on a real node: the database and the logs, and a neighbour beside them.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { betweenLooks, http, poll, reboot, ssh } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { testOs } from "../support/systems.ts";

const app = `import json, mmap, os, psycopg2, socket, threading

hidden = []

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

crowded = threading.Event()

def crowd(number):
    places = []
    while not crowded.is_set():
        place = socket.socket(socket.AF_UNIX)
        try:
            place.connect(os.environ["CONFIG_PG_HOST"] + "/.s.PGSQL.5432")
            places.append(place)
        except OSError:
            crowded.wait(0.1)
        # The server ends each after a while.
        if len(places) > number:
            crowded.wait(0.01)
            places.pop(0).close()

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
        case ["sort", megabytes]:
            global sorting
            sorting = psycopg2.connect(os.environ["CONFIG_PG_SQLALCHEMY"])
            cursor = sorting.cursor()
            cursor.execute("SET work_mem = '64kB'")
            series = f"SELECT md5(n::text) || repeat('x', 1000) FROM generate_series(1, {int(megabytes) << 10}) n"
            cursor.execute(f"DECLARE sorted CURSOR FOR {series} ORDER BY 1; FETCH 1 FROM sorted")
            return "sorted"
        case ["notify", megabytes]:
            global listening
            listening = psycopg2.connect(os.environ["CONFIG_PG_SQLALCHEMY"])
            listening.cursor().execute("LISTEN c")
            listening.commit()
            listening.cursor().execute("SELECT 1")
            run("SELECT count(pg_notify('c', repeat('x', 7900) || n)) FROM generate_series(1, %s) n", int(megabytes) << 7)
            return "sent"
        case ["crowd", number]:
            # Connections that say nothing, from now on.
            threading.Thread(target=crowd, args=(int(number),), daemon=True).start()
            return "crowded"
        case ["leave"]:
            crowded.set()
            return "left"
        case ["close"]:
            run("ALTER DATABASE eater_g1 CONNECTION LIMIT 0")
            return "closed"
        case ["log", name, megabytes]:
            log(name, int(megabytes))
            return "logged"
        case ["hide", how, megabytes]:
            path = os.path.join(LOGS, "hidden")
            file = os.open(path, os.O_RDWR | os.O_CREAT)
            os.posix_fallocate(file, 0, int(megabytes) << 20)
            os.unlink(path)
            if how == "map":
                hidden.append(mmap.mmap(file, 4096))
            elif how == "flight":
                ends = socket.socketpair()
                socket.send_fds(ends[0], [b"x"], [file])
                hidden.append(ends)
            os.close(file)
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

const status = (...words: string[]) =>
  spawnSync(process.execPath, ["cli/main.ts", "-e", "test", ...words, "status"], {
    cwd: project.root,
    env: project.engine.environment,
    encoding: "utf8",
  });

/** Makes the eater do what the node's timer would end half-way or be the first to measure. */
const unmeasured = async (path: string, answer: string) => {
  await betweenLooks();
  expect(await get("eater", path)).toBe(answer);
};

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

test.each([
  ["/sort/64", "sorted"],
  ["/notify/64", "sent"],
])(
  "what %s makes the server hold beside its database counts, ends with its session, and is no longer held then",
  async (path, done) => {
    await unmeasured(path, done);
    await measure();
    expect(await told()).toMatch(/the database is over its quota: \d+ MB of 32 MB; it can only be read\n?$/);
    expect(await get("eater", "/write/0")).toMatch(readOnly);
    await measure();
    expect(await get("eater", "/write/0")).toBe("written");
    await calmGoesOn();
  },
);

test("an app that takes every place in its server, and keeps the agent out, is measured all the same", async () => {
  await unmeasured("/sort/64", "sorted");
  expect(await get("eater", "/crowd/400")).toBe("crowded");
  await poll("no other gets in", 10, async () => /too many clients|could not fork/.test(await get("eater", "/rows")));
  await measure();
  expect(await told()).toMatch(/the database is over its quota: \d+ MB of 32 MB; it can only be read\n?$/);
  await calmGoesOn();
  expect(await get("eater", "/leave")).toBe("left");
  await poll("it gets in again", 20, async () => readOnly.test(await get("eater", "/write/0")));
  await measure();
  expect(await get("eater", "/write/0")).toBe("written");
});

test("an app that lets nobody into its database is let in again by its next rollout", async () => {
  expect(await get("eater", "/close")).toBe("closed");
  expect(await get("eater", "/rows")).toContain("too many connections");
  project.edit("apps/eater/wsgi.py", "import json", "# Another release.\nimport json");
  await project.engine.up();
  expect(await get("eater", "/write/0")).toBe("written");
  await calmGoesOn();
});

test("a database over its quota is read-only within a minute, and the neighbour's is not touched", async () => {
  await unmeasured("/write/40", "written");
  await says("eater", "/write/0", readOnly);
  // Sessions are ended once more after that.
  await says("eater", "/rows", /^40$/);
  await calmGoesOn();
  expect(await told()).toMatch(/silver-agent-eater\[\d+\]: the database is over its quota: \d+ MB of 32 MB; it can only be read/);
  const { stdout, status: code } = status();
  expect(stdout).toMatch(/eater +web1 .* db is over its quota: \d+ MB of 32 MB; it can only be read/);
  expect(stdout).toMatch(/calm +web1 .* ok/);
  expect(code).toBe(1);
  // What is wrong comes first.
  expect(JSON.parse(status("--json").stdout)).toMatchObject([
    {
      site: "eater",
      services: [{ name: "db", type: "postgres", problem: expect.stringContaining("over its quota") as unknown }],
    },
    { site: "calm", services: [{ name: "db", problem: null }], state: "ok" },
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
  await unmeasured("/override/30", "written");
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
  await unmeasured("/write/40", "written");
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
  expect(await get("eater", "/log/large/500")).toBe("logged");
  expect(await get("eater", "/trap")).toBe("laid");
  await measure();
  const sizes = () => ssh(node, "cd /var/log/silver/eater && stat -c '%n %s' small large");
  expect(await sizes()).toBe(`small ${100 * 1024 ** 2}\nlarge ${500 * 1024 ** 2}`);
  expect(await get("eater", "/log/other/300")).toBe("logged");
  await measure();
  expect(await sizes()).toBe(`small ${100 * 1024 ** 2}\nlarge 0`);
  expect(await ssh(node, "cat /srv/silver/eater/trap")).toBe("precious");
  expect(await ssh(node, "readlink /var/log/silver/eater/link")).toBe("/srv/silver/eater/trap");
  expect(await told()).toMatch(/log files of 90\d MB, the limit is 768 MB: emptied '(?:also-)?large'/);
  await calmGoesOn();
});

test("what an app holds of its logs, where nobody can look, is full with the site's own room", async () => {
  expect(await get("eater", "/hide/map/300")).toBe("hidden");
  expect(await get("eater", "/hide/flight/250")).toBe("hidden");
  expect(await get("eater", "/hide/flight/500")).toContain("No space left on device");
  await measure();
  expect(await get("eater", "/log/small/600")).toContain("No space left on device");
  expect(await get("calm", "/log/small/300")).toBe("logged");
  await calmGoesOn();
});
