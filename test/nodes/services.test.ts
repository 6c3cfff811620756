// Services of two sites on one real node, from their manifests to rows and files that survive.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { http, poll, reboot, ssh } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { siteOn } from "../support/site-on.ts";
import { testOs } from "../support/systems.ts";

/** Writes a row or a file for each path that is asked, and tells what there is. */
const app = `import hashlib, json, os, psycopg2

def run(sql, *values):
    connection = psycopg2.connect(os.environ["CONFIG_PG_SQLALCHEMY"])
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(1)")
            cursor.execute("CREATE TABLE IF NOT EXISTS notes (text text)")
            cursor.execute(sql, values)
            return [row[0] for row in cursor.fetchall()] if cursor.description else []
    finally:
        connection.close()

def fill(megabytes):
    path = os.path.join(os.environ["CONFIG_FILES"], "large")
    try:
        with open(path, "wb") as file:
            for _ in range(megabytes):
                file.write(bytes(1 << 20))
            os.fsync(file.fileno())
        return "written"
    except OSError as error:
        return os.strerror(error.errno)

def lock():
    # Locks of a session outlive the statement that found no room for more.
    global held
    held = psycopg2.connect(os.environ["CONFIG_PG_SQLALCHEMY"])
    held.autocommit = True
    for start in range(0, 10**8, 1000):
        try:
            held.cursor().execute("SELECT count(pg_advisory_lock(%s + g)) FROM generate_series(1, 1000) g", [start])
        except psycopg2.Error as error:
            return str(error)

def answer(path):
    files = os.environ["CONFIG_FILES"]
    match path.strip("/").split("/"):
        case ["write", text]:
            run("INSERT INTO notes VALUES (%s)", text)
            with open(os.path.join(files, text), "w") as file:
                file.write(text)
            return "written"
        case ["read"]:
            return json.dumps([sorted(run("SELECT text FROM notes")), sorted(os.listdir(files))])
        case ["fill", megabytes]:
            return fill(int(megabytes))
        case ["empty"]:
            os.unlink(os.path.join(files, "large"))
            return "emptied"
        case ["lock"]:
            return lock()
        case ["owner"]:
            return run("SELECT tableowner FROM pg_tables WHERE tablename = 'notes'")[0]
        case ["key"]:
            return hashlib.sha256(os.environ["API_KEY"].encode()).hexdigest()
        case ["variables"]:
            return json.dumps({name: value for name, value in os.environ.items() if name.startswith("CONFIG_")})
    return "ok"

def application(environ, start_response):
    body = answer(environ["PATH_INFO"]).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
`;

const manifest = (name: string) => `name: ${name}
version: 1.0.0
runner: wsgi.py
packages: [python3-psycopg2]
services: {db: {type: postgres}, files: {quota: 32M}}
config: {required: {API_KEY: a secret}}
processes: {count: 2}
`;
const site = (name: string) =>
  `  ${name}: { app: apps/${name}, nodes: [web1], locations: [${name}.test], config: { API_KEY: { secret: 1 } } }\n`;
const environment = (os: string, ...names: string[]) =>
  `nodes:\n  web1: { local: true, os: ${os}, roles: [web] }\nsites:\n${names.map(site).join("")}`;
const secrets: Record<string, string> = { "one-a": "planted-5d0c3e2a-one", two: "planted-91b7f604-two" };

let project: Project;
let node: TestNode;

const get = async (name: string, path: string) => (await http(node, path, { Host: `${name}.test` })).body;

const onNode = (command: string) => ssh(node, command);

/** What a command as a user of the node says, right or wrong, with its exit code. */
const asUser = (user: string, command: string) => onNode(`runuser -u ${user} -- sh -c '${command}' 2>&1; echo "exit code $?"`);

/** psql in a site's database, and never a question for a password. */
const psql = (name: string) => `psql -w -h /run/silver/pg-${name}-g1 -d ${name.replaceAll("-", "_")}_g1`;

/** As many locks as are left in none of a server's tables when a session holds all it can get. */
const lockMany = "SELECT count(pg_advisory_lock(-g)) FROM generate_series(1, 3000) g";

/** What the site's app has written by now. */
const kept = async (name: string): Promise<unknown> => JSON.parse(await get(name, "/read"));

describe.each([testOs])("on %s", (os) => {
  beforeAll(async () => {
    project = await withProject({
      "apps/one-a/app.yaml": manifest("one-a"),
      "apps/one-a/wsgi.py": app,
      "apps/two/app.yaml": manifest("two"),
      "apps/two/wsgi.py": app,
      "stacks/test.yaml": environment(os, "one-a", "two"),
    });
    for (const [name, value] of Object.entries(secrets)) {
      const set = await project.engine.run("config", "set", "--secret", "--path", `secrets["${name}.API_KEY@1"]`, value);
      expect(set.code, set.output).toBe(0);
    }
    await project.prepare("web1", { os });
  });

  afterAll(async () => {
    await project.remove();
  });

  test("two apps get a database and a directory each, and write into them", async () => {
    await project.engine.up();
    node = await project.node("web1");
    for (const name of ["one-a", "two"]) {
      expect(await get(name, "/write/first")).toBe("written");
      expect(await kept(name)).toEqual([["first"], ["first"]]);
    }
    expect(await get("one-a", "/owner")).toBe("site-one-a");
    const url = "postgresql://site-one-a@/one_a_g1?host=/run/silver/pg-one-a-g1";
    expect(JSON.parse(await get("one-a", "/variables"))).toMatchObject({
      CONFIG_PG_DBNAME: "one_a_g1",
      CONFIG_PG_USER: "site-one-a",
      CONFIG_PG_PASSWORD: "",
      CONFIG_PG_HOST: "/run/silver/pg-one-a-g1",
      CONFIG_PG_PORT: "5432",
      CONFIG_PG_SQLALCHEMY: url,
      CONFIG_DB_URL: url,
      CONFIG_FILES: "/srv/silver/one-a/data/g1",
    });
  });

  test("each has a server of its own, in the site's slice, and none of the distribution's runs beside them", async () => {
    const units = "silver-postgres-one-a@g1 silver-postgres-two@g1";
    expect(await onNode(`systemctl show --value --property=Slice ${units} | grep .`)).toBe(
      "silver-one\\x2da.slice\nsilver-two.slice",
    );
    expect(await onNode("ps -C postgres -o user= | sort -u")).toBe("pg-one-a\npg-two");
    expect(await onNode("pg_lsclusters --no-header")).toBe("");
    expect(await onNode("cat /srv/silver/two/data/pg/g1/PG_VERSION")).toBe(await onNode("ls /usr/lib/postgresql"));
    expect(await onNode("ss -Htln sport = :5432")).toBe("");
    expect(
      await onNode(`systemd-analyze security --threshold=20 --no-pager silver-postgres-two@g1.service >/dev/null && echo held`),
    ).toBe("held");
    expect(await onNode(`systemd-analyze verify ${units.replaceAll(/(@g1)/g, "$1.service")} 2>&1 | grep postgres || true`)).toBe(
      "",
    );
  });

  test("every service reports its size, and that it is healthy", async () => {
    const { services } = await siteOn(node, "one-a");
    expect(services).toMatchObject([
      { name: "db", type: "postgres", problem: null },
      { name: "files", type: "files", problem: null },
    ]);
    for (const { name, bytes } of services) expect(bytes, name).toBeGreaterThan(0);
  });

  test("a site that takes every lock of its server takes none of another's", async () => {
    expect(await get("one-a", "/lock")).toMatch(/out of shared memory/);
    expect(await asUser("site-one-a", `${psql("one-a")} -c "${lockMany}"`)).toMatch(/out of shared memory/);
    expect(await asUser("site-two", `${psql("two")} -c "${lockMany}"`)).toMatch(/exit code 0/);
    expect(await get("two", "/write/meanwhile")).toBe("written");
    await onNode("systemctl restart silver-postgres-one-a@g1");
    expect(await kept("one-a")).toEqual([["first"], ["first"]]);
  });

  test("neither site can access the other's data", async () => {
    const denied = [
      `${psql("two")} -c "SELECT * FROM notes"`,
      `${psql("two")} -U site-two -c "SELECT 1"`,
      `${psql("two")} -U postgres -d postgres -c "SELECT 1"`,
      `${psql("one-a")} -d postgres -c "SELECT 1"`,
      `${psql("one-a")} -d template1 -c "SELECT 1"`,
      `${psql("one-a")} -U postgres -d postgres -c "SELECT 1"`,
      `${psql("one-a")} -U postgres -c "SELECT 1"`,
      `${psql("one-a")} -c "COPY notes TO PROGRAM \\$\\$id\\$\\$"`,
      `${psql("one-a")} -c "COPY notes TO \\$\\$/tmp/notes\\$\\$"`,
      `${psql("one-a")} -c "SET ROLE postgres"`,
      `${psql("one-a")} -c "CREATE DATABASE more"`,
      `${psql("one-a")} -c "SET temp_file_limit = -1"`,
      "ls /srv/silver/one-a/data/pg/g1",
      "touch /srv/silver/one-a/data/pg/g1/planted",
      "touch /srv/silver/one-a/data/pg/planted",
      "cat /srv/silver/one-a/data/pg/g1.json",
      "mv /srv/silver/one-a/data/pg/g1 /srv/silver/one-a/data/g2",
      "touch /run/silver/pg-one-a-g1/planted",
      "touch /etc/silver/postgres/one-a-g1.hba",
      "ls /srv/silver/two/data",
      "cat /srv/silver/two/data/g1/first",
      "cat /srv/silver/two/releases/*/environ.json",
      "cat /srv/silver/one-a/data/g1.img",
      "rm -f /srv/silver/one-a/data/g1.img",
      "ls /run/silver/r_two_*/",
    ];
    for (const command of denied) {
      const said = await asUser("site-one-a", command);
      expect(said, command).not.toMatch(/exit code 0$/m);
      expect(said, command).toMatch(
        /permission denied|Peer authentication failed|pg_hba.conf rejects|cannot access|No such file|must be superuser/i,
      );
    }
    // What is its own works the same way.
    expect(await asUser("site-one-a", `${psql("one-a")} -c "SELECT text FROM notes"`)).toMatch(/first[^]*exit code 0/);
    expect(await asUser("site-one-a", "cat /srv/silver/one-a/data/g1/first")).toMatch(/first[^]*exit code 0/);
  });

  test("what a site's statements hold is in no log", async () => {
    const said = await asUser("site-one-a", `${psql("one-a")} -c "SELECT \\$\\$planted-in-no-log\\$\\$ FROM nowhere"`);
    expect(said).toContain('relation "nowhere" does not exist');
    expect(await onNode("journalctl --sync; journalctl --unit 'silver-postgres-*' | grep -c planted-in-no-log || true")).toBe(
      "0",
    );
  });

  test("an administrator reaches a site's data as the site, and the server as the agent", async () => {
    expect(await asUser("pg-one-a", `${psql("one-a")} -U postgres -d postgres -c "SELECT rolsuper FROM pg_roles"`)).toMatch(
      /exit code 0/,
    );
    expect(await asUser("pg-one-a", `${psql("one-a")} -U postgres -c "SELECT 1"`)).toMatch(/pg_hba.conf rejects/);
    expect(await asUser("pg-one-a", `${psql("two")} -U postgres -d postgres -c "SELECT 1"`)).toMatch(/permission denied/i);
  });

  test("no secret is visible to anyone but its own site", async () => {
    for (const [name, secret] of Object.entries(secrets)) {
      expect(await get(name, "/key")).toBe(createHash("sha256").update(secret).digest("hex"));
      const state = JSON.stringify(await project.engine.exportState());
      expect(state).not.toContain(secret);
      expect(await project.engine.preview("--diff")).not.toContain(secret);
    }
    await onNode(
      `install -m 600 /dev/null /dev/shm/planted; printf '%s\\n' ${Object.values(secrets).join(" ")} >/dev/shm/planted`,
    );
    const places = [
      "cat /proc/[0-9]*/environ",
      "cat /proc/[0-9]*/cmdline",
      "ps auxeww",
      "journalctl --all --output=export",
      "systemctl show '*'",
      "cat /var/log/silver/*/*",
      ...Object.keys(secrets).map(
        (name) => `runuser -u site-${name} -- pg_dump -h /run/silver/pg-${name}-g1 ${name.replaceAll("-", "_")}_g1`,
      ),
    ];
    for (const place of places)
      expect(await onNode(`(${place}) 2>/dev/null | grep -acFf /dev/shm/planted || true`), place).toBe("0");
    const files = await onNode(
      "grep -rlaFf /dev/shm/planted /etc /root /run /srv /tmp /usr/local /var 2>/dev/null | sort; rm /dev/shm/planted",
    );
    const own = /^\/srv\/silver\/(one-a|two)\/releases\/[^/]+\/environ\.json$/;
    expect(
      files
        .trim()
        .split("\n")
        .filter((file) => !own.test(file)),
    ).toEqual([]);
    expect(await onNode("stat -c '%a %U %G' /srv/silver/one-a/releases/*/environ.json")).toBe("640 root site-one-a");
  });

  test("a full quota stops its own site's files and nothing else", async () => {
    expect(await get("one-a", "/fill/64")).toBe("No space left on device");
    expect(await get("two", "/fill/8")).toBe("written");
    expect(await get("two", "/empty")).toBe("emptied");
    expect(await get("one-a", "/empty")).toBe("emptied");
    expect(await get("one-a", "/fill/20")).toBe("written");
  });

  test("a quota below what is used is refused, and the old release keeps serving", async () => {
    project.edit("apps/one-a/app.yaml", "version: 1.0.0", "version: 1.1.0");
    project.edit("apps/one-a/app.yaml", "quota: 32M", "quota: 16M");
    const output = await project.engine.upFails();
    expect(output).toMatch(/the quota of 16 MB is less than the files use: 2\d MB/);
    expect(output).toMatch(/web1 serves 1\.0\.0-/);
    expect(await kept("one-a")).toEqual([["first"], ["first", "large"]]);
  });

  test("a larger quota applies at once, or the rollout says why and changes nothing", async () => {
    project.edit("apps/one-a/app.yaml", "quota: 16M", "quota: 80M");
    // Bit 24, CAP_SYS_RESOURCE: a computer may keep it from everybody, and then no file system grows while it is in use.
    const allowed = (BigInt(`0x${(await onNode("grep CapEff /proc/self/status | cut -f2")).trim()}`) >> 24n) & 1n;
    if (allowed === 1n) {
      await project.engine.up();
      expect(await get("one-a", "/fill/60")).toBe("written");
    } else {
      expect(await project.engine.upFails()).toMatch(/the quota can't be raised to 80 MB while the files are in use/);
      expect(await get("one-a", "/fill/60")).toBe("No space left on device");
      project.edit("apps/one-a/app.yaml", "quota: 80M", "quota: 32M");
      await project.engine.up();
    }
    expect(await get("one-a", "/empty")).toBe("emptied");
    expect(await kept("one-a")).toEqual([["first"], ["first"]]);
  });

  test("a lower quota above what is used holds at once", async () => {
    const text = readFileSync(join(project.root, "apps/one-a/app.yaml"), "utf8");
    const [, largest = ""] = /quota: (\d+)M/.exec(text) ?? [];
    const lower = Number(largest) / 2 + 4;
    project.edit("apps/one-a/app.yaml", `quota: ${largest}M`, `quota: ${lower}M`);
    project.edit("apps/one-a/app.yaml", "version: 1.1.0", "version: 1.2.0");
    await project.engine.up();
    expect(await get("one-a", `/fill/${lower - 8}`)).toBe("written");
    expect(await get("one-a", `/fill/${lower}`)).toBe("No space left on device");
    expect(await get("one-a", "/empty")).toBe("emptied");
  });

  test("a database that does not start stops the rollout, with its own message, and the old release keeps serving", async () => {
    const broken = "/srv/silver/one-a/data/pg/g1/postgresql.auto.conf";
    await onNode(`echo 'shared_buffers = nonsense' > ${broken}; systemctl stop silver-postgres-one-a@g1`);
    project.edit("apps/one-a/app.yaml", "version: 1.2.0", "version: 1.3.0");
    const output = await project.engine.upFails();
    expect(output).toContain("PostgreSQL: silver-postgres-one-a@g1.service did not start");
    expect(output).toMatch(/shared_buffers/);
    expect(output).toMatch(/web1 serves 1\.2\.0-/);
    expect(await get("one-a", "/")).toBe("ok");
    expect(await get("two", "/write/beside")).toBe("written");
    await onNode(`: > ${broken}`);
    await project.engine.up();
    expect(await kept("one-a")).toEqual([["first"], ["first"]]);
  });

  test("a second run changes nothing of a service, also with a new release", async () => {
    const started = () =>
      onNode(
        "systemctl show --value --property=ActiveEnterTimestampMonotonic silver-postgres-two@g1 srv-silver-two-data-g1.mount | grep .",
      );
    const before = await started();
    expect(before.split("\n")).toHaveLength(2);
    project.edit("apps/two/app.yaml", "version: 1.0.0", "version: 1.0.1");
    await project.engine.up();
    expect(await started()).toBe(before);
    expect(await get("two", "/owner")).toBe("site-two");
  });

  test("rows and files survive a reboot", async () => {
    expect(await get("two", "/write/before")).toBe("written");
    await reboot(node);
    await poll("the site answers", 60, async () => (await http(node, "/read", { Host: "two.test" })).status === 200);
    expect(await kept("two")).toEqual([
      ["before", "beside", "first", "meanwhile"],
      ["before", "beside", "first", "meanwhile"],
    ]);
    expect(await get("two", "/fill/64")).toBe("No space left on device");
  });

  test("a site that was removed and comes back has its data", async () => {
    writeFileSync(join(project.root, "stacks/test.yaml"), environment(os, "two"));
    await project.engine.up();
    expect((await http(node, "/read", { Host: "one-a.test" })).status).toBe(404);
    writeFileSync(join(project.root, "stacks/test.yaml"), environment(os, "one-a", "two"));
    await project.engine.up();
    expect(await kept("one-a")).toEqual([["first"], ["first"]]);
  });
});
