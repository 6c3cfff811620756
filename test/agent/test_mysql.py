import json
import os
import re
import types
from unittest import mock

from support import AgentError, Done, ran_as
from test_servers import MEGABYTE, Servers

from silver import files, own_server, volume
from silver.services import Use, mysql
from silver.services.mysql import database, names, room, server

DB = Use("my-blog", 1, "db", {"bytes": 100 * MEGABYTE, "connections": 20})
PLACE = "/srv/silver/my-blog/data/mysql/g1"
UNIT = "silver-mysql-my-blog@g1.service"


class MariaDB(Servers):
    """It is a file system, a unit and SQL here; what it makes of them is proved on real nodes."""

    def setUp(self):
        super().setUp()
        self.machine.users.add("site-my-blog")
        os.makedirs(self.paths.site("my-blog"))
        self.sql, self.refuses, self.made = [], [], []
        self.machine.mariadb = self.mariadb
        self.machine.runuser = lambda *words: self.made.append(words)
        self.machine.sync = lambda *words: None
        self.room = types.SimpleNamespace(f_frsize=MEGABYTE, f_bavail=100)
        for target, stand_in in (
            ("silver.volume.os.statvfs", lambda path: self.room),
            ("silver.volume.os.posix_fallocate", lambda fd, start, size: os.truncate(fd, size)),
        ):
            patched = mock.patch(target, stand_in)
            patched.start()
            self.addCleanup(patched.stop)

    def mariadb(self, *words, stdin=""):
        if self.refuses:
            return Done(1, "", self.refuses.pop(0))
        self.sql.append(stdin)
        return ""

    def set_up(self, use=DB):
        return mysql.set_up(self.node, use)


class MySQL(MariaDB):
    def measured(self, megabytes):
        """The stage after its disk held so many megabytes beside an empty server's."""
        self.used = room.EMPTY_BYTES + megabytes * MEGABYTE
        with mock.patch("silver.services.mysql.room.blocks", lambda path: 0):
            mysql.hold(self.node, DB)
        return names.read(self.node, DB)["stage"]

    def test_it_is_made_once_and_runs(self):
        changes = self.set_up()
        self.assertIn({"what": self.paths.at(f"{PLACE}.img"), "why": "a new service"}, changes)
        (made,) = self.made
        who, program = ran_as(made)
        self.assertEqual((who, program[0]), (("mysql-my-blog", "site-my-blog"), "mariadb-install-db"))
        self.assertIn(f"--datadir={PLACE}/new", made)
        self.assertTrue(os.path.isdir(self.paths.at(f"{PLACE}/data")))
        self.assertEqual(self.machine.units[UNIT], "active")
        self.assertEqual(self.set_up(), [])
        self.assertEqual((len(self.made), self.starts().count(f"systemctl start --no-block {UNIT}")), (1, 1))

    def test_its_disk_is_larger_than_its_quota(self):
        self.set_up()
        self.assertEqual(os.path.getsize(self.paths.at(f"{PLACE}.img")), (125 + 69 + 128 + 32 + 64) * 8 // 7 * MEGABYTE)
        with mock.patch.object(volume, "resize", lambda node, place, size: [{"what": place, "why": str(size)}]):
            larger = DB._replace(options={**DB.options, "bytes": 200 * MEGABYTE})
            self.assertIn({"what": PLACE, "why": str((250 + 69 + 128 + 32 + 64) * 8 // 7 * MEGABYTE)}, self.set_up(larger))
            smaller = DB._replace(options={**DB.options, "bytes": 50 * MEGABYTE})
            self.assertEqual([change["what"] for change in self.set_up(smaller)], ["database my_blog_g1"])

    def test_one_account_may_use_one_database(self):
        self.set_up()
        self.assertEqual(
            self.sql,
            [
                "CREATE DATABASE IF NOT EXISTS `my_blog_g1` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;\n"
                "CREATE USER IF NOT EXISTS `site-my-blog`@localhost IDENTIFIED VIA unix_socket;\n"
                "ALTER USER `site-my-blog`@localhost IDENTIFIED VIA unix_socket WITH MAX_USER_CONNECTIONS 20 ACCOUNT UNLOCK;\n"
                f"GRANT {database.READING} ON `my\\_blog\\_g1`.* TO `site-my-blog`@localhost;\n"
                f"GRANT {database.WRITING} ON `my\\_blog\\_g1`.* TO `site-my-blog`@localhost;\n"
            ],
        )
        self.assertEqual(self.text("/etc/silver/mysql/my-blog-g1.sql"), self.sql[0])
        self.assertEqual(os.stat(self.paths.at("/etc/silver/mysql/my-blog-g1.sql")).st_mode & 0o777, 0o640)
        self.assertNotRegex(database.READING + database.WRITING, "ALL|FILE|SUPER|PROCESS|RELOAD|EVENT|GRANT")

    def test_only_the_site_s_group_reaches_its_socket_and_it_is_held_to_its_memory(self):
        self.set_up()
        text, conf = self.unit_text(UNIT), self.text("/etc/silver/mysql/my-blog-g1.cnf")
        self.assertIn("\nUser=mysql-my-blog\nGroup=site-my-blog\nSlice=silver-my\\x2dblog.slice\n", text)
        self.assertIn("\nRuntimeDirectory=silver/mysql-my-blog-g1\nRuntimeDirectoryMode=0750\n", text)
        self.assertIn(f"\nMemoryMax={(192 + 8 * 64) * MEGABYTE}\n", text)
        self.assertIn(f"\nReadWritePaths={PLACE}\n", text)
        self.assertIn("\nRestrictAddressFamilies=AF_UNIX\n", text)
        for line in ("skip_networking", "skip_log_bin", "local_infile = OFF", "enforce_storage_engine = InnoDB", "max_connections = 64"):
            self.assertIn(f"\n{line}\n", conf)
        self.assertEqual(server.connections(DB._replace(options={**DB.options, "connections": 61})), 128)

    def test_in_the_second_generation_no_name_is_of_the_first(self):
        self.set_up(DB._replace(generation=2))
        said = [self.unit_text("silver-mysql-my-blog@g2.service"), self.text("/etc/silver/mysql/my-blog-g2.cnf"), *self.sql]
        self.assertNotIn("g1", "".join(said))

    def test_above_its_quota_nothing_can_be_added_and_below_it_all_is_as_before(self):
        self.set_up()
        self.sql.clear()
        self.assertEqual(self.measured(100), "open")
        self.assertEqual(self.sql, [])
        self.assertEqual(self.measured(101), "read-only")
        self.assertIn(
            f"REVOKE {database.WRITING} ON `my\\_blog\\_g1`.* FROM `site-my-blog`@localhost;\nKILL USER `site-my-blog`;\n", self.sql[-1]
        )
        self.assertIn("REVOKE ", self.text("/etc/silver/mysql/my-blog-g1.sql"))
        self.assertEqual(mysql.health(self.node, DB), "over its quota: 101 MB of 100 MB; it can only be read")
        self.assertEqual(self.measured(95), "read-only")
        self.assertEqual(self.measured(122), "closed")
        self.assertIn(" ACCOUNT LOCK;\n", self.sql[-1])
        self.assertEqual(self.measured(89), "open")
        self.assertIsNone(mysql.health(self.node, DB))
        self.assertEqual(mysql.size(self.node, DB), 89 * MEGABYTE)

    def test_one_that_does_not_run_is_dealt_with_once_it_does(self):
        self.set_up()
        self.machine.units[UNIT] = "failed"
        self.sql.clear()
        self.assertEqual(self.measured(101), "open")
        self.assertEqual(self.sql, [])
        self.assertEqual(mysql.health(self.node, DB), "not running")
        self.machine.units[UNIT] = "active"
        self.assertEqual(self.measured(101), "read-only")

    def test_a_full_disk_gets_the_room_that_was_spared_and_its_server_comes_back_unable_to_write(self):
        self.set_up()
        spare = self.paths.at(f"{PLACE}/spare")
        self.assertEqual(os.path.getsize(spare), room.SPARE_BYTES)
        self.room.f_bavail = 3
        self.sql.clear()
        self.assertEqual(self.measured(120), "read-only")
        self.assertFalse(os.path.exists(spare))
        # Nobody is asked who may hang.
        self.assertEqual(self.sql, [])
        self.assertIn("REVOKE ", self.text("/etc/silver/mysql/my-blog-g1.sql"))
        killed = f"systemctl kill --signal=SIGKILL {UNIT}"
        self.assertEqual(self.machine.calls.count(killed), 1)
        self.measured(120)
        self.assertEqual(self.machine.calls.count(killed), 1)
        self.room.f_bavail = 100
        self.assertEqual(self.measured(10), "open")
        self.assertTrue(os.path.exists(spare))

    def test_who_is_kept_out_by_silent_connections_closes_the_door_and_waits(self):
        self.set_up()
        directory = self.paths.at(names.directory(DB))
        os.makedirs(directory)
        modes = []
        self.refuses = ["ERROR 1040 (08004): Too many connections"] * 3
        answer = self.mariadb
        self.machine.mariadb = lambda *words, stdin="": modes.append(os.stat(directory).st_mode & 0o777) or answer(*words, stdin=stdin)
        database.ask(self.node, DB, "SELECT 1;")
        self.assertEqual(modes, [0o750, 0o700, 0o700, 0o700])
        self.assertEqual(os.stat(directory).st_mode & 0o777, 0o750)
        self.refuses = ["ERROR 1064 (42000) at line 1: You have an error in your SQL syntax"]
        with self.assertRaises(AgentError) as caught:
            database.ask(self.node, DB, "SELEKT 1;")
        self.assertEqual(len(modes), 5)
        self.assertEqual(caught.exception.log, ["ERROR 1064 (42000) at line 1: You have an error in your SQL syntax"])

    def test_a_door_that_a_killed_agent_left_closed_is_opened_by_the_next_look_but_not_by_one_beside_a_set_up(self):
        self.set_up()
        directory = self.paths.at(names.directory(DB))
        os.makedirs(directory)
        os.chmod(directory, own_server.CLOSED)
        with names.turn(self.node, DB):
            mysql.hold(self.node, DB)
        self.assertEqual(os.stat(directory).st_mode & 0o777, own_server.CLOSED)
        self.measured(10)
        self.assertEqual(os.stat(directory).st_mode & 0o777, own_server.OPEN)

    def test_what_a_server_puts_in_the_place_of_its_spare_room_holds_nobody_up_and_spares_nothing(self):
        self.set_up()
        spare = self.paths.at(volume.spare(PLACE))
        precious = self.paths.at("/etc/precious")
        self.place("/etc/precious", "x")
        for put in (lambda: os.mkfifo(spare), lambda: os.mkdir(spare), lambda: os.symlink(precious, spare)):
            files.clear(spare)
            put()
            self.assertEqual(volume.spared(self.node, PLACE), 0)
            self.measured(10)
            self.assertEqual(os.lstat(spare).st_size, room.SPARE_BYTES)
        self.assertEqual(self.text("/etc/precious"), "x")

    def test_data_that_is_gone_is_never_made_anew(self):
        self.set_up()
        files.remove_tree(self.paths.at(f"{PLACE}/data"))
        with self.assertRaises(AgentError) as caught:
            self.set_up()
        self.assertEqual(caught.exception.message, f"the data of MariaDB is gone: {PLACE}/data")

    def test_a_server_that_could_not_be_made_is_made_by_the_next_attempt(self):
        self.machine.runuser = lambda *words: Done(1, "", "FATAL ERROR: no space")
        with self.assertRaises(AgentError) as caught:
            self.set_up()
        self.assertEqual(caught.exception.log, ["FATAL ERROR: no space"])
        self.machine.runuser = lambda *words: None
        self.set_up()
        self.assertEqual(names.read(self.node, DB)["stage"], "open")

    def test_a_lost_record_is_made_again_and_its_options_are_found_on_the_node(self):
        self.assertIsNone(mysql.found(self.node, DB._replace(options={})))
        self.set_up()
        self.assertEqual(mysql.found(self.node, DB._replace(options={})), {"connections": 60, "bytes": 100 * MEGABYTE})
        for damage in ("", "garbage", json.dumps({"quota": "much"})):
            self.place(f"{PLACE}.json", damage)
            self.assertEqual(names.read(self.node, DB)["stage"], "read-only")
            self.assertEqual(self.measured(10), "open")

    def test_a_disk_that_was_unmounted_comes_back_with_its_server(self):
        self.set_up()
        self.mounted.clear()
        self.machine.units |= {UNIT: "inactive", "srv-silver-my\\x2dblog-data-mysql-g1.mount": "failed"}
        self.assertEqual([change["why"] for change in mysql.hold(self.node, DB)], ["was not mounted"])
        self.assertEqual(self.machine.units[UNIT], "active")

    def test_it_goes_with_its_site_and_its_data_stays(self):
        self.set_up()
        os.makedirs(self.paths.at(names.directory(DB)))
        mysql.remove(self.node, DB)
        self.assertEqual(self.machine.units[UNIT], "inactive")
        left = [path for path in (names.settings(DB), names.statements(DB), names.directory(DB)) if os.path.exists(self.paths.at(path))]
        self.assertEqual(left, [])
        self.assertTrue(mysql.exists(self.node, DB))
        files.remove_tree(self.paths.at(PLACE))
        os.mkdir(self.paths.at(PLACE))
        self.mounted.clear()
        mysql.discard(self.node, DB)
        self.assertFalse(mysql.exists(self.node, DB))

    def test_who_asks_it_as_root_gives_it_no_file_whatever_it_asks_for(self):
        asked = []
        self.machine.mariadb = lambda *words, stdin="": asked.append(words) or self.mariadb(*words, stdin=stdin)
        self.set_up()
        self.assertTrue(asked)
        for words in [*asked, mysql.client(self.node, DB)[1:]]:
            self.assertIn("--local-infile=0", words)

    def test_a_person_at_it_is_the_site(self):
        words = mysql.client(self.node, DB)
        self.assertEqual(words[0], "mariadb")
        self.assertEqual(words[-3:], ["--socket=/run/silver/mysql-my-blog-g1/mysqld.sock", "--user=site-my-blog", "my_blog_g1"])
        self.assertFalse(any(re.search("password", word) for word in words))
