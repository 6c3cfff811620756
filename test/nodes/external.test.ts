// Services that somebody else runs: real servers on a second machine, with TLS and without, from their place in an environment to the app,
// and each way in which they are not as they should be.
import { spawnSync } from "node:child_process";
import { hash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { certificatesOf } from "../support/certificates.ts";
import { visitor } from "../support/load.ts";
import { http, poll, reboot, ssh, webPackages } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { resourceCounts, withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { siteOn } from "../support/site-on.ts";
import { testOs } from "../support/systems.ts";

/** Knows nothing of where its services are. */
const app = `import json, os
from pymemcache.client.base import Client
import psycopg2, redis

def answer(path):
    match path.strip("/").split("/"):
        case ["write", text]:
            with psycopg2.connect(os.environ["CONFIG_PG_SQLALCHEMY"]) as db, db.cursor() as cursor:
                cursor.execute("CREATE TABLE IF NOT EXISTS texts (text text)")
                cursor.execute("INSERT INTO texts VALUES (%s)", (text,))
            redis.Redis.from_url(os.environ["CONFIG_REDIS_URL"]).set("text", text)
            Client(os.environ["CONFIG_MEMCACHED_SERVERS"], timeout=5).set("text", text)
            return "written"
        case ["read"]:
            with psycopg2.connect(os.environ["CONFIG_PG_URL"]) as db, db.cursor() as cursor:
                cursor.execute("SELECT text FROM texts ORDER BY text")
                texts = [text for text, in cursor.fetchall()]
            kept = redis.Redis.from_url(os.environ["CONFIG_REDIS_URL"], decode_responses=True).get("text")
            cached = Client(os.environ["CONFIG_MEMCACHED_SERVERS"], timeout=5).get("text")
            return json.dumps([texts, kept, (cached or b"").decode()])
        case ["tls"]:
            own = {name: os.environ["CONFIG_PG_" + name] for name in ("HOST", "PORT", "USER", "PASSWORD")}
            with psycopg2.connect(dbname=os.environ["CONFIG_PG_DBNAME"], **{key.lower(): value for key, value in own.items()}) as db:
                return json.dumps([db.info.ssl_in_use, os.environ.get("PGSSLMODE")])
    return "ok"

def application(environ, start_response):
    body = answer(environ["PATH_INFO"]).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
`;

const manifest = `name: blog
version: 1.0.0
runner: wsgi.py
packages: [python3-psycopg2, python3-pymemcache, python3-redis]
services: {db: {type: postgres}, queue: {type: redis}, cache: {type: memcached}}
processes: {count: 1}
`;

/** With all that a URL must not have as it is. */
const password = "p/a:s@s%w ord#1";
const second = "second-pässword";
const packages = [
  ...["memcached", "openssl", "postgresql", "redis-server", "redis-tools"],
  ...["python3-psycopg2", "python3-pymemcache", "python3-redis"],
];

/** Run on the machine of the servers: an authority, a certificate of its address, and the servers themselves. */
const servers = (address: string) => `set -eu
mkdir -p /srv/tls; cd /srv/tls
${certificatesOf(address)}
install -o postgres -m 600 db.key pg.key; install -o redis -m 600 db.key redis.key; chmod 755 . ; chmod 644 *.pem
conf=$(ls -d /etc/postgresql/*/main)
cat >> $conf/postgresql.conf <<END
listen_addresses = '*'
ssl = on
ssl_cert_file = '/srv/tls/db.pem'
ssl_key_file = '/srv/tls/pg.key'
END
printf 'hostssl blog app 0.0.0.0/0 scram-sha-256\\n' >> $conf/pg_hba.conf
systemctl restart postgresql
until runuser -u postgres -- psql -qc 'SELECT 1' >/dev/null 2>&1; do sleep 0.2; done
cat > /etc/redis/redis.conf <<END
port 6379
tls-port 6380
bind 0.0.0.0
tls-cert-file /srv/tls/db.pem
tls-key-file /srv/tls/redis.key
tls-auth-clients no
requirepass "${password}"
dir /var/lib/redis
END
systemctl stop redis-server memcached 2>/dev/null || true
systemd-run -q --unit=outer-redis -p User=redis redis-server /etc/redis/redis.conf
systemd-run -q --unit=outer-memcached memcached -u memcache -l 0.0.0.0 -p 11211
systemd-run -q --unit=slow python3 -c 'import socket, time
server = socket.create_server(("0.0.0.0", 9999))
kept = []
while True: kept.append(server.accept())'`;

let project: Project;
let web: TestNode;
let data: TestNode;
let authority = "";

const at = () => data.address;
const tls = () => `tls: { ca: ${JSON.stringify(authority)} }`;
const places = {
  db: (changes = "") =>
    `{ external: { host: ${at()}, name: blog, user: app, password: { secret: 1 }, ${changes === "" ? tls() : changes} } }`,
  queue: () => `{ external: { url: { secret: 1 }, ${tls()} } }`,
  cache: () => `{ external: { host: ${at()} } }`,
};

/** What root hears at an address of the node, on which the firewall keeps sites away from it. */
const asRoot = (address: string, port: number) =>
  ssh(
    web,
    `python3 -c 'import socket; there = socket.create_connection(("${address}", ${port}), 5); there.sendall(b"GET /nothing HTTP/1.0\\r\\n\\r\\n"); print(there.recv(8).decode())'`,
  );

/** @param services where they are; empty: on the node itself */
const environment = (services: Partial<Record<keyof typeof places, string>>) =>
  `nodes:\n  web1: { local: true, os: ${testOs} }\nsites:\n  blog:\n    app: apps/blog\n    nodes: [web1]\n    locations: ["*"]\n    services:${
    Object.keys(services).length === 0 ? " {}" : ""
  }\n${Object.entries(services)
    .map(([name, place]) => `      ${name}: ${place}\n`)
    .join("")}  shop: { app: apps/shop, nodes: [web1], locations: [shop.test] }\n`;
const everything = () => ({ db: places.db(), queue: places.queue(), cache: places.cache() });

const declare = (services: Parameters<typeof environment>[0]) => {
  writeFileSync(join(project.root, "stacks/test.yaml"), environment(services));
};

const keep = async (name: string, version: number, value: string) => {
  const key = `secrets["blog.${name}@${version}"]`;
  const { code, output } = await project.engine.run("config", "set", "--secret", "--path", key, value);
  expect(code, output).toBe(0);
};

const silver = (...words: string[]) => {
  const options = { cwd: project.root, env: project.engine.environment, encoding: "utf8" } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["cli/main.ts", "-e", "test", ...words], options);
  return { status, said: stdout + stderr };
};

const get = async (path: string) => (await http(web, path)).body;
const read = async (): Promise<unknown> => JSON.parse(await get("/read"));

/** All files of the site and its services, but for data, locks, and images: the kernel writes to those when it likes. */
const touched = () =>
  ssh(
    web,
    "find /srv/silver/blog /etc/silver /etc/systemd/system -type f ! -path '*/data/*' ! -name '*.lock' ! -name '*.img' -exec sha256sum {} + | sort",
  );

describe.each([testOs])("on %s", (os) => {
  beforeAll(async () => {
    project = await withProject({
      "apps/blog/app.yaml": manifest,
      "apps/blog/wsgi.py": app,
      "apps/shop/app.yaml": "name: shop\nversion: 1.0.0\nplatform: static\n",
      "apps/shop/static/index.html": "shop",
      "stacks/test.yaml": environment({}),
    });
    const prepared = [...webPackages, ...packages];
    await Promise.all([project.prepare("web1", { os, prepared }), project.prepare("data1", { os, prepared })]);
    data = await project.node("data1");
    await ssh(data, servers(at()));
    const quoted = password.replaceAll("'", "''");
    await ssh(
      data,
      "runuser -u postgres -- psql -q",
      `CREATE ROLE app LOGIN PASSWORD '${quoted}'; CREATE DATABASE blog OWNER app;`,
    );
    authority = await ssh(data, "cat /srv/tls/ca.pem");
    await keep("CONFIG_DB_PASSWORD", 1, password);
    await keep("CONFIG_QUEUE_URL", 1, `redis://:${encodeURIComponent(password)}@${at()}:6380/1`);
  });

  afterAll(async () => {
    await project.remove();
  });

  test("an app that ran on services of its node runs unchanged on those of somebody else", async () => {
    await project.engine.up();
    web = await project.node("web1");
    expect(await get("/write/here")).toBe("written");
    expect(await read()).toEqual([["here"], "here", "here"]);
    declare(everything());
    const preview = await project.engine.preview("--diff");
    expect(preview).toContain(
      `external postgres ${at()}:5432/blog, user app, TLS by the authority sha256:${hash("sha256", authority)}, CONFIG_DB_PASSWORD version 1`,
    );
    expect(preview).toContain(`external memcached ${at()}:11211`);
    const output = await project.engine.up();
    for (const text of [preview, output]) expect(text).not.toContain(password);
    expect(await get("/write/there")).toBe("written");
    expect(await read()).toEqual([["there"], "there", "there"]);
    expect(JSON.parse(await get("/tls"))).toEqual([true, "verify-full"]);
  });

  test("its passwords are in no output, no log, no state and no process, and only root and the site read them on the node", async () => {
    expect(JSON.stringify(await project.engine.exportState())).not.toContain(password);
    // By a file: a pattern in a command would find itself.
    await ssh(web, "cat > /root/forms", `${password}\n${encodeURIComponent(password)}\n`);
    expect(await ssh(web, "journalctl -o cat --no-pager | grep -F -f /root/forms || true")).toBe("");
    const processes = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'";
    expect(await ssh(web, `${processes} | grep -F -f /root/forms || true`)).toBe("");
    const places = "/srv/silver /etc/silver /var/lib/silver";
    const holders = await ssh(web, `grep -rlF -f /root/forms ${places} | xargs stat -c '%a %U:%G %n' | sort`);
    for (const line of holders.split("\n")) {
      expect(line).toMatch(/^(?:600 root:root \S+\/external\.json|640 root:site-blog \S+\/environ\.json)$/);
    }
    expect(silver("logs", "blog", "--kind", "rollout").said).not.toContain(password);
  });

  test("a second run changes nothing", async () => {
    expect(resourceCounts(await project.engine.up())).toEqual([expect.stringMatching(/^\d+ unchanged$/)]);
  });

  test("status shows where each is, and that all is well", () => {
    expect(silver("status").status).toBe(0);
    const rows = JSON.parse(silver("status", "--json").said) as { services: { name: string; place?: string }[] }[];
    expect(rows[0]?.services.map(({ name, place }) => [name, place]).filter(([, place]) => place !== undefined)).toEqual([
      ["cache", `${at()}:11211`],
      ["db", `${at()}:5432`],
      ["queue", `${at()}:6380`],
    ]);
  });

  describe("refused, by name and with what to do, and nothing is touched:", () => {
    const wrong: [string, () => Partial<Record<keyof typeof places, string>>, RegExp][] = [
      [
        "nobody there",
        () => ({ cache: `{ external: { host: ${at()}, port: 11999 } }` }),
        /cache \(memcached\) at \S+:11999 can't be reached: Connection refused/,
      ],
      [
        "a server that does not answer",
        () => ({ cache: `{ external: { host: ${at()}, port: 9999 } }` }),
        /cache \(memcached\) at \S+:9999 did not answer within 10 s/,
      ],
      [
        "a wrong password",
        () => ({ db: places.db(`password: { secret: 9 }, ${tls()}`).replace("password: { secret: 1 }, ", "") }),
        /db \(postgres\) at \S+:5432 refuses: password authentication failed for user "app"[^]*silver secret set blog CONFIG_DB_PASSWORD/,
      ],
      [
        "a certificate that nobody knows",
        () => ({ db: places.db("tls: true") }),
        /db \(postgres\) at \S+:5432 has a certificate that is not trusted/,
      ],
      [
        "no TLS where it is a must",
        () => ({ db: places.db("version: 5") }),
        /db \(postgres\) at \S+:5432 refuses: no pg_hba.conf entry/,
      ],
      [
        "another version",
        () => ({ db: places.db(`version: "9.6", ${tls()}`) }),
        /db \(postgres\) at \S+:5432 is version 1[0-9.]+, and not 9\.6/,
      ],
    ];

    const refuses = async (changes: Partial<Record<keyof typeof places, string>>, words: RegExp) => {
      await keep("CONFIG_DB_PASSWORD", 9, "wrong-password-9");
      const before = await touched();
      declare({ ...everything(), ...changes });
      const output = await project.engine.upFails();
      expect(output).toMatch(words);
      expect(output).toContain("refused");
      for (const secret of [password, "wrong-password-9", encodeURIComponent(password)]) expect(output).not.toContain(secret);
      expect(await touched()).toBe(before);
      expect(await read()).toEqual([["there"], "there", "there"]);
    };

    test.each(wrong)("%s", (_, changes, words) => refuses(changes(), words));

    test("an address where clouds give their rights away, which root reaches", async () => {
      await ssh(web, "ip address add 169.254.169.254/32 dev lo");
      expect(await asRoot("169.254.169.254", 80)).toBe("HTTP/1.1");
      await refuses(
        { cache: "{ external: { host: 169.254.169.254, port: 80 } }" },
        /cache \(memcached\) at 169\.254\.169\.254:80 can't be reached: Connection refused/,
      );
    });

    test("a release of another site, which root reaches", async () => {
      const [{ address, port } = { address: "", port: 0 }] = (await siteOn(web, "shop")).releases;
      expect(await asRoot(address, port)).toBe("HTTP/1.1");
      await refuses(
        { cache: `{ external: { host: ${address}, port: ${port} } }` },
        /cache \(memcached\) at 127\.64\.0\.\d+:200\d\d can't be reached: Connection refused/,
      );
    });
  });

  test("one that goes away later is told by status, while the site serves on", async () => {
    declare(everything());
    await project.engine.up();
    await ssh(data, "systemctl stop outer-memcached");
    const { status, said } = silver("status");
    expect(status).toBe(1);
    expect(said).toMatch(/its service cache is failing: \S+:11211 can't be reached: Connection refused/);
    expect(await get("/")).toBe("ok");
    await ssh(data, "systemd-run -q --unit=outer-memcached2 memcached -u memcache -l 0.0.0.0 -p 11211");
    await poll("status is well", 30, () => silver("status").status === 0);
  });

  test("a new version of a password is new processes, and no request fails meanwhile", async () => {
    await keep("CONFIG_DB_PASSWORD", 2, second);
    await ssh(data, "runuser -u postgres -- psql -q", `ALTER ROLE app PASSWORD '${second}';`);
    declare({ ...everything(), db: places.db().replace("secret: 1", "secret: 2") });
    const load = visitor(() => http(web, "/"));
    const output = await project.engine.up();
    expect(new Set((await load.stop()).map((answer) => answer.status))).toEqual(new Set([200]));
    expect(output).not.toContain(second);
    expect(((await read()) as unknown[])[0]).toEqual(["there"]);
    // What was a secret once stays one.
    expect(silver("logs", "blog", "--kind", "rollout").said).not.toContain(password);
  });

  test("after a reboot the site serves, also where a service is away", async () => {
    await ssh(data, "systemctl stop outer-memcached2");
    await reboot(web);
    await poll("the site answers", 120, async () => (await http(web, "/")).status === 200);
    await ssh(data, "systemd-run -q --unit=outer-memcached3 memcached -u memcache -l 0.0.0.0 -p 11211");
    await poll("it reads again", 60, async () => (await http(web, "/read")).status === 200);
  });

  test("back on the node, a database has what it had there", async () => {
    declare({ queue: places.queue(), cache: places.cache() });
    await project.engine.up();
    expect(((await read()) as unknown[])[0]).toEqual(["here"]);
    expect(await ssh(web, "ls /etc/silver/external")).toBe("blog.queue.pem");
    expect(await ssh(web, "grep -c CONFIG_DB_PASSWORD /srv/silver/blog/external.json || true")).toBe("0");
  });
});
