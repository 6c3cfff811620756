import contextlib
import os
import shutil
import stat
from unittest import mock

from support import AgentError, Done, NodeTest

from silver import files, log_files, site_services
from silver.services import Use
from silver.services.postgres import database, names, quota

MEGABYTE = 1024 * 1024
QUOTA = 100 * MEGABYTE


class Databases(NodeTest):
    """PostgreSQL is a size, a role and a setting here; what it makes of them is proved on real nodes."""

    def setUp(self):
        super().setUp()
        self.sizes, self.login, self.reads_only, self.sessions, self.sql = {}, {}, {}, {}, []
        self.machine.runuser = self.runuser
        for site in ("hello", "other"):
            self.machine.units[f"silver-postgres-{site}@g1.service"] = "active"
            os.makedirs(self.paths.at(f"/srv/silver/{site}/data/pg"))
            files.write_json(names.record_path(self.node, self.use(site)), {"version": "15"})
            self.sizes[site], self.login[site], self.reads_only[site], self.sessions[site] = 10 * MEGABYTE, True, False, 0
            self.set_up(site)
        self.sql.clear()

    def use(self, site, size=QUOTA):
        return Use(site, 1, "db", {"bytes": size, "connections": 20})

    def runuser(self, *words, stdin=""):
        site = words[1].removeprefix("pg-")
        if "pg_database_size" in stdin:
            if site not in self.sizes:
                return ""
            return f"{self.sizes[site]}|{'ft'[self.login[site]]}|{'ft'[self.reads_only[site]]}|{self.sessions[site]}\n"
        self.sql.append(stdin)
        setting = f'ALTER ROLE "site-{site}" IN DATABASE "{site}_g1"'
        if f'ALTER ROLE "site-{site}" NOLOGIN;' in stdin:
            self.login[site], self.sessions[site] = False, 0
        if f'ALTER ROLE "site-{site}" LOGIN;' in stdin:
            self.login[site] = True
        if f"{setting} SET default_transaction_read_only = on;" in stdin:
            self.reads_only[site] = True
        if f"{setting} RESET default_transaction_read_only;" in stdin:
            self.reads_only[site] = False

    def set_up(self, site="hello", size=QUOTA):
        use = self.use(site, size)
        files.write_json(self.paths.services(site), [{"type": "postgres", "name": "db", "options": use.options}])
        return quota.begin(self.node, use)

    def record(self, site="hello"):
        return names.read(self.node, self.use(site))

    def measured(self, megabytes, site="hello"):
        """The stage after the database had so many megabytes when it was looked at."""
        self.sizes[site] = megabytes * MEGABYTE
        self.ask("measure")
        return self.record(site)["stage"]

    def over_quota(self, site="hello"):
        return self.site_state(site)["services"][0]["problem"]

    def test_below_its_quota_nothing_is_done(self):
        self.assertEqual(self.measured(100), "open")
        self.assertEqual((self.sql, self.node.told), ([], []))
        self.assertEqual(self.site_state()["services"][0]["bytes"], 100 * MEGABYTE)
        self.assertIsNone(self.over_quota())

    def test_above_it_can_only_be_read_and_is_given_back_well_below(self):
        self.assertEqual(self.measured(101), "read-only")
        self.assertEqual((self.login["hello"], self.reads_only["hello"]), (True, True))
        self.assertEqual(self.over_quota(), "over its quota: 101 MB of 100 MB; it can only be read")
        self.assertEqual(self.measured(95), "read-only")
        self.assertEqual(self.over_quota(), "over its quota: 95 MB of 100 MB; it can only be read")
        self.assertEqual(self.measured(89), "open")
        self.assertEqual((self.login["hello"], self.reads_only["hello"]), (True, False))
        said = [text for site, text in self.node.told if site == "hello"]
        self.assertEqual(
            said,
            ["the database is over its quota: 101 MB of 100 MB; it can only be read", "the database is within its quota of 100 MB again"],
        )

    def test_who_writes_on_can_not_log_in_and_who_wrote_before_may_still_read(self):
        self.assertEqual(self.measured(150), "read-only")
        self.assertEqual(self.measured(170), "read-only")
        self.assertEqual(self.measured(171), "closed")
        self.assertFalse(self.login["hello"])
        self.assertEqual(self.measured(300), "closed")
        self.assertEqual(self.measured(89), "open")
        self.assertEqual((self.login["hello"], self.reads_only["hello"]), (True, False))

    def test_what_an_app_makes_the_server_hold_beside_its_databases_counts(self):
        places = {
            "queries that sort": "base/pgsql_tmp/pgsql_tmp7.0.fileset/o1of2.p0.0",
            "NOTIFY that nobody reads": "pg_notify/0000",
            "locks that many share": "pg_multixact/members/0000",
            "snapshots for other sessions": "pg_snapshots/00000003-0000001B-1",
            "transactions below one that stays open": "pg_subtrans/0000",
            "serializable transactions beside one that stays open": "pg_serial/0000",
            "a text about the database": "global/2846",
            "what a later version of PostgreSQL may have": "pg_later/0000",
        }
        for name, place in places.items():
            with self.subTest(name):
                path = f"/srv/silver/hello/data/pg/g1/{place}"
                self.assertEqual(self.measured(89), "open")
                self.place(path, "x" * 12 * MEGABYTE)
                self.assertEqual(self.measured(89), "read-only")
                os.remove(self.paths.at(path))

    def test_what_the_server_counts_or_bounds_itself_is_not_counted_again(self):
        for place in ("base/16384/2619", "pg_wal/000000010000000000000001"):
            self.place(f"/srv/silver/hello/data/pg/g1/{place}", "x" * 12 * MEGABYTE)
        self.assertEqual(self.measured(100), "open")

    def test_sessions_are_ended_before_the_role_is_changed_and_after(self):
        self.measured(101)
        (words,) = [sql for sql in self.sql if "ALTER ROLE" in sql]
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ('site-hello');"
        self.assertTrue(words.startswith(f"SET lock_timeout = '5s';\n{end}\nALTER ROLE"))
        self.assertIn(f"LOGIN;\n{end}\n", words)

    def test_what_the_role_took_back_is_put_in_force_again(self):
        self.measured(101)
        self.reads_only["hello"] = False
        self.measured(102)
        self.assertTrue(self.reads_only["hello"])
        self.measured(200)
        self.sessions["hello"] = 1
        self.measured(200)
        self.assertEqual(self.sessions["hello"], 0)
        self.assertEqual(len(self.node.told), 2)

    def test_while_it_is_open_what_a_person_did_to_the_role_stays(self):
        self.login["hello"] = False
        self.assertEqual(self.measured(99), "open")
        self.assertFalse(self.login["hello"])

    def test_a_neighbour_is_not_touched(self):
        self.measured(101)
        self.assertFalse([words for words in self.sql if "other" in words])
        self.assertEqual(self.record("other")["stage"], "open")

    def test_a_role_that_can_not_be_changed_keeps_nobody_else_open(self):
        self.sizes["other"] = 200 * MEGABYTE
        answer = self.machine.runuser
        self.machine.runuser = lambda *words, stdin="": (
            Done(3, "", "ERROR: lock timeout") if 'ALTER ROLE "site-hello"' in stdin else answer(*words, stdin=stdin)
        )
        with self.assertRaises(AgentError):
            self.measured(200)
        self.assertEqual(self.record("hello")["stage"], "open")
        self.assertEqual(self.record("other")["stage"], "read-only")

    def flood(self, times, why="sorry, too many clients already"):
        """An app keeps the agent out of its server, until that has come so often. Returns the modes that its socket's directory had."""
        place = self.paths.at(names.socket(self.use("hello")))
        os.makedirs(place)
        os.chmod(place, 0o750)
        answer, modes = self.machine.runuser, []

        def let_in(*words, stdin=""):
            if words[1] == "pg-hello":
                modes.append(stat.S_IMODE(os.stat(place).st_mode))
                if len(modes) <= times:
                    return Done(2, "", f"psql: error: connection failed: FATAL:  {why}")
            return answer(*words, stdin=stdin)

        self.machine.runuser = let_in
        return place, modes

    def test_an_app_that_takes_every_place_in_its_server_is_measured_all_the_same(self):
        place, modes = self.flood(2)
        self.assertEqual(self.measured(200), "read-only")
        self.assertEqual(modes[:3], [0o750, 0o700, 0o700])
        self.assertEqual(set(modes[3:]), {0o750})
        self.assertEqual(stat.S_IMODE(os.stat(place).st_mode), 0o750)

    def test_a_server_that_lets_nobody_in_is_left_open_and_an_error(self):
        place, modes = self.flood(1000)
        self.sizes["other"] = 200 * MEGABYTE
        with mock.patch("silver.own_server.SILENT_SECONDS", 0.1), self.assertRaises(AgentError):
            self.measured(200)
        self.assertEqual(stat.S_IMODE(os.stat(place).st_mode), 0o750)
        self.assertEqual(self.record("other")["stage"], "read-only")

    def test_an_app_that_holds_every_lock_of_its_server_is_not_kept_out_for_it(self):
        _, modes = self.flood(1000, "out of shared memory")
        with self.assertRaises(AgentError):
            self.measured(200)
        self.assertEqual(modes, [0o750])

    def test_a_server_that_a_killed_agent_left_closed_is_opened(self):
        place, _ = self.flood(0)
        os.chmod(place, 0o700)
        self.measured(50)
        self.assertEqual(stat.S_IMODE(os.stat(place).st_mode), 0o750)

    def test_a_raised_quota_holds_at_once_a_kept_one_gives_another_chance(self):
        self.measured(110)
        self.measured(200)
        (change,) = self.set_up()
        self.assertEqual(change["why"], "over its quota: 200 MB of 100 MB; it can only be read")
        self.assertTrue(self.login["hello"])
        self.assertEqual(self.measured(220), "read-only")
        (change,) = self.set_up(size=3 * QUOTA)
        self.assertEqual(change, {"what": "database hello_g1", "why": "its quota is now 300 MB"})
        self.assertFalse(self.reads_only["hello"])
        self.assertEqual(self.set_up(size=3 * QUOTA), [])

    def test_a_quota_below_what_is_used_is_refused_also_the_first_one(self):
        self.sizes["hello"] = 90 * MEGABYTE
        for before in (True, False):
            if not before:
                files.write_json(names.record_path(self.node, self.use("hello")), {"version": "15"})
            with self.assertRaises(AgentError) as caught:
                self.set_up(size=80 * MEGABYTE)
            self.assertEqual(caught.exception.message, "the quota of 80 MB is less than the database uses: 90 MB")
        self.assertEqual(self.sql, [])

    def test_what_a_release_does_wrong_is_told_beside_it(self):
        self.assertEqual(site_services.remark(self.node, "hello"), "")
        self.measured(101)
        self.assertEqual(
            site_services.remark(self.node, "hello"), "; its service db is over its quota: 101 MB of 100 MB; it can only be read"
        )

    def test_a_rollout_s_turn_and_a_server_that_is_down_are_left_alone(self):
        self.sizes["hello"] = 200 * MEGABYTE
        with names.turn(self.node, self.use("hello")):
            self.assertEqual(self.ask("measure"), {"changes": []})
        self.machine.units["silver-postgres-hello@g1.service"] = "failed"
        self.assertEqual(self.ask("measure"), {"changes": []})
        self.assertEqual(self.sql, [])

    def test_a_database_that_a_person_dropped_is_no_failure(self):
        del self.sizes["hello"]
        self.assertEqual(self.ask("measure"), {"changes": []})

    def test_only_root_can_read_or_write_the_record(self):
        self.assertEqual(os.stat(names.record_path(self.node, self.use("hello"))).st_mode & 0o777, 0o600)
        self.assertEqual(self.record()["quota"], QUOTA)

    def test_names_are_quoted(self):
        with mock.patch.object(database, "psql", return_value="") as asked:
            quota.enforce(self.node, self.use("a\"'b"), "closed")
        self.assertIn('ALTER ROLE "site-a""\'b" NOLOGIN;', asked.call_args[0][2])
        self.assertIn("usename IN ('site-a\"''b')", asked.call_args[0][2])


class LogFiles(NodeTest):
    def setUp(self):
        super().setUp()
        self.machine.users.add("site-hello")
        os.makedirs(self.paths.site("hello"))
        self.logs = self.paths.logs("hello")
        os.makedirs(self.logs)
        self.machine.find = self.find
        for name, bound in (("MOST_BYTES", MEGABYTE), ("MOST_FILES", 20), ("MOST_DEPTH", 3)):
            patched = mock.patch.object(log_files, name, bound)
            patched.start()
            self.addCleanup(patched.stop)

    def find(self, *words):
        self.assertEqual(words, ("-P", self.logs, "-xdev", "-mindepth", "1", "-delete"))
        for name in os.listdir(self.logs):
            shutil.rmtree(f"{self.logs}/{name}") if os.path.isdir(f"{self.logs}/{name}") else os.unlink(f"{self.logs}/{name}")

    def log(self, name, kilobytes):
        path = f"{self.logs}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            if kilobytes > 0:
                os.posix_fallocate(file.fileno(), 0, kilobytes * 1024)
        return path

    def sizes(self):
        return {name: os.stat(f"{self.logs}/{name}").st_size // 1024 for name in os.listdir(self.logs)}

    def measure(self):
        return self.ask("measure")["changes"]

    def test_the_largest_are_emptied_until_half_is_free(self):
        for name, kilobytes in (("a", 300), ("b", 400), ("c", 200), ("d", 100)):
            self.log(name, kilobytes)
        self.assertEqual(self.measure(), [])
        self.log("deep/e", 100)
        (change,) = self.measure()
        self.assertEqual(change["why"], "log files of 2 MB, the limit is 1 MB: emptied 'b' and 1 more")
        self.assertEqual(self.node.told, [("hello", change["why"])])
        self.assertEqual({**self.sizes(), "deep": 0}, {"a": 0, "b": 0, "c": 200, "d": 100, "deep": 0})
        self.assertEqual(os.stat(f"{self.logs}/deep/e").st_size, 100 * 1024)

    def test_what_is_allocated_counts_once_a_file(self):
        with open(f"{self.logs}/sparse", "wb") as file:
            file.truncate(1 << 40)
        os.link(self.log("one", 700), f"{self.logs}/two")
        self.assertEqual(self.measure(), [])

    def test_a_link_leads_nowhere(self):
        self.place("/etc/shadow", "precious" * 200_000)
        os.symlink(self.paths.at("/etc/shadow"), f"{self.logs}/large")
        os.symlink(self.paths.at("/etc"), f"{self.logs}/directory")
        os.mkfifo(f"{self.logs}/pipe")
        self.assertEqual(self.measure(), [])
        self.log("own", 1500)
        self.assertEqual(len(self.measure()), 1)
        self.assertEqual(len(self.text("/etc/shadow")), 1_600_000)

    def test_a_link_that_comes_between_the_looks_leads_nowhere(self):
        self.place("/etc/shadow", "precious")
        for path in ("large", "deep/large"):
            self.log(path, 1500)
            scan = log_files.Logs.named

            def then_swap(logs, path=path, scan=scan):
                found = scan(logs)
                first = path.split("/")[0]
                os.rename(f"{self.logs}/{first}", f"{self.logs}/away")
                os.symlink(self.paths.at("/etc/shadow" if first == path else "/etc"), f"{self.logs}/{first}")
                os.path.lexists(f"{self.logs}/{path}") or os.link(self.paths.at("/etc/shadow"), self.paths.at("/etc/large"))
                return found

            with mock.patch.object(log_files.Logs, "named", then_swap):
                self.assertEqual(self.measure(), [])
            self.assertEqual(self.text("/etc/shadow"), "precious")
            shutil.rmtree(f"{self.logs}/away") if os.path.isdir(f"{self.logs}/away") else os.unlink(f"{self.logs}/away")
            os.unlink(f"{self.logs}/{path.split('/')[0]}")

    def test_what_is_another_user_s_is_not_touched(self):
        self.log("large", 1500)
        with mock.patch.object(self.node, "ids", lambda user: (os.geteuid() + 1, 0)):
            self.assertEqual(log_files.hold(self.node, "hello"), [])
        self.assertEqual(self.sizes(), {"large": 1500})

    def test_more_files_or_deeper_ones_than_logs_are_deleted(self):
        for made in ([f"{number}" for number in range(21)], ["a/b/c/d"]):
            for name in made:
                self.log(name, 0)
            (change,) = self.measure()
            self.assertIn("all were deleted", change["why"])
            self.assertEqual(os.listdir(self.logs), [])

    def test_a_directory_that_is_none_is_left_alone(self):
        os.rmdir(self.logs)
        self.assertEqual(self.measure(), [])
        os.symlink(self.paths.at("/etc"), self.logs)
        with contextlib.suppress(FileExistsError):
            os.makedirs(self.paths.at("/etc"))
        self.assertEqual(self.measure(), [])
