// Nobody logs in to a site's database as its server's superuser: what the app put there would run with all rights.
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { superuserLogins } from "../support/postgres-logins.ts";

const root = resolve(import.meta.dirname, "../..");

describe("a command that would log in to a site's database as superuser is found", () => {
  test.each([
    "psql -U postgres -d blog_g1",
    "psql -Upostgres -dblog_g1",
    "psql --username=postgres --dbname=blog_g1",
    "psql --username postgres blog_g1",
    "psql blog_g1 postgres",
    "psql -h /run/silver/pg-blog-g1 -U postgres blog_g1 -c 'DELETE FROM visits'",
    "/usr/lib/postgresql/15/bin/psql -U postgres blog_g1",
    "PGUSER=postgres psql blog_g1",
    "env PGUSER=postgres PGDATABASE=blog_g1 psql",
    "psql postgresql://postgres@/blog_g1?host=/run/silver/pg-blog-g1",
    "psql 'postgres://localhost/blog_g1?user=postgres'",
    'psql "user=postgres dbname=blog_g1 host=/run/silver/pg-blog-g1"',
    "psql -d 'dbname=blog_g1 user=postgres'",
    "su postgres -c 'psql blog_g1'",
    "su - postgres -c \"psql -d blog_g1 -c 'SELECT 1'\"",
    "su -c 'psql blog_g1' postgres",
    "su -l -s /bin/sh -c 'cd /; psql blog_g1' postgres",
    "sudo -u postgres psql blog_g1",
    "sudo -iu postgres psql -d blog_g1",
    "sudo --user=postgres -- psql blog_g1",
    "sudo -u postgres sh -c 'cd / && psql blog_g1'",
    "sudo -u '#106' psql blog_g1",
    "runuser -u pg-blog -- psql -h /run/silver/pg-blog-g1 -d blog_g1",
    "runuser -l postgres -c 'psql blog_g1'",
    "setpriv --reuid=postgres --clear-groups psql blog_g1",
    "doas -u postgres psql blog_g1",
    "systemd-run --pipe -p User=postgres psql blog_g1",
    "systemd-run --uid=pg-blog --pipe psql blog_g1",
    "machinectl shell postgres@web1 /usr/bin/psql blog_g1",
    "ssh root@web1 'sudo -u postgres psql blog_g1'",
    "ssh postgres@web1 psql blog_g1",
    "echo 'DELETE FROM visits' | sudo -u postgres psql blog_g1",
    "true && sudo -u postgres psql blog_g1",
    "x=$(sudo -u postgres psql -Atc 'SELECT 1' blog_g1)",
    "sudo -u postgres psql -c '\\c blog_g1' -c 'DELETE FROM visits'",
    "sudo -u postgres pg_dump blog_g1 > blog.sql",
    "pg_dump -U postgres --format=custom -f x blog_g1",
    "sudo -u postgres pg_dumpall",
    "pg_restore --username=postgres -d blog_g1 x",
    "sudo -u postgres vacuumdb --all --full",
    "sudo -u postgres createdb blog_g1",
    "dropdb -U postgres blog_g1",
    "sudo -u postgres postgres --single -D /srv/x blog_g1",
    "sudo -u postgres psql \\\n  -d blog_g1 \\\n  -c 'DELETE FROM visits'",
    "sudo -iu postgres\npsql blog_g1",
    "su - postgres\ncd /\npsql -d blog_g1",
    "export PGUSER=postgres\npsql blog_g1",
    "sudo -u postgres psql <<'EOF'\n\\c blog_g1\nEOF",
    "sudo -u postgres psql\npostgres=# \\connect blog_g1",
    'node.run(["psql", "--username=postgres", "--dbname=blog_g1"])',
    'spawn("psql", ["-U", "postgres", "blog_g1"])',
    "docker exec -u postgres db psql blog_g1",
    "$ sudo -u postgres psql blog_g1",
    "Delete them by `sudo -u postgres psql blog_g1` on the node.",
    "fix: \"log in: su postgres -c 'psql blog_g1'\",",
    "`runuser -u pg-${site} -- psql -h ${socket} -d ${database}`",
    'psycopg2.connect("user=postgres dbname=blog_g1")',
    "createEngine('postgresql+psycopg2://postgres:pw@localhost/blog_g1')",
  ])("%s", (text) => {
    expect(superuserLogins(text)).toHaveLength(1);
  });
});

describe("one that would not is let through", () => {
  test.each([
    "runuser -u site-blog -- psql -h /run/silver/pg-blog-g1 -d blog_g1 -c 'DELETE FROM visits'",
    "sudo -u site-blog psql -d blog_g1",
    "su site-blog -s /bin/sh -c 'psql blog_g1'",
    "psql -h /run/silver/pg-blog-g1 blog_g1 site-blog",
    "psql $CONFIG_PG_URL",
    "psql 'postgresql://site-blog@/blog_g1?host=/run/silver/pg-blog-g1'",
    "runuser -u site-blog -- pg_dump -h /run/silver/pg-blog-g1 blog_g1",
    "runuser -u pg-blog -- psql -qAt -h /run/silver/pg-blog-g1 -U postgres -c 'SELECT 1'",
    "sudo -u postgres psql -d postgres -c 'SELECT datname FROM pg_database'",
    "runuser -u site-blog -- psql -d postgres",
    "systemctl restart silver-postgres-blog@g1",
    "sudo -iu postgres\nexit\nrunuser -u site-blog -- psql blog_g1",
    "sudo -iu postgres\n\nrunuser -u site-blog -- psql blog_g1",
    "a site's database is reached with psql, and postgres is its server",
    "services: { db: { type: postgres } }",
  ])("%s", (text) => {
    expect(superuserLogins(text)).toEqual([]);
  });
});

test("none stands in a page, a message, a hint, the agent, an example or what tests are made of", () => {
  const files = globSync(
    [
      "*.md",
      "docs/**/*.{md,yml,sh}",
      "{apps,bench,cli,components,scripts,tools}/**/*.{ts,py,sh,php,yaml,ini}",
      "test/support/*.{ts,py,sh}",
      "test/{agent,nodes,process}/*.{ts,py}",
    ],
    { cwd: root, exclude: (path) => path.includes("node_modules") },
  );
  expect(files).toEqual(expect.arrayContaining(["README.md", "docs/services.md", "components/services/postgres.ts"]));
  const found = files.flatMap((file) =>
    superuserLogins(readFileSync(join(root, file), "utf8")).map((line) => `${file}: ${line}`),
  );
  expect(found).toEqual([]);
});
