import json
import os
import pkgutil
import struct
import types
from unittest import mock

from support import AgentError, Done, NodeTest, ran_as

from silver import files, image, lock, own_server, rendered, services, site_services, state, volume
from silver.services import Use, postgres
from silver.services.postgres import database, names

MEGABYTE = 1024 * 1024
DATABASE = Use("hello", 1, "db", {"connections": 20, "bytes": 32 * MEGABYTE})


class Postgres(NodeTest):
    """The server is a directory, a unit and what psql is asked here; what becomes of them is proved on real nodes."""

    def setUp(self):
        super().setUp()
        self.machine.users |= {"site-hello", "site-other"}
        self.found, self.sql = "", []
        self.machine.runuser = self.runuser
        os.makedirs(self.paths.at("/usr/lib/postgresql/15"))
        os.makedirs(self.paths.at("/usr/lib/postgresql/9"))
        for site in ("hello", "other"):
            os.makedirs(self.paths.site(site))

    def runuser(self, *words, stdin=""):
        (user, group), (program, *rest) = ran_as(words)
        self.assertRegex(f"{user} {group}", r"^pg-(hello|other) site-\1$")
        if program.endswith("/initdb"):
            (directory,) = [word.removeprefix("--pgdata=") for word in rest if word.startswith("--pgdata=")]
            self.assertTrue(directory.endswith(".new"))
            self.place_in(directory)
            return None
        self.assertEqual(program, "/usr/lib/postgresql/15/bin/psql")
        self.assertIn("--dbname=postgres", rest)
        if "pg_database_size" in stdin:
            return f"{8 * MEGABYTE}|t|f|0\n"
        self.sql.append(stdin)
        return self.found if "SELECT" in stdin else ""

    def place_in(self, directory):
        with open(f"{directory}/PG_VERSION", "w") as file:
            file.write("15\n")

    def set_up(self, use=DATABASE):
        return postgres.set_up(self.node, use)

    def settings(self, end, use=DATABASE):
        return self.text(f"{names.settings(use)}{end}")

    def starts(self):
        return [call for call in self.machine.calls if call.startswith("systemctl start")]

    def test_a_server_of_the_site_s_own_is_made_once_and_runs(self):
        made = ["/srv/silver/hello/data/pg/g1", "role site-hello", "database hello_g1"]
        changes = self.set_up()
        self.assertEqual([change["what"] for change in changes if change["why"] == "a new service"], made)
        self.assertIn("pg-hello", self.machine.users)
        self.assertEqual(self.machine.units["silver-postgres-hello@g1.service"], "active")
        self.assertTrue(os.path.islink(self.paths.unit_link("silver-postgres-hello@g1.service")))
        self.found = "role site-hello\ndatabase hello_g1\n"
        self.assertEqual(self.set_up(), [])
        self.assertEqual(len(self.starts()), 1)
        self.assertNotRegex(self.sql[-1], "CREATE|DROP")

    def test_what_a_crash_left_half_made_is_made_anew(self):
        half = self.paths.at("/srv/silver/hello/data/pg/g1.new")
        os.makedirs(half)
        self.place_in(half)
        self.assertIn({"what": "/srv/silver/hello/data/pg/g1", "why": "a new service"}, self.set_up())
        self.assertFalse(os.path.exists(half))
        self.found = "role site-hello\n"
        self.assertIn({"what": "database hello_g1", "why": "a new service"}, self.set_up())

    def test_only_the_agent_and_the_site_get_in_each_to_one_database_and_by_their_unix_user(self):
        self.set_up()
        rules = [line for line in self.settings(".hba").splitlines() if not line.startswith("#")]
        self.assertEqual(rules, ["local postgres postgres peer map=agent", "local hello_g1 site-hello peer", "local all all reject"])
        self.assertIn("\nagent pg-hello postgres\n", self.settings(".ident"))
        self.assertIn("\nlisten_addresses = ''\n", self.settings(".conf"))
        made = self.sql[1]
        self.assertIn('CREATE ROLE "site-hello" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;', made)
        self.assertIn('ALTER ROLE "site-hello" CONNECTION LIMIT 20;', made)
        for shared in ("postgres", "template1"):
            self.assertIn(f'REVOKE ALL ON DATABASE "{shared}" FROM PUBLIC;', made)

    def test_its_user_is_not_the_site_s_and_nothing_of_it_is_another_site_s(self):
        self.set_up()
        unit_text = self.text("/etc/systemd/system/silver-postgres-hello@g1.service")
        self.assertIn("\nUser=pg-hello\nGroup=site-hello\n", unit_text)
        self.assertIn("\nReadWritePaths=/srv/silver/hello/data/pg/g1\n", unit_text)
        self.assertIn("\nRestrictAddressFamilies=AF_UNIX\n", unit_text)
        self.assertIn(f"\nMemoryMax={1088 * MEGABYTE}\nTasksMax=96\n", unit_text)
        self.assertIn("\nSlice=silver-hello.slice\n", unit_text)
        self.assertEqual(os.stat(self.paths.at("/srv/silver/hello/data/pg/g1")).st_mode & 0o777, 0o700)
        before = self.text("/etc/systemd/system/silver-postgres-hello@g1.service") + self.settings(".conf")
        other = DATABASE._replace(site="other")
        self.set_up(other)
        self.assertEqual(self.text("/etc/systemd/system/silver-postgres-hello@g1.service") + self.settings(".conf"), before)
        self.assertNotIn("hello", self.settings(".conf", other) + self.settings(".hba", other) + self.sql[-1])

    def test_in_the_second_generation_no_name_is_of_the_first(self):
        second = DATABASE._replace(generation=2)
        self.set_up(second)
        unit_text = self.text("/etc/systemd/system/silver-postgres-hello@g2.service")
        self.assertNotRegex(unit_text + self.settings(".conf", second) + self.settings(".hba", second) + "".join(self.sql), "g1")
        self.assertEqual(sorted(os.listdir(self.paths.at("/srv/silver/hello/data/pg"))), ["g2", "g2.json"])

    def test_room_for_sessions_grows_by_doubling_and_only_that_restarts_the_server(self):
        def asked(connections):
            self.set_up(DATABASE._replace(options={**DATABASE.options, "connections": connections}))
            return self.settings(".conf")

        self.assertIn("\nmax_connections = 64\n", asked(36))
        self.assertIn("\nmax_connections = 64\n", asked(61))
        self.assertEqual(len(self.starts()), 1)
        self.assertIn("CONNECTION LIMIT 61;", self.sql[-1])
        self.assertIn("\nmax_connections = 128\n", asked(62))
        self.assertEqual(len(self.starts()), 2)

    def test_a_hyphen_of_a_site_is_not_one_of_a_slice(self):
        self.assertEqual(own_server.slice_name("a-b"), "silver-a\\x2db.slice")

    def test_the_words_go_by_stdin_and_names_are_quoted(self):
        self.set_up()
        self.assertFalse([call for call in self.machine.calls if "psql" in call and "hello_g1" in call])
        self.assertEqual(database.name('a"; DROP'), '"a""; DROP"')
        self.assertEqual(database.value("a'; DROP"), "'a''; DROP'")

    def test_a_server_that_does_not_start_is_told_with_its_words_and_stopped(self):
        start = self.machine.start
        self.machine.start = lambda name: self.machine.units.update({name: "failed"}) if "postgres" in name else start(name)
        self.machine.journal = ['FATAL: configuration file "x" contains errors']
        with self.assertRaises(AgentError) as caught:
            self.set_up()
        self.assertEqual(caught.exception.code, "service")
        self.assertEqual(caught.exception.message, "PostgreSQL: silver-postgres-hello@g1.service did not start")
        self.assertEqual(caught.exception.log, ['FATAL: configuration file "x" contains errors'])
        self.assertEqual(self.machine.units["silver-postgres-hello@g1.service"], "inactive")
        self.assertEqual(self.sql, [])

    def test_a_server_that_can_not_be_made_leaves_nothing(self):
        self.machine.runuser = lambda *words, stdin="": Done(1, "", "initdb: error: No space left on device")
        with self.assertRaises(AgentError) as caught:
            self.set_up()
        self.assertEqual(caught.exception.log, ["initdb: error: No space left on device"])
        self.assertEqual(os.listdir(self.paths.at("/srv/silver/hello/data/pg")), [])

    def test_one_that_has_stopped_is_told(self):
        self.set_up()
        self.assertIsNone(postgres.health(self.node, DATABASE))
        self.machine.units["silver-postgres-hello@g1.service"] = "failed"
        self.assertEqual(postgres.health(self.node, DATABASE), "not running")

    def test_no_cluster_comes_with_the_package_and_an_administrator_s_decision_stays(self):
        postgres.before_install(self.node)
        self.assertIn("\ncreate_main_cluster = false\n", self.text(postgres.NO_CLUSTER))
        os.unlink(self.paths.at(postgres.NO_CLUSTER))
        self.machine.packages.add("postgresql-common")
        postgres.before_install(self.node)
        self.assertFalse(os.path.exists(self.paths.at(postgres.NO_CLUSTER)))

    def test_when_its_site_is_removed_it_stops_and_its_data_stays(self):
        self.set_up()
        self.assertEqual([change["what"] for change in postgres.remove(self.node, DATABASE)], ["silver-postgres-hello@g1.service"])
        self.assertEqual(self.machine.units["silver-postgres-hello@g1.service"], "inactive")
        self.assertTrue(os.path.isdir(self.paths.at("/srv/silver/hello/data/pg/g1")))
        self.found = "role site-hello\ndatabase hello_g1\n"
        self.assertNotIn("a new service", [change["why"] for change in self.set_up()])


class Quota(NodeTest):
    """The loop device and the file system are numbers here; what they do is proved on real nodes."""

    def setUp(self):
        super().setUp()
        self.machine.users.add("site-hello")
        self.place("/dev/loop-control", "")
        os.makedirs(self.paths.site("hello"), exist_ok=True)
        self.used, self.reserved, self.blocks = 0, 0, 0
        self.image = self.paths.at("/srv/silver/hello/data/g1.img")
        setattr(self.machine, "mkfs.ext4", self.make)
        self.machine.losetup = lambda *words: "/dev/loop0\n"
        self.machine.resize2fs = self.grow
        self.machine.tune2fs = lambda *words: setattr(self, "reserved", int(words[1]))
        for target, stand_in in (
            ("silver.volume.superblock", lambda image: (4096, self.blocks, self.reserved)),
            ("silver.image.own", lambda *words: None),
            ("silver.volume.os.statvfs", self.room),
        ):
            patched = mock.patch(target, stand_in)
            patched.start()
            self.addCleanup(patched.stop)

    def make(self, *words):
        self.blocks = os.stat(words[-1]).st_size // 4096

    def grow(self, device):
        self.blocks = os.stat(self.image).st_size // 4096

    def room(self, path):
        if path.endswith("/g1"):
            return types.SimpleNamespace(f_frsize=1, f_blocks=self.blocks * 4096, f_bfree=self.blocks * 4096 - self.used)
        return types.SimpleNamespace(f_frsize=MEGABYTE, f_bavail=1024)

    def set_up(self, megabytes):
        return services.of("files").set_up(self.node, Use("hello", 1, "files", {"bytes": megabytes * MEGABYTE}))

    def refused(self, megabytes):
        with self.assertRaises(AgentError) as caught:
            self.set_up(megabytes)
        return caught.exception

    def test_an_image_takes_its_space_at_once_and_comes_back_after_a_boot(self):
        self.assertEqual([change["why"] for change in self.set_up(32)], ["a new service", "missing"])
        self.assertEqual(os.stat(self.image).st_size, 32 * MEGABYTE)
        self.assertGreaterEqual(os.stat(self.image).st_blocks * 512, 32 * MEGABYTE)
        name = "srv-silver-hello-data-g1.mount"
        self.assertEqual(self.machine.units[name], "active")
        self.assertTrue(os.path.islink(self.paths.unit_link(name)))
        self.assertIn("Options=loop,nodev,nosuid,noexec\n", self.text(f"/etc/systemd/system/{name}"))
        self.assertEqual(self.set_up(32), [])

    def test_one_that_was_unmounted_comes_back_unless_somebody_has_put_it_away(self):
        self.set_up(32)
        use, name = Use("hello", 1, "files", {"bytes": 32 * MEGABYTE}), "srv-silver-hello-data-g1.mount"
        self.assertEqual(services.of("files").hold(self.node, use), [])
        self.machine.units[name] = "failed"
        self.assertEqual(services.of("files").hold(self.node, use), [{"what": name, "why": "was not mounted"}])
        self.assertEqual(self.machine.units[name], "active")
        self.machine.units[name] = "inactive"
        os.unlink(self.paths.unit_link(name))
        self.assertEqual(services.of("files").hold(self.node, use), [])
        self.assertEqual(self.machine.units[name], "inactive")

    def test_a_hyphen_is_escaped_as_systemd_demands(self):
        self.assertEqual(image.unit_name("/srv/silver/a-b/data/g1"), "srv-silver-a\\x2db-data-g1.mount")

    def test_it_grows_in_use_also_when_a_crash_stopped_it_before(self):
        self.set_up(32)
        self.assertIn("its quota is now 64 MB", self.set_up(64)[0]["why"])
        self.assertEqual(self.blocks * 4096, 64 * MEGABYTE)
        image.allocate(self.image, 96 * MEGABYTE)
        self.set_up(96)
        self.assertEqual(self.blocks * 4096, 96 * MEGABYTE)

    def test_what_can_not_grow_is_as_it_was(self):
        self.set_up(32)
        self.machine.resize2fs = lambda *words: Done(1, "", "resize2fs: Permission denied to resize filesystem")
        refused = self.refused(64)
        self.assertEqual(refused.message, "the quota can't be raised to 64 MB while the files are in use")
        self.assertEqual(refused.log, ["resize2fs: Permission denied to resize filesystem"])
        self.assertEqual(os.stat(self.image).st_size, 32 * MEGABYTE)
        self.assertEqual(self.set_up(32), [])

    def test_a_lower_quota_keeps_the_rest_back_down_to_half(self):
        self.set_up(64)
        self.set_up(40)
        self.assertEqual(self.reserved * 4096, 24 * MEGABYTE)
        self.set_up(64)
        self.assertEqual(self.reserved, 0)
        self.assertEqual(self.refused(16).fix, "write 32M or more")

    def test_below_what_is_used_nothing_changes(self):
        self.set_up(64)
        self.used = 41 * MEGABYTE - 1
        refused = self.refused(40)
        self.assertEqual((refused.code, refused.message), ("service", "the quota of 40 MB is less than the files use: 41 MB"))
        self.assertEqual(self.reserved, 0)

    def test_more_than_the_node_has_is_refused_before_anything_is_made(self):
        refused = self.refused(2048)
        self.assertEqual(refused.code, "no-space")
        self.assertIn("needs 2048 MB more on this node, and 768 MB are free", refused.message)
        self.assertEqual(os.listdir(os.path.dirname(self.image)), ["g1"])

    def test_a_node_without_loop_devices_says_so(self):
        os.unlink(self.paths.at("/dev/loop-control"))
        self.assertIn("no loop devices", self.refused(32).message)


class Superblock(NodeTest):
    def test_it_is_read_as_ext4_lays_it_out(self):
        data = bytearray(4096)
        struct.pack_into("<II", data, 1024 + 4, 8192, 100)
        struct.pack_into("<I", data, 1024 + 24, 2)
        struct.pack_into("<II", data, 1024 + 0x150, 1, 0)
        path = self.paths.at("/image")
        with open(path, "wb") as file:
            file.write(data)
        self.assertEqual(volume.superblock(path), (4096, (1 << 32) + 8192, 100))


# Every type: what it is told, what fills the placeholders of its variables in the second data generation, what a release waits for.
TYPES = {
    "postgres": {
        "options": {"bytes": 32 * MEGABYTE, "connections": 20},
        "values": {"DATABASE": "my_blog_g2", "USER": "site-my-blog", "SOCKET": "/run/silver/pg-my-blog-g2", "PORT": "5432"},
        "needs": ["Wants=silver-postgres-my-blog@g2.service", "After=silver-postgres-my-blog@g2.service"],
    },
    "postgis": {
        "options": {"bytes": 32 * MEGABYTE, "connections": 20},
        "values": {"DATABASE": "my_blog_g2", "USER": "site-my-blog", "SOCKET": "/run/silver/pg-my-blog-g2", "PORT": "5432"},
        "needs": ["Wants=silver-postgres-my-blog@g2.service", "After=silver-postgres-my-blog@g2.service"],
    },
    "mysql": {
        "options": {"bytes": 32 * MEGABYTE, "connections": 20},
        "values": {"DATABASE": "my_blog_g2", "USER": "site-my-blog", "SOCKET": "/run/silver/mysql-my-blog-g2/mysqld.sock"},
        "needs": ["Wants=silver-mysql-my-blog@g2.service", "After=silver-mysql-my-blog@g2.service"],
    },
    "files": {
        "options": {"bytes": 32 * MEGABYTE},
        "values": {"DIRECTORY": "/srv/silver/my-blog/data/g2"},
        "needs": ["RequiresMountsFor=/srv/silver/my-blog/data/g2"],
    },
    "writable_root": {
        "options": {"bytes": 32 * MEGABYTE},
        "values": {"DIRECTORY": "/srv/silver/my-blog/data/web/g2"},
        "needs": ["RequiresMountsFor=/srv/silver/my-blog/data/web/g2"],
    },
    "redis": {
        "options": {"bytes": 32 * MEGABYTE, "policy": "noeviction", "disk": 192 * MEGABYTE},
        "values": {"SOCKET": "/run/silver/redis-my-blog-g2/socket"},
        "needs": ["Wants=silver-redis-my-blog@g2.service", "After=silver-redis-my-blog@g2.service"],
    },
    "memcached": {
        "options": {"bytes": 32 * MEGABYTE},
        "values": {"SOCKET": "/run/silver/memcached-my-blog/socket"},
        "needs": ["Wants=silver-memcached-my-blog.service", "After=silver-memcached-my-blog.service"],
    },
    "rabbitmq": {
        "options": {"bytes": 32 * MEGABYTE, "memory": 64 * MEGABYTE, "connections": 20},
        # Its address and password are the node's: before a set-up it has none.
        "values": {"ADDRESS": "", "PORT": "", "VHOST": "my-blog", "USER": "site-my-blog", "PASSWORD": ""},
        "needs": [
            *("Wants=silver-rabbitmq-my-blog@g2.service", "After=silver-rabbitmq-my-blog@g2.service"),
            *("Wants=silver-rabbitmqproxy-my-blog@g2.socket", "After=silver-rabbitmqproxy-my-blog@g2.socket"),
        ],
    },
}


class EveryType(NodeTest):
    def test_each_module_is_in_this_table_and_keeps_the_interface(self):
        modules = {module.name for module in pkgutil.iter_modules(services.__path__)}
        # What somebody else runs has tests of its own.
        self.assertEqual(modules - {"external"}, set(TYPES))
        for name in TYPES:
            for function in ("set_up", "values", "needs", "size", "health", "remove"):
                self.assertTrue(callable(getattr(services.of(name), function)), f"{name}.{function}")

    def test_names_and_places_follow_from_the_site_and_its_data_generation(self):
        for name, expected in TYPES.items():
            with self.subTest(name):
                use = Use("my-blog", 2, "data", expected["options"])
                self.assertEqual(services.of(name).values(self.node, use), expected["values"])
                self.assertEqual(services.of(name).needs(self.node, use), expected["needs"])


class InARollout(NodeTest):
    """Services are set up before a release is prepared, and passed to it beside its own values."""

    def setUp(self):
        super().setUp()
        self.converge()
        self.machine.available |= {"postgresql", "e2fsprogs"}
        self.made = []
        for name in TYPES:
            kind = services.of(name)
            patched = mock.patch.object(kind, "set_up", lambda node, use, kind=kind: self.made.append((use, kind.values(node, use))) or [])
            patched.start()
            self.addCleanup(patched.stop)
        self.app_text = self.app()
        self.release_ = self.release(self.app_text)
        self.held = self.lease(self.release_)

    def wanted(self, kind, **variables):
        packages = {"postgres": "postgresql", "files": "e2fsprogs"}.get(kind, kind)
        return {"type": kind, "name": kind, "packages": [packages], "options": TYPES[kind]["options"], "variables": variables}

    def set_up_services(self, *wanted):
        return self.ask("set-up", **self.held, services=list(wanted))

    def bring(self, **bound):
        self.upload(self.held, self.release_, self.app_text)
        words = {"release": self.release_, "listing": self.listing(self.app_text), "secrets": {}, "startSeconds": 5}
        return self.ask("prepare", **self.held, **words, bound=bound)["changes"]

    def environ(self):
        return json.loads(self.text(f"/srv/silver/hello/releases/{self.release_['id']}/environ.json"))

    def test_packages_then_services_then_where_they_are(self):
        done = self.set_up_services(self.wanted("postgres", CONFIG_PG_DBNAME="@DATABASE@", CONFIG_PG_URL="//@USER@@/@DATABASE@"))
        self.assertIn("postgresql", self.machine.packages)
        use = Use("hello", 1, "postgres", TYPES["postgres"]["options"], "postgres", self.release_["id"])
        self.assertEqual([each for each, _ in self.made], [use])
        self.assertEqual(done["variables"], {"CONFIG_PG_DBNAME": "hello_g1", "CONFIG_PG_URL": "//site-hello@/hello_g1"})
        self.assertEqual([change["what"] for change in self.set_up_services(self.wanted("postgres"))["changes"]], [])

    def test_two_sites_prepare_the_node_for_a_type_one_after_the_other(self):
        alone = []

        def before_install(node):
            with lock.shared(node, "services", wait=False) as free:
                alone.append(not free)

        with mock.patch.object(postgres, "before_install", before_install):
            self.set_up_services(self.wanted("postgres"))
        self.assertEqual(alone, [True])

    def test_in_the_second_data_generation_all_of_it_has_names_of_the_second(self):
        state.change(self.node, "hello", generation=2)
        wanted = (self.wanted("files", CONFIG_FILES="@DIRECTORY@"), self.wanted("postgres", CONFIG_PG_DBNAME="@DATABASE@"))
        done = self.set_up_services(*wanted)
        self.assertEqual({use.generation for use, _ in self.made}, {2})
        self.assertEqual(done["variables"], {"CONFIG_FILES": "/srv/silver/hello/data/g2", "CONFIG_PG_DBNAME": "hello_g2"})
        self.bring(**done["variables"])
        self.assertEqual(self.environ()["CONFIG_FILES"], "/srv/silver/hello/data/g2")
        self.assertIn("RequiresMountsFor=/srv/silver/hello/data/g2\n", self.text("/etc/systemd/system/silver-data-hello.target"))
        self.ask("flip", **self.held, release=self.release_["id"], last=True)
        self.assertEqual(self.finish(self.held, self.release_)["live"], self.release_["id"])
        self.assertNotIn("g1", self.text("/srv/silver/hello/services.json") + self.text("/etc/systemd/system/silver-data-hello.target"))

    def test_apache_is_told_of_the_writable_root_of_the_current_generation(self):
        record = {**self.release_, "files": [{"path": "conf/apache.conf", "mode": "0644", "content": "@WRITABLE@"}]}
        for generation in (1, 2):
            state.change(self.node, "hello", generation=generation)
            content, _, _ = rendered.of(self.node, record)["conf/apache.conf"]
            self.assertEqual(content, f"/srv/silver/hello/data/web/g{generation}")

    def test_a_release_that_stands_already_is_told_where_its_services_are_now(self):
        self.bring(CONFIG_PG_HOST="/run/silver/pg-hello-g1")
        self.ask("flip", **self.held, release=self.release_["id"], last=True)
        self.finish(self.held, self.release_)
        self.held = self.lease(self.release_)
        self.assertEqual(self.bring(CONFIG_PG_HOST="/run/silver/pg-hello-g1"), [])
        (change,) = self.bring(CONFIG_PG_HOST="db.acme.net")
        self.assertTrue(change["what"].endswith("environ.json"))
        self.assertEqual(self.environ()["CONFIG_PG_HOST"], "db.acme.net")
        self.assertEqual(self.environ()["GREETING"], "hi")

    def test_what_it_is_told_is_checked_before_anything_is_touched(self):
        right = self.wanted("postgres")
        for wrong, said in (
            ({**right, "type": "oracle"}, "services[0].type: should be one of"),
            ({**right, "name": "../other"}, "should be a service's name"),
            ({**right, "options": {"bytes": 1}}, "'connections' is missing"),
            ({**right, "database": "other_g1"}, "unknown key 'database'"),
        ):
            self.assertIn(said, self.refused("usage", "set-up", **self.held, services=[wrong]).message)
        self.assertEqual(self.made, [])
        self.assertIn(
            "no service provides @NOTHING@",
            self.refused("usage", "set-up", **self.held, services=[self.wanted("files", X="@NOTHING@")]).message,
        )

    def test_what_is_wrong_with_a_service_is_told_with_the_site_and_with_its_releases(self):
        self.set_up_services(self.wanted("files"))
        self.assertEqual(
            self.site_state()["services"],
            [{"name": "files", "type": "files", "bytes": 0, "limit": 32 * MEGABYTE, "problem": "not mounted"}],
        )
        self.assertEqual(site_services.remark(self.node, "hello"), "; its service files is not mounted")
        self.assertEqual(site_services.remark(self.node, "none"), "")

    def test_what_a_site_no_longer_asks_for_is_still_looked_after(self):
        self.set_up_services(self.wanted("files"), self.wanted("postgres"))
        self.set_up_services({**self.wanted("files"), "name": "uploads"})
        self.assertEqual([use.name for _, use in site_services.uses(self.node, "hello")], ["uploads", "postgres"])
        self.assertEqual([use.name for use, _ in self.made], ["files", "postgres", "uploads"])

    def make_data(self):
        """What set-up would have made: it is stood in for here."""
        self.set_up_services(self.wanted("files"), self.wanted("postgres"))
        os.makedirs(self.paths.at("/srv/silver/hello/data/g1"))
        self.place("/srv/silver/hello/data/g1.img", "data")
        self.place("/srv/silver/hello/data/pg/g1/PG_VERSION", "15")
        self.place("/srv/silver/hello/data/pg/g1.json", json.dumps({"version": "15"}))
        for name in ("srv-silver-hello-data-g1.mount", "silver-postgres-hello@g1.service"):
            self.place(f"/etc/systemd/system/{name}", "x")
            self.machine.units[name] = "active"

    def left(self):
        """What is there of its services."""
        places = ("data/g1", "data/g1.img", "data/pg/g1", "data/pg/g1.json", "services.json")
        units = ("srv-silver-hello-data-g1.mount", "silver-postgres-hello@g1.service", "silver-data-hello.target")
        found = [place for place in places if os.path.exists(self.paths.at(f"/srv/silver/hello/{place}"))]
        return found + [name for name in units if os.path.exists(self.paths.unit(name)) or self.machine.units.get(name) == "active"]

    def test_a_first_rollout_that_fails_leaves_nothing_of_its_services(self):
        for fail in ("undo", "the session ends", "the agent dies"):
            with self.subTest(fail):
                self.make_data()
                self.assertEqual(len(self.left()), 8)
                if fail == "undo":
                    self.bring()
                    self.ask("undo", **self.held, reason="it failed")
                    self.finish(self.held, self.release_, "reverted", "it failed")
                elif fail == "the session ends":
                    self.session.end()
                else:
                    self.die()
                self.held = self.lease(self.release_)
                self.assertEqual(self.left(), [])

    def test_one_that_served_for_a_moment_leaves_nothing_either(self):
        self.make_data()
        self.bring()
        self.ask("flip", **self.held, release=self.release_["id"], last=False)
        self.ask("undo", **self.held, reason="the watch failed")
        self.assertEqual(self.left(), [])

    def test_data_that_was_there_before_or_has_served_is_never_taken_back(self):
        self.make_data()
        self.bring()
        self.ask("flip", **self.held, release=self.release_["id"], last=True)
        self.finish(self.held, self.release_)
        self.assertNotIn("isNew", self.text("/srv/silver/hello/services.json"))
        self.held = self.lease(self.release_)
        self.ask("undo", **self.held, reason="the next one failed")
        self.assertEqual(len(self.left()), 8)
        self.ask("remove", **self.held)
        # It comes back, and fails.
        self.set_up_services(self.wanted("files"), self.wanted("postgres"))
        self.ask("undo", **self.held, reason="it failed")
        self.assertEqual(self.left()[:4], ["data/g1", "data/g1.img", "data/pg/g1", "data/pg/g1.json"])
        # The record of what serves is lost.
        files.write_json(self.paths.services("hello"), [{**self.wanted("files"), "isNew": True}])
        os.remove(self.paths.state("hello"))
        self.ask("undo", **self.held, reason="it failed")
        self.assertIn("data/g1.img", self.left())

    def test_a_site_that_is_removed_leaves_its_data_alone(self):
        self.set_up_services(self.wanted("files"))
        self.bring()
        self.ask("flip", **self.held, release=self.release_["id"], last=True)
        self.finish(self.held, self.release_)
        self.place("/srv/silver/hello/data/g1.img", "data")
        self.held = self.lease(self.release_)
        self.ask("remove", **self.held)
        self.assertEqual(self.text("/srv/silver/hello/data/g1.img"), "data")
        self.assertFalse(os.path.exists(self.paths.unit("silver-data-hello.target")))
        self.assertIsNone(files.read_json(self.paths.services("hello")))
