import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import types
from unittest import mock

from support import AgentError, Done, NodeTest, ran_as

from silver import addresses, files, own_server, redact, services, site_services
from silver.services import Use, postgis, postgres
from silver.services.postgres import database, logins, names, quota

MEGABYTE = 1024 * 1024
OPTIONS = {"connections": 20, "bytes": 32 * MEGABYTE}
DATABASE = Use("hello", 1, "db", OPTIONS)
HELD = types.SimpleNamespace(site="hello", holder={"release": "1.0.0-3fa2c1d0.c7b19e02"})


class Databases(NodeTest):
    """What psql is asked, and as whom; what PostgreSQL makes of it is proved on real nodes."""

    def setUp(self):
        super().setUp()
        self.machine.users |= {"site-hello"}
        self.machine.runuser = self.runuser
        os.makedirs(self.paths.at("/usr/lib/postgresql/15"))
        os.makedirs(self.paths.site("hello"))
        # Of the server, by whom a database was asked: what they were asked.
        self.roles, self.databases, self.made, self.asked = {"postgres"}, {"postgres": set()}, [], []
        self.refuses = None

    def runuser(self, *said, stdin=""):
        (user, _), (program, *words) = ran_as(said)
        if program.endswith("/initdb"):
            (directory,) = [word.removeprefix("--pgdata=") for word in words if word.startswith("--pgdata=")]
            with open(f"{directory}/PG_VERSION", "w") as file:
                file.write("15\n")
            return None
        option = dict(word.removeprefix("--").split("=", 1) for word in words if "=" in word)
        self.asked.append((user, option["username"], option["dbname"], stdin))
        if self.refuses and self.refuses in stdin:
            return Done(3, "", f"psql:<stdin>:1: ERROR:  it is {self.refuses}")
        if "pg_database_size" in stdin:
            return f"{8 * MEGABYTE}|t|f|0\n"
        if "extname" in stdin:
            return "".join(f"{name}\n" for name in self.databases["hello_g1"])
        return ""

    def asked_as(self, role, own):
        return [sql for user, by, database, sql in self.asked if (by, database) == (role, own)]


class Extensions(Databases):
    def setUp(self):
        super().setUp()
        self.databases["hello_g1"] = {"plpgsql"}

    def set_up(self, extensions=None):
        self.asked = []
        asked = {} if extensions is None else {"extensions": extensions}
        return postgres.set_up(self.node, DATABASE._replace(options={**OPTIONS, **asked}))

    def test_the_site_itself_makes_them_and_only_those_that_are_missing(self):
        self.databases["hello_g1"].add("hstore")
        changes = self.set_up("hstore,pg_trgm,uuid-ossp")
        self.assertEqual([change["what"] for change in changes][-2:], ["extension pg_trgm", "extension uuid-ossp"])
        self.assertEqual({user for user, role, _, _ in self.asked if role == "site-hello"}, {"site-hello"})
        self.assertEqual(
            self.asked_as("site-hello", "hello_g1")[1:],
            ['CREATE EXTENSION IF NOT EXISTS "pg_trgm" SCHEMA public;\nCREATE EXTENSION IF NOT EXISTS "uuid-ossp" SCHEMA public;\n'],
        )
        self.databases["hello_g1"] |= {"pg_trgm", "uuid-ossp"}
        self.assertEqual([change for change in self.set_up("hstore,pg_trgm,uuid-ossp") if "extension" in change["what"]], [])

    def test_a_site_without_any_is_not_logged_in_for(self):
        self.set_up()
        self.assertEqual({(user, database) for user, _, database, _ in self.asked}, {("pg-hello", "postgres")})

    def test_what_keeps_the_database_from_having_one_is_told_in_its_own_words(self):
        self.refuses = "CREATE EXTENSION"
        with self.assertRaises(AgentError) as caught:
            self.set_up("hstore")
        self.assertEqual((caught.exception.code, caught.exception.log), ("service", ["psql:<stdin>:1: ERROR:  it is CREATE EXTENSION"]))
        self.assertTrue(os.path.exists(names.record_path(self.node, DATABASE)))


class PostGis(Databases):
    PLACES = Use("hello", 1, "places", OPTIONS, "postgis")

    def runuser(self, *words, stdin=""):
        answer = super().runuser(*words, stdin=stdin)
        for name in re.findall('^CREATE DATABASE (\\w+|"\\w+")', stdin, re.MULTILINE):
            self.databases[name.strip('"')] = {"plpgsql", "postgis"} if "TEMPLATE silver_postgis" in stdin else {"plpgsql"}
        if "SELECT 'role '" in stdin:
            return "".join(["role site-hello\n" * ("hello_g1" in self.databases), *(f"database {name}\n" for name in self.databases)])
        return answer

    def set_up(self, use=PLACES):
        self.asked = []
        return services.of(use.kind).set_up(self.node, use)

    def test_it_comes_with_the_database_from_a_template_that_no_app_enters(self):
        self.set_up()
        (made,) = self.asked_as("postgres", "silver_postgis")
        self.assertIn("CREATE EXTENSION postgis SCHEMA public;\n", made)
        in_order = [sql for sql in self.asked_as("postgres", "postgres") if "silver_postgis" in sql]
        self.assertRegex(in_order[0], "^DROP DATABASE IF EXISTS silver_postgis;\nCREATE DATABASE silver_postgis TEMPLATE template0 ")
        copied = 'CREATE DATABASE "hello_g1" OWNER "site-hello" TEMPLATE silver_postgis .*;\nDROP DATABASE silver_postgis;'
        self.assertRegex(in_order[1], copied)
        self.assertEqual(self.asked_as("postgres", "hello_g1"), [])
        rules = [line for line in self.text(f"{names.settings(self.PLACES)}.hba").splitlines() if "postgres peer" in line]
        self.assertEqual(rules, [f"local {database} postgres peer map=agent" for database in ("postgres", "silver_postgis")])

    def test_a_second_run_makes_nothing(self):
        self.set_up()
        self.assertEqual(self.set_up(), [])
        self.assertEqual(self.asked_as("postgres", "silver_postgis"), [])

    def test_a_database_that_stands_without_it_is_refused_before_anything_is_changed(self):
        self.set_up(DATABASE._replace(kind="postgres"))
        record = [{"type": "postgres", "name": "db", "options": OPTIONS, "packages": [], "variables": {}}]
        files.write_json(self.paths.services("hello"), record)
        wanted = [{**record[0], "type": "postgis"}]
        before = self.text(f"{names.settings(DATABASE)}.hba")
        with self.assertRaises(AgentError) as caught:
            site_services.set_up(self.node, HELD, {"services": wanted})
        self.assertEqual(caught.exception.message, "the database hello_g1 has no PostGIS, which it can only get when it is made")
        self.assertEqual(site_services.recorded(self.node, "hello"), record)
        self.assertEqual(self.text(f"{names.settings(DATABASE)}.hba"), before)

    def test_one_that_could_not_be_asked_before_is_refused_by_the_set_up(self):
        self.set_up(DATABASE._replace(kind="postgres"))
        self.machine.units["silver-postgres-hello@g1.service"] = "inactive"
        postgis.judge(self.node, self.PLACES)
        with self.assertRaises(AgentError) as caught:
            self.set_up()
        self.assertIn("has no PostGIS", caught.exception.message)

    def test_a_site_goes_from_one_to_the_other_and_has_one_service(self):
        self.set_up()
        record = {"name": "db", "options": OPTIONS, "packages": [], "variables": {}}
        for kind in ("postgis", "postgres"):
            site_services.set_up(self.node, HELD, {"services": [{**record, "type": kind}]})
            self.assertEqual([each["type"] for each in site_services.recorded(self.node, "hello")], [kind])

    def test_what_stands_is_found_as_the_type_that_it_was(self):
        self.assertIsNone(postgis.found(self.node, self.PLACES))
        self.set_up()
        self.assertIsNone(postgres.found(self.node, self.PLACES))
        self.assertEqual(postgis.found(self.node, self.PLACES), {"connections": 61, "bytes": 32 * MEGABYTE})


class Tcp(Databases):
    """An app that comes by address, port and password."""

    OLD, NEW = "1.0.0-11111111.22222222", "1.1.0-33333333.44444444"

    def setUp(self):
        super().setUp()
        self.databases["hello_g1"] = {"plpgsql"}
        # Roles that the app gave something that keeps them from being dropped.
        self.verifiers, self.kept = {}, set()

    def runuser(self, *words, stdin=""):
        answer = super().runuser(*words, stdin=stdin)
        self.roles |= set(re.findall('^CREATE ROLE "([^"]+)"', stdin, re.MULTILINE))
        self.roles -= set(re.findall('DROP ROLE "([^"]+)"', stdin)) - self.kept
        self.verifiers |= dict(re.findall("^ALTER ROLE \"([^\"]+)\" PASSWORD '([^']+)'", stdin, re.MULTILINE))
        if "SELECT 'role '" in stdin:
            return "".join(f"role {name}\n" for name in self.roles) + "".join(f"database {name}\n" for name in self.databases)
        return "".join(f"{name}\n" for name in sorted(self.roles) if "hello-" in name) if "rolname ~" in stdin and not answer else answer

    def use(self, release, tcp="on"):
        return DATABASE._replace(options={**OPTIONS, **({"tcp": tcp} if tcp else {})}, kind="postgres", release=release)

    def set_up(self, release, tcp="on"):
        self.asked = []
        changes = postgres.set_up(self.node, self.use(release, tcp))
        return changes, postgres.values(self.node, self.use(release, tcp))

    def stands(self, release, **values):
        self.place(f"/srv/silver/hello/releases/{release}/environ.json", json.dumps(values))

    def gone(self, release):
        shutil.rmtree(self.paths.release("hello", release))

    def test_a_release_has_a_role_a_password_and_an_address(self):
        changes, values = self.set_up(self.OLD)
        self.assertIn({"what": "login site-hello-11111111-22222222", "why": "of a new release"}, changes)
        self.assertRegex(values["PASSWORD"], "^[0-9a-f]{48}$")
        self.assertEqual(values["USER"], "site-hello-11111111-22222222")
        self.assertEqual(addresses.find(self.node, "hello", "postgres-g1")["address"], values["ADDRESS"])
        conf, unit = self.text("/etc/silver/postgres/hello-g1.conf"), self.text("/etc/systemd/system/silver-postgres-hello@g1.service")
        self.assertIn(f"\nlisten_addresses = '{values['ADDRESS']}'\nport = {values['PORT']}\n", conf)
        self.assertIn("\nhost hello_g1 +site-hello 127.0.0.0/8 scram-sha-256\n", self.text("/etc/silver/postgres/hello-g1.hba"))
        self.assertIn("\nIPAddressDeny=any\nIPAddressAllow=localhost\nSocketBindDeny=any\n", unit)
        self.assertIn(f"\nSocketBindAllow=ipv4:tcp:{values['PORT']}\n", unit)
        link = f"ln -sf .s.PGSQL.{values['PORT']} /run/silver/pg-hello-g1/.s.PGSQL.5432\n"
        self.assertIn(link, unit)

    def test_the_password_stands_where_root_reads_it_and_never_reaches_the_server(self):
        _, values = self.set_up(self.OLD)
        self.assertEqual(os.stat(logins.path(self.node, DATABASE)).st_mode & 0o777, 0o600)
        told = "".join(sql for _, _, _, sql in self.asked) + "".join(self.machine.calls)
        self.assertNotIn(values["PASSWORD"], told)
        method, rounds, salt, stored, server = re.fullmatch(
            "(SCRAM-SHA-256)[$]([0-9]+):([^$]+)[$]([^:]+):(.+)", self.verifiers[values["USER"]]
        ).groups()
        salted = hashlib.pbkdf2_hmac("sha256", values["PASSWORD"].encode(), base64.b64decode(salt), int(rounds))
        client = hmac.digest(salted, b"Client Key", "sha256")
        self.assertEqual(base64.b64decode(stored), hashlib.sha256(client).digest())
        self.assertEqual(base64.b64decode(server), hmac.digest(salted, b"Server Key", "sha256"))

    def test_a_second_run_changes_nothing_and_the_next_release_has_another_password(self):
        _, old = self.set_up(self.OLD)
        self.stands(self.OLD)
        self.assertEqual(self.set_up(self.OLD), ([], old))
        changes, new = self.set_up(self.NEW)
        self.assertEqual([change["what"] for change in changes], ["login site-hello-33333333-44444444"])
        self.assertNotEqual(new["PASSWORD"], old["PASSWORD"])
        self.assertEqual((new["ADDRESS"], new["PORT"]), (old["ADDRESS"], old["PORT"]))
        # What serves logs in as before, and so does a rollback to it.
        self.assertEqual(postgres.values(self.node, self.use(self.OLD)), old)
        self.assertNotIn(f'ALTER ROLE "{old["USER"]}" PASSWORD', "".join(sql for *_, sql in self.asked))

    def test_a_login_ends_with_its_release(self):
        _, old = self.set_up(self.OLD)
        self.stands(self.OLD)
        self.set_up(self.NEW)
        self.stands(self.NEW)
        self.gone(self.OLD)
        changes, _ = self.set_up(self.NEW)
        self.assertEqual(changes, [{"what": "login site-hello-11111111-22222222", "why": "its release is gone"}])
        self.assertIn('ALTER ROLE "site-hello-11111111-22222222" NOLOGIN PASSWORD NULL;', self.asked_as("postgres", "postgres")[-2])
        self.assertEqual(files.read_json(logins.path(self.node, DATABASE)).keys(), {self.NEW})
        self.assertNotIn(old["USER"], self.roles)

    def test_one_that_can_not_be_dropped_is_closed_and_no_change_each_time(self):
        _, old = self.set_up(self.OLD)
        self.kept.add(old["USER"])
        self.set_up(self.NEW)
        self.stands(self.NEW)
        self.assertIn(f'ALTER ROLE "{old["USER"]}" NOLOGIN PASSWORD NULL;', self.asked_as("postgres", "postgres")[-2])
        self.assertEqual(self.set_up(self.NEW)[0], [])

    def test_without_tcp_the_address_stays_until_the_last_release_that_has_it_is_gone(self):
        _, old = self.set_up(self.OLD)
        self.stands(self.OLD)
        _, values = self.set_up(self.NEW, tcp=None)
        self.assertEqual(values, {"DATABASE": "hello_g1", "USER": "site-hello", "SOCKET": "/run/silver/pg-hello-g1", "PORT": "5432"})
        self.assertIn(old["ADDRESS"], self.text("/etc/silver/postgres/hello-g1.conf"))
        self.stands(self.NEW)
        self.gone(self.OLD)
        self.set_up(self.NEW, tcp=None)
        self.assertIn("\nlisten_addresses = ''\nport = 5432\n", self.text("/etc/silver/postgres/hello-g1.conf"))
        self.assertIsNone(addresses.find(self.node, "hello", "postgres-g1"))
        self.assertNotIn(old["USER"], self.roles)

    def test_a_login_that_is_left_without_an_address_is_held_to_the_quota_too(self):
        _, old = self.set_up(self.OLD)
        self.kept.add(old["USER"])
        self.set_up(None, tcp=None)
        self.assertIsNone(addresses.find(self.node, "hello", "postgres-g1"))
        quota.enforce(self.node, DATABASE, "read-only")
        setting = f'ALTER ROLE "{old["USER"]}" IN DATABASE "hello_g1" SET default_transaction_read_only = on;'
        self.assertIn(setting, self.asked_as("postgres", "postgres")[-1])

    def test_a_new_login_of_a_database_over_its_quota_ends_nobody_s_session(self):
        self.set_up(self.OLD)
        self.stands(self.OLD)
        over = {"quota": 4 * MEGABYTE, "used": 8 * MEGABYTE, "most": 9 * MEGABYTE, "stage": "read-only"}
        files.write_json(names.record_path(self.node, DATABASE), {"version": "15", **over})
        self.asked = []
        postgres.set_up(self.node, self.use(self.NEW)._replace(options={**OPTIONS, "tcp": "on", "bytes": 4 * MEGABYTE}))
        told = "".join(self.asked_as("postgres", "postgres"))
        self.assertIn('ALTER ROLE "site-hello-33333333-44444444" IN DATABASE "hello_g1" SET default_transaction_read_only = on;', told)
        self.assertNotIn("pg_terminate_backend", told)

    def test_what_is_known_of_logins_is_made_again_from_the_releases(self):
        _, old = self.set_up(self.OLD)
        self.stands(self.OLD, CONFIG_PG_USER=old["USER"], CONFIG_PG_PASSWORD=old["PASSWORD"])
        with open(logins.path(self.node, DATABASE), "w") as file:
            file.write("garbage")
        self.assertEqual(self.set_up(self.OLD), ([], old))

    def test_the_quota_holds_for_every_login(self):
        _, values = self.set_up(self.OLD)
        quota.enforce(self.node, DATABASE, "closed")
        words = self.asked_as("postgres", "postgres")[-1]
        for user in ("site-hello", values["USER"]):
            self.assertIn(f'ALTER ROLE "{user}" NOLOGIN;', words)
            self.assertIn(f"'{user}'", words)

    def test_while_the_superuser_asks_alone_nobody_comes_by_address_either(self):
        _, values = self.set_up(self.OLD)
        at = f"{values['ADDRESS']} . {values['PORT']}"
        database.admit(self.node, DATABASE, own_server.CLOSED)
        self.assertNotIn(f"askers {{ {at}", self.text("/var/lib/silver/firewall.nft"))
        database.admit(self.node, DATABASE, own_server.OPEN)
        self.assertIn(f"askers {{ {at}", self.text("/var/lib/silver/firewall.nft"))

    def test_a_lost_table_of_addresses_is_made_again_from_its_settings(self):
        _, values = self.set_up(self.OLD)
        record = [{"type": "postgres", "name": "db", "options": self.use(None).options, "packages": [], "variables": {}}]
        files.write_json(self.paths.services("hello"), record)
        before = addresses.read(self.node)
        with open(addresses.table_path(self.node), "w") as file:
            file.write("garbage")
        self.assertEqual(addresses.read(self.node)["taken"], before["taken"])

    def test_its_password_is_a_secret_of_the_site_s(self):
        record = {"variables": {"CONFIG_OWN_PASSWORD": "plain"}, "secrets": {}}
        self.stands(self.OLD, CONFIG_PG_PASSWORD="0123456789abcdef", CONFIG_OWN_PASSWORD="plain", CONFIG_PG_HOST="127.65.0.1")
        with mock.patch.object(redact.state, "record", lambda *words: record):
            self.assertEqual(redact.of_release(self.node, "hello", self.OLD), {"0123456789abcdef"})

    def test_it_goes_with_its_site(self):
        self.set_up(self.OLD)
        postgres.remove(self.node, DATABASE)
        self.assertIsNone(addresses.find(self.node, "hello", "postgres-g1"))
