import hashlib
import json
import os
import shutil

from test_mysql import DB, MariaDB

from silver import addresses, files, own_server
from silver.services import mysql
from silver.services.mysql import database, login, names, quota

OVER = {**DB.options, "tcp": "on"}
UNIT = "silver-mysql-my-blog@g1.service"
STATEMENTS = "/etc/silver/mysql/my-blog-g1.sql"
BY_SOCKET, BY_ADDRESS = "`site-my-blog`@localhost", "`site-my-blog`@`127.%`"


class Tcp(MariaDB):
    """An app that comes by address, port and password."""

    OLD, NEW = "1.0.0-11111111.22222222", "1.1.0-33333333.44444444"

    def over(self, release=None, tcp=True):
        """The changes of a set-up, and what the release is told."""
        use = DB._replace(options=OVER if tcp else DB.options, release=release)
        self.sql.clear()
        return self.set_up(use), mysql.values(self.node, use)

    def stands(self, release, told, **more):
        values = {"CONFIG_MYSQL_USER": told["USER"], "CONFIG_MYSQL_HOST": told.get("ADDRESS", "localhost")}
        values["CONFIG_MYSQL_PASSWORD"] = told.get("PASSWORD", "")
        self.place(f"/srv/silver/my-blog/releases/{release}/environ.json", json.dumps({**values, **more}))

    def conf(self):
        return self.text("/etc/silver/mysql/my-blog-g1.cnf")

    def test_an_app_is_told_an_address_and_a_password_and_the_server_listens_there_alone(self):
        _, told = self.over(self.OLD)
        self.assertEqual(told.keys(), {"DATABASE", "USER", "SOCKET", "ADDRESS", "PORT", "PASSWORD"})
        self.assertRegex(told["PASSWORD"], "^[0-9a-f]{48}$")
        place = {"address": told["ADDRESS"], "port": told["PORT"], "server": "mysql-my-blog"}
        self.assertEqual(addresses.find(self.node, "my-blog", "mysql-g1"), place)
        self.assertIn(f"\nbind_address = {told['ADDRESS']}\nport = {told['PORT']}\nskip_name_resolve\n", self.conf())
        self.assertNotIn("skip_networking", self.conf())
        self.assertIn("\nRestrictAddressFamilies=AF_UNIX\n", self.unit_text(UNIT))
        end = "\nRestrictAddressFamilies=AF_INET\nIPAddressDeny=any\nIPAddressAllow=localhost\nSocketBindDeny=any\n"
        self.assertIn(f"{end}SocketBindAllow=ipv4:tcp:{told['PORT']}\n\n[Install]\n", self.unit_text(UNIT))

    def test_the_second_account_has_what_the_first_has(self):
        _, told = self.over()
        stored = hashlib.sha1(hashlib.sha1(told["PASSWORD"].encode()).digest()).hexdigest().upper()
        first = [line for line in self.sql[0].splitlines() if BY_SOCKET in line]
        second = [line for line in self.sql[0].splitlines() if BY_ADDRESS in line]
        how = f"mysql_native_password USING '*{stored}'"
        self.assertEqual([line.replace(BY_SOCKET, BY_ADDRESS).replace("unix_socket", how) for line in first], second)
        self.assertEqual(len(first), 4)
        self.assertEqual(self.text(STATEMENTS), self.sql[0])

    def test_the_password_stands_where_root_reads_it_and_never_reaches_the_server(self):
        _, told = self.over()
        kept = login.path(self.node, DB)
        self.assertEqual((os.stat(kept).st_mode & 0o777, files.read_json(kept)), (0o600, {"password": told["PASSWORD"]}))
        said = "".join([*self.sql, *self.machine.calls, self.conf(), self.unit_text(UNIT), self.text(STATEMENTS)])
        self.assertNotIn(told["PASSWORD"], said)

    def test_a_second_run_changes_nothing_and_the_next_release_is_told_the_same(self):
        _, told = self.over(self.OLD)
        self.stands(self.OLD, told)
        for release in (self.OLD, self.NEW, None):
            self.assertEqual(self.over(release), ([], told))

    def test_without_tcp_the_address_stays_until_the_last_release_that_has_it_is_gone_and_the_account_for_good(self):
        _, told = self.over(self.OLD)
        self.stands(self.OLD, told)
        changes, now = self.over(self.NEW, tcp=False)
        own = {"DATABASE": "my_blog_g1", "USER": "site-my-blog", "SOCKET": "/run/silver/mysql-my-blog-g1/mysqld.sock"}
        self.assertEqual((changes, now), ([], own))
        self.assertIn(told["ADDRESS"], self.conf())
        self.stands(self.NEW, now)
        shutil.rmtree(self.paths.release("my-blog", self.OLD))
        self.over(self.NEW, tcp=False)
        self.assertIn("\nskip_networking\n", self.conf())
        self.assertNotIn("AF_INET", self.unit_text(UNIT))
        self.assertIsNone(addresses.find(self.node, "my-blog", "mysql-g1"))
        # What the app defined by it needs it.
        self.assertIn(BY_ADDRESS, self.sql[0])
        self.assertEqual(self.over(self.NEW)[1]["PASSWORD"], told["PASSWORD"])

    def test_a_release_on_a_server_of_somebody_else_s_keeps_no_address(self):
        self.stands(self.OLD, {"USER": "site-my-blog", "ADDRESS": "db.acme.net", "PASSWORD": "theirs"})
        self.over(self.NEW, tcp=False)
        self.assertEqual((login.password(self.node, DB), addresses.read(self.node)["taken"]), (None, {}))
        self.assertIn("\nskip_networking\n", self.conf())

    def test_a_lost_password_is_made_again_from_the_releases_or_anew_where_none_knows_it(self):
        _, told = self.over(self.OLD)
        self.stands(self.OLD, told)
        for damage in ("garbage", "null"):
            self.place(f"{names.place(DB)}.login.json", damage)
            self.assertEqual(self.over(self.OLD), ([], told))
        shutil.rmtree(self.paths.release("my-blog", self.OLD))
        files.remove(login.path(self.node, DB))
        self.over(tcp=False)
        # Else it would keep its rights in a database over its quota.
        self.assertIn(f"ALTER USER {BY_ADDRESS} ", self.sql[0])

    def test_the_quota_holds_for_both_accounts(self):
        self.over()
        for stage, words in (("read-only", f"REVOKE {database.WRITING} ON `my\\_blog\\_g1`.* FROM %s;"), ("closed", "ACCOUNT LOCK")):
            quota.database.enforce(self.node, DB, stage, "open")
            said = self.sql[-1]
            for account in (BY_SOCKET, BY_ADDRESS):
                self.assertTrue([line for line in said.splitlines() if account in line and words.replace("%s", account) in line], said)
            # MariaDB compares the host that it names with the address of a session, not with the account's pattern.
            self.assertTrue(said.endswith("\nKILL USER `site-my-blog`;\n"), said)
            self.assertNotIn("KILL", self.text(STATEMENTS))

    def test_while_the_agent_asks_alone_nobody_comes_by_address_either(self):
        _, told = self.over()
        at = f"askers {{ {told['ADDRESS']} . {told['PORT']}"
        heard = []
        self.refuses = ["ERROR 1040 (08004): Too many connections"] * 2
        answer = self.mariadb
        rules = lambda: self.text("/var/lib/silver/firewall.nft")  # noqa: E731
        self.machine.mariadb = lambda *words, stdin="": heard.append(at in rules()) or answer(*words, stdin=stdin)
        database.ask(self.node, DB, "SELECT 1;")
        self.assertEqual((heard, at in rules()), ([True, False, False], True))
        # One that was killed has left it closed.
        database.admit(self.node, DB, own_server.CLOSED)
        mysql.hold(self.node, DB)
        self.assertIn(at, rules())

    def test_a_lost_table_of_addresses_is_made_again_from_its_settings(self):
        self.over()
        record = [{"type": "mysql", "name": "db", "options": OVER, "packages": [], "variables": {}}]
        files.write_json(self.paths.services("my-blog"), record)
        before = addresses.read(self.node)
        self.place("/var/lib/silver/addresses.json", "garbage")
        self.assertEqual(addresses.read(self.node)["taken"], before["taken"])
        self.assertEqual(mysql.found(self.node, DB._replace(options={})), {"connections": 60, "bytes": OVER["bytes"], "tcp": "on"})

    def test_it_goes_with_its_site_and_comes_back_with_the_same_password(self):
        _, told = self.over()
        mysql.remove(self.node, DB)
        self.assertIsNone(addresses.find(self.node, "my-blog", "mysql-g1"))
        self.assertEqual(self.over()[1]["PASSWORD"], told["PASSWORD"])
        mysql.remove(self.node, DB)
        shutil.rmtree(self.paths.at(names.place(DB)))
        os.mkdir(self.paths.at(names.place(DB)))
        self.mounted.clear()
        mysql.discard(self.node, DB)
        self.assertFalse(os.path.exists(login.path(self.node, DB)))

    def test_a_person_at_it_comes_by_the_socket(self):
        self.over()
        words = mysql.client(self.node, DB._replace(options=OVER))
        self.assertEqual(words[-3:], ["--socket=/run/silver/mysql-my-blog-g1/mysqld.sock", "--user=site-my-blog", "my_blog_g1"])
