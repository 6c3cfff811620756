// MySQL that somebody else runs: a real MariaDB on a second machine, with TLS and without, and where there is one, Oracle's MySQL.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { certificatesOf } from "../support/certificates.ts";
import { http, ssh, webPackages } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { testOs } from "../support/systems.ts";

/** Knows nothing of where its database is. Names are for MySQLdb, and the URL for SQLAlchemy, by both drivers. */
const app = `import json, os
from contextlib import closing
import MySQLdb
from sqlalchemy import create_engine, text

CA = os.environ.get("CONFIG_DB_CA")

def own(ca=CA):
    named = {"host": "HOST", "user": "USERNAME", "password": "PASSWORD", "database": "DBNAME"}
    told = {word: os.environ["CONFIG_MYSQL_" + name] for word, name in named.items()}
    return MySQLdb.connect(port=int(os.environ["CONFIG_DB_PORT"]), charset="utf8mb4", **told, **({"ssl": {"ca": ca}} if ca else {}))

def ask(driver, sql, ca=CA):
    url = os.environ["CONFIG_DB_URL"].replace("mysql:", f"mysql+{driver}:").replace(CA or "-", ca or "-")
    with create_engine(url).connect() as db:
        return [row[-1] for row in db.execute(text(sql))]

def tried(connect):
    try:
        connect()
        return "let in"
    except Exception:
        return "refused"

def answer(path):
    match path.strip("/").split("/"):
        case ["write", words]:
            with closing(own()) as db:
                db.cursor().execute("CREATE TABLE IF NOT EXISTS texts (words text)")
                db.cursor().execute("INSERT INTO texts VALUES (%s)", (words,))
                db.commit()
            return "written"
        case ["read"]:
            return json.dumps([ask(driver, "SELECT words FROM texts ORDER BY words") for driver in ("mysqldb", "pymysql")])
        case ["tls"]:
            with closing(own()) as db:
                cursor = db.cursor()
                cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
                named = cursor.fetchone()[1]
            found = [named, *(ask(driver, "SHOW STATUS LIKE 'Ssl_cipher'")[0] for driver in ("mysqldb", "pymysql"))]
            return json.dumps([cipher != "" for cipher in found])
        case ["stranger"]:
            other = "/etc/ssl/certs/ca-certificates.crt"
            found = [tried(lambda: own(other)), *(tried(lambda: ask(driver, "SELECT 1", other)) for driver in ("mysqldb", "pymysql"))]
            return json.dumps(found)
    return "ok"

def application(environ, start_response):
    body = answer(environ["PATH_INFO"].encode("latin-1").decode()).encode()
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]
`;

const packages = ["python3-mysqldb", "python3-pymysql", "python3-sqlalchemy"];
const manifest = `name: blog
version: 1.0.0
runner: wsgi.py
packages: [${packages.join(", ")}]
services: {db: {type: mysql}}
processes: {count: 1}
`;

/** With all that a URL must not have as it is. */
const password = "p/a:s@s%w ord#1";

const users = `CREATE DATABASE blog CHARACTER SET utf8mb4;
CREATE USER app@'%' IDENTIFIED BY '${password}' REQUIRE SSL; GRANT ALL ON blog.* TO app@'%';
CREATE USER plain@'%' IDENTIFIED BY '${password}'; GRANT ALL ON blog.* TO plain@'%';
`;

/** From 11.8 on it would ask for a certificate of this server by an authority of the system's, on a socket, too. */
const client = "mariadb --skip-ssl";

/** Run on the machine of the server: an authority, a certificate of its address, and the server itself. */
const server = (address: string) => `set -eu
mkdir -p /srv/tls; cd /srv/tls
${certificatesOf(address)}
chown mysql db.key; chmod 755 .; chmod 644 *.pem
cat > /etc/mysql/mariadb.conf.d/99-outer.cnf <<END
[mysqld]
bind-address = 0.0.0.0
ssl_cert = /srv/tls/db.pem
ssl_key = /srv/tls/db.key
END
systemctl restart mariadb
for try in $(seq 150); do ${client} -e 'SELECT 1' >/dev/null 2>&1 && break; sleep 0.2; done
cat >/srv/users.sql && ${client} </srv/users.sql`;

/** The same by Oracle's MySQL, beside it: the package is unpacked, as it would replace the other. */
const oracle = `set -eu
apt-get update -qq
core=$(apt-cache search --names-only '^mysql-server-core(-[0-9.]+)?$' | cut -d' ' -f1 | sort -V | tail -n 1)
apt-get install -qq -y $(apt-cache depends "$core" | sed -n 's/^  Depends: \\(lib[^ ]*\\)$/\\1/p') >/dev/null 2>&1
mkdir -p /opt/mysql; cd /opt/mysql; chmod 755 .
apt-get download -qq "$core" 2>/dev/null; dpkg -x "$core"_*.deb .
install -d -o mysql data run
at="--no-defaults --user=mysql --basedir=/opt/mysql/usr --datadir=/opt/mysql/data --lc-messages-dir=/opt/mysql/usr/share/mysql"
usr/sbin/mysqld $at --initialize-insecure >/opt/mysql/log 2>&1
systemd-run -q --unit=oracle /opt/mysql/usr/sbin/mysqld $at --port=3308 --socket=/opt/mysql/run/socket --mysqlx=OFF --secure-file-priv= \\
  --init-file=/srv/users.sql`;

let project: Project;
let web: TestNode;
let data: TestNode;
let authority = "";

const tls = () => `tls: { ca: ${JSON.stringify(authority)} }`;
const place = (more: string, { user = "app", name = "blog", secret = 1 } = {}) =>
  `{ external: { host: ${data.address}, name: ${name}, user: ${user}, password: { secret: ${secret} }, ${more} } }`;

const environment = (db: string) =>
  `nodes:\n  web1: { local: true, os: ${testOs} }\nsites:\n  blog:\n    app: apps/blog\n    nodes: [web1]\n    locations: ["*"]\n` +
  (db === "" ? "" : `    services: { db: ${db} }\n`);
const declare = (db: string) => {
  writeFileSync(join(project.root, "stacks/test.yaml"), environment(db));
};

const keep = async (name: string, version: number, value: string) => {
  const key = `secrets["blog.${name}@${version}"]`;
  const { code, output } = await project.engine.run("config", "set", "--secret", "--path", key, value);
  expect(code, output).toBe(0);
};
const get = async (path: string) => (await http(web, path)).body;
const read = async (): Promise<unknown> => JSON.parse(await get("/read"));
const both = (...words: string[]) => [words, words];

describe.each([testOs])("on %s", (os) => {
  beforeAll(async () => {
    project = await withProject({
      "apps/blog/app.yaml": manifest,
      "apps/blog/wsgi.py": app,
      "stacks/test.yaml": environment(""),
    });
    const own = ["mariadb-client-core", "mariadb-server-core", ...packages];
    await Promise.all([
      project.prepare("web1", { os, prepared: [...webPackages, ...own] }),
      project.prepare("data1", { os, prepared: ["mariadb-server", "openssl"] }),
    ]);
    data = await project.node("data1");
    await ssh(data, server(data.address), users);
    authority = await ssh(data, "cat /srv/tls/ca.pem");
    await keep("CONFIG_DB_PASSWORD", 1, password);
    await keep("CONFIG_DB_PASSWORD", 9, "wrong-password-9");
  });

  afterAll(async () => {
    await project.remove();
  });

  test("an app that ran on the MySQL of its node runs unchanged on that of somebody else, by TLS", async () => {
    await project.engine.up();
    web = await project.node("web1");
    expect(await get("/write/here")).toBe("written");
    expect(await read()).toEqual(both("here"));
    declare(place(tls()));
    const output = await project.engine.up();
    expect(output).not.toContain(password);
    expect(await get(`/write/${encodeURIComponent("thére 🐬")}`)).toBe("written");
    expect(await read()).toEqual(both("thére 🐬"));
    expect(JSON.parse(await get("/tls"))).toEqual([true, true, true]);
    // As one would be whose certificate is of another authority.
    expect(JSON.parse(await get("/stranger"))).toEqual(["refused", "refused", "refused"]);
    expect(await ssh(data, `${client} --default-character-set=utf8mb4 -NBe 'SELECT words FROM blog.texts'`)).toBe("thére 🐬");
  });

  const wrong: [string, () => string, RegExp][] = [
    [
      "a wrong password",
      () => place(tls(), { secret: 9 }),
      /refuses: Access denied for user 'app'@[^]*silver secret set blog CONFIG_DB_PASSWORD/,
    ],
    [
      "no such database",
      () => place(tls(), { name: "shop" }),
      /refuses: (?:Access denied for user 'app'@\S+ to|Unknown) database 'shop'/,
    ],
    ["no TLS where it is a must", () => place("version: 1"), /refuses: Access denied for user 'app'@/],
    ["a certificate that nobody knows", () => place("tls: true"), /has a certificate that is not trusted/],
    ["another version", () => place(`version: "5.5", ${tls()}`), /is version 1[01]\.[0-9.]+, and not 5\.5/],
    ["no MySQL", () => place("port: 22"), /does not speak the language of its type|ended the connection/],
  ];

  test.each(wrong)("%s is refused, by name and with what to do", async (_, db, words) => {
    declare(db());
    const output = await project.engine.upFails();
    expect(output).toMatch(/service db \(mysql\) at \S+:\d+/);
    expect(output).toMatch(words);
    for (const secret of [password, "wrong-password-9", encodeURIComponent(password)]) expect(output).not.toContain(secret);
    expect(await read()).toEqual(both("thére 🐬"));
  });

  test("a whole URL leads there as well, to an account that may come without TLS", async () => {
    await keep("CONFIG_DB_URL", 1, `mariadb://plain:${encodeURIComponent(password)}@${data.address}/blog`);
    declare("{ external: { url: { secret: 1 } } }");
    await project.engine.up();
    expect(await read()).toEqual(both("thére 🐬"));
  });

  test.runIf(os.startsWith("ubuntu"))("MySQL by Oracle is one, too: its password goes encrypted by its key", async () => {
    await ssh(data, oracle);
    await ssh(data, "timeout 60 sh -c 'until test -S /opt/mysql/run/socket; do sleep 0.2; done'");
    declare(place("port: 3308", { user: "plain", secret: 9 }));
    expect(await project.engine.upFails()).toMatch(/refuses: Access denied for user 'plain'@/);
    declare(place("port: 3308, version: 8", { user: "plain" }));
    await project.engine.up();
    expect(await get("/write/oracle")).toBe("written");
    expect(await read()).toEqual(both("oracle"));
  });

  test("back on the node, the database has what it had there", async () => {
    declare("");
    await project.engine.up();
    expect(await read()).toEqual(both("here"));
  });
});
