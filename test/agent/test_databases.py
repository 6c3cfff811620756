import os
import re
import types

from support import AgentError, Done, NodeTest

from silver import files, services, site_services
from silver.services import Use, postgis, postgres
from silver.services.postgres import names

MEGABYTE = 1024 * 1024
OPTIONS = {"connections": 20, "bytes": 32 * MEGABYTE}
DATABASE = Use("hello", 1, "db", OPTIONS)


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

    def runuser(self, _, user, __, program, *words, stdin=""):
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
        for name in re.findall("^CREATE DATABASE (\\w+|\"\\w+\")", stdin, re.MULTILINE):
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
            site_services.set_up(self.node, types.SimpleNamespace(site="hello"), {"services": wanted})
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
            site_services.set_up(self.node, types.SimpleNamespace(site="hello"), {"services": [{**record, "type": kind}]})
            self.assertEqual([each["type"] for each in site_services.recorded(self.node, "hello")], [kind])

    def test_what_stands_is_found_as_the_type_that_it_was(self):
        self.assertIsNone(postgis.found(self.node, self.PLACES))
        self.set_up()
        self.assertIsNone(postgres.found(self.node, self.PLACES))
        self.assertEqual(postgis.found(self.node, self.PLACES), {"connections": 61, "bytes": 32 * MEGABYTE})
