import os
import socket
import threading
import types
from unittest import mock

from support import AgentError, NodeTest

from silver import own_server, volume
from silver.services import Use, memcached, redis
from silver.services.mysql import server as mysql_server
from silver.services.postgres import server
from silver.services.rabbitmq import texts as rabbitmq_texts

MEGABYTE = 1024 * 1024
CACHE = Use("hello", 1, "cache", {"bytes": 64 * MEGABYTE})
QUEUE = Use("hello", 1, "queue", {"bytes": 64 * MEGABYTE, "policy": "noeviction", "disk": 320 * MEGABYTE})
SESSIONS = QUEUE._replace(options={"bytes": 64 * MEGABYTE, "policy": "allkeys-lru", "disk": 0})


class Servers(NodeTest):
    """memcached and Redis are a unit, settings and what their socket says here; what becomes of them is proved on real nodes."""

    def setUp(self):
        super().setUp()
        self.machine.users |= {"site-hello", "site-other"}
        for site in ("hello", "other"):
            os.makedirs(self.paths.site(site))
        self.mounted, self.used, self.said, self.asked = set(), 0, {}, []
        self.place("/dev/loop-control", "")
        setattr(self.machine, "mkfs.ext4", lambda *words: None)
        for target, stand_in in (
            ("silver.volume.os.path.ismount", lambda path: path in self.mounted),
            ("silver.image.own", lambda directory, uid, gid: self.mounted.add(directory)),
            ("silver.image.allocate", lambda path, size: self.allocate(path, size)),
            ("silver.volume.used", lambda directory: self.used),
            ("silver.own_server.ask", self.answer),
        ):
            patched = mock.patch(target, stand_in)
            patched.start()
            self.addCleanup(patched.stop)

    def allocate(self, path, size):
        with open(path, "wb") as file:
            file.truncate(size)

    def answer(self, node, path, question, end):
        self.asked.append(question.decode().split("\r\n")[0])
        if self.said is None:
            return None
        return "".join(f"{name}:{value}\r\n" for name, value in self.said.items()) + "$3\r\nend\r\n"

    def unit_text(self, name):
        return self.text(f"/etc/systemd/system/{name}")

    def starts(self):
        return [call for call in self.machine.calls if call.startswith("systemctl start")]


class EveryServer(NodeTest):
    def test_it_has_time_to_start_where_many_do_at_once(self):
        database = Use("hello", 1, "db", {"bytes": 64 * MEGABYTE, "connections": 20})
        with mock.patch("silver.services.postgres.server.program", lambda node, use, name: f"/usr/bin/{name}"):
            texts = [memcached.unit_text(CACHE), redis.unit_text(QUEUE), redis.unit_text(SESSIONS), server.unit_text(self.node, database)]
        messages = Use("hello", 1, "queue", {"bytes": 64 * MEGABYTE, "memory": 64 * MEGABYTE, "connections": 20})
        texts += [mysql_server.unit_text(database), rabbitmq_texts.unit_text(messages), rabbitmq_texts.proxy_text(messages)]
        for text in texts:
            self.assertIn("\nTimeoutStartSec=15min\n", text)


class Memcached(Servers):
    def test_it_is_made_once_and_runs(self):
        name = "silver-memcached-hello.service"
        changes = memcached.set_up(self.node, CACHE)
        self.assertEqual(changes, [{"what": name, "why": "missing"}, {"what": name, "why": "did not run"}])
        self.assertIn("mc-hello", self.machine.users)
        self.assertEqual(self.machine.units[name], "active")
        self.assertTrue(os.path.islink(self.paths.unit_link(name)))
        self.assertEqual(memcached.set_up(self.node, CACHE), [])
        self.assertEqual(len(self.starts()), 1)

    def test_only_the_site_s_group_reaches_its_socket_and_it_is_held_to_its_memory(self):
        memcached.set_up(self.node, CACHE)
        text = self.unit_text("silver-memcached-hello.service")
        self.assertIn("\nExecStart=/usr/bin/memcached -s /run/silver/memcached-hello/socket -a 0770 -m 64 ", text)
        self.assertIn("\nUser=mc-hello\nGroup=site-hello\nSlice=silver-hello.slice\n", text)
        self.assertIn("\nRuntimeDirectoryMode=0750\n", text)
        self.assertIn(f"\nMemoryMax={128 * MEGABYTE}\n", text)
        self.assertIn("\nRestrictAddressFamilies=AF_UNIX\n", text)
        self.assertNotIn("\nReadWritePaths", text)
        memcached.set_up(self.node, CACHE._replace(site="other"))
        self.assertEqual(self.unit_text("silver-memcached-hello.service"), text)

    def test_more_memory_restarts_it_and_a_lost_unit_does_not(self):
        memcached.set_up(self.node, CACHE)
        os.remove(self.paths.unit("silver-memcached-hello.service"))
        self.assertEqual([change["why"] for change in memcached.set_up(self.node, CACHE)], ["missing"])
        self.assertEqual(len(self.starts()), 1)
        more = CACHE._replace(options={"bytes": 128 * MEGABYTE})
        self.assertEqual(memcached.set_up(self.node, more)[-1]["why"], "its settings changed")
        self.assertEqual(memcached.found(self.node, CACHE), {"bytes": 128 * MEGABYTE})

    def test_one_that_stopped_or_hangs_is_told(self):
        self.assertEqual(memcached.health(self.node, CACHE), "not running")
        self.assertIsNone(memcached.found(self.node, CACHE))
        memcached.set_up(self.node, CACHE)
        self.assertIsNone(memcached.health(self.node, CACHE))
        self.said = None
        self.assertEqual(memcached.health(self.node, CACHE), "not answering")
        self.assertEqual(memcached.size(self.node, CACHE), 0)

    def test_it_goes_with_its_site(self):
        memcached.set_up(self.node, CACHE)
        self.assertEqual([change["what"] for change in memcached.remove(self.node, CACHE)], ["silver-memcached-hello.service"])
        self.assertFalse(os.path.exists(self.paths.unit("silver-memcached-hello.service")))
        self.assertEqual(memcached.remove(self.node, CACHE), [])


class Redis(Servers):
    NAME = "silver-redis-hello@g1.service"
    CONF = "/etc/silver/redis/hello-g1.conf"

    def test_a_cache_keeps_nothing_on_disk(self):
        redis.set_up(self.node, SESSIONS)
        self.assertEqual(redis.set_up(self.node, SESSIONS), [])
        self.assertIn("\nappendonly no\n", self.text(self.CONF))
        self.assertNotIn("\nReadWritePaths", self.unit_text(self.NAME))
        self.assertFalse(os.path.exists(self.paths.at("/srv/silver/hello/data")))
        self.assertIsNone(redis.exists(self.node, SESSIONS))
        self.assertEqual(redis.hold(self.node, SESSIONS), [])
        self.assertEqual(self.asked, [])

    def test_what_it_keeps_has_a_disk_of_its_own(self):
        changes = redis.set_up(self.node, QUEUE)
        image = "/srv/silver/hello/data/redis/g1.img"
        self.assertIn({"what": self.paths.at(image), "why": "a new service"}, changes)
        self.assertEqual(os.path.getsize(self.paths.at(image)), 320 * MEGABYTE)
        self.assertIn("\nappendonly yes\nappendfsync everysec\ndir /srv/silver/hello/data/redis/g1\n", self.text(self.CONF))
        text = self.unit_text(self.NAME)
        self.assertIn("\nRequiresMountsFor=/srv/silver/hello/data/redis/g1\n", text)
        self.assertIn("\nReadWritePaths=/srv/silver/hello/data/redis/g1\n", text)
        self.assertTrue(redis.exists(self.node, QUEUE))
        self.assertEqual(redis.set_up(self.node, QUEUE), [])

    def test_only_the_site_s_group_reaches_its_socket_and_it_is_held_to_its_memory(self):
        redis.set_up(self.node, SESSIONS)
        text, conf = self.unit_text(self.NAME), self.text(self.CONF)
        self.assertIn("\nport 0\nunixsocket /run/silver/redis-hello-g1/socket\nunixsocketperm 770\n", conf)
        self.assertIn(f"\nmaxmemory {64 * MEGABYTE}\nmaxmemory-policy allkeys-lru\n", conf)
        self.assertIn("\nUser=redis-hello\nGroup=site-hello\nSlice=silver-hello.slice\n", text)
        self.assertIn("\nRuntimeDirectoryMode=0750\n", text)
        self.assertIn(f"\nMemoryMax={192 * MEGABYTE}\n", text)
        self.assertIn("\nRestrictAddressFamilies=AF_UNIX\n", text)

    def test_the_site_changes_neither_settings_nor_rights_and_loads_no_code(self):
        redis.set_up(self.node, SESSIONS)
        (rights,) = [line for line in self.text(self.CONF).splitlines() if line.startswith("user ")]
        self.assertIn(" +@all -@admin -@dangerous ", rights)
        for command in ("config", "module", "debug", "replicaof", "slaveof", "save", "bgsave", "shutdown", "acl", "migrate", "restore"):
            self.assertNotRegex(rights, rf"\+{command}\b")

    def test_in_the_second_generation_no_name_is_of_the_first(self):
        redis.set_up(self.node, QUEUE._replace(generation=2))
        said = self.unit_text("silver-redis-hello@g2.service") + self.text("/etc/silver/redis/hello-g2.conf")
        self.assertNotIn("g1", said)

    def test_a_larger_memory_has_a_larger_disk_and_a_smaller_one_the_same(self):
        redis.set_up(self.node, QUEUE)
        with mock.patch.object(volume, "resize", lambda node, place, size: [{"what": place, "why": str(size)}]):
            small = QUEUE._replace(options={**QUEUE.options, "bytes": 16 * MEGABYTE, "disk": 128 * MEGABYTE})
            self.assertNotIn("/srv/silver/hello/data/redis/g1", [change["what"] for change in redis.set_up(self.node, small)])
            large = QUEUE._replace(options={**QUEUE.options, "disk": 576 * MEGABYTE})
            self.assertEqual(redis.set_up(self.node, large)[0]["why"], str(576 * MEGABYTE))

    def test_its_options_are_found_on_the_node(self):
        self.assertIsNone(redis.found(self.node, QUEUE))
        redis.set_up(self.node, SESSIONS)
        self.assertEqual(redis.found(self.node, QUEUE), SESSIONS.options)
        redis.set_up(self.node, QUEUE)
        self.assertEqual(redis.found(self.node, SESSIONS), QUEUE.options)
        os.remove(self.paths.at(self.CONF))
        self.assertEqual(redis.found(self.node, SESSIONS), {"bytes": 80 * MEGABYTE, "policy": "noeviction", "disk": 320 * MEGABYTE})

    def test_one_that_stopped_hangs_or_has_no_disk_left_is_told(self):
        self.assertEqual(redis.health(self.node, QUEUE), "not running")
        redis.set_up(self.node, QUEUE)
        self.said = {"aof_last_write_status": "ok", "used_memory": "4711"}
        self.assertIsNone(redis.health(self.node, QUEUE))
        self.assertEqual(redis.size(self.node, QUEUE), 4711)
        self.said = {"aof_last_write_status": "err"}
        self.assertEqual(redis.health(self.node, QUEUE), "out of disk: it can only be read")
        self.said = None
        self.assertEqual((redis.health(self.node, QUEUE), redis.size(self.node, QUEUE)), ("not answering", 0))

    def test_less_memory_than_it_holds_is_refused_before_anything_is_touched(self):
        redis.set_up(self.node, QUEUE)
        self.said = {"used_memory": str(40 * MEGABYTE), "mem_not_counted_for_evict": "0"}
        small = QUEUE._replace(options={**QUEUE.options, "bytes": 16 * MEGABYTE, "disk": 128 * MEGABYTE})
        before = self.text(self.CONF)
        with self.assertRaises(AgentError) as caught:
            redis.set_up(self.node, small)
        self.assertEqual(caught.exception.message, "the memory of 16 MB is less than Redis holds: 40 MB")
        self.assertEqual(self.text(self.CONF), before)
        # One that holds more than it may all the same is set up again as it is.
        self.said["used_memory"] = str(70 * MEGABYTE)
        self.assertEqual(redis.set_up(self.node, QUEUE), [])
        # A person has accepted that it deletes what no longer fits.
        redis.set_up(self.node, small._replace(options={**small.options, "policy": "allkeys-lru"}))

    def test_one_whose_memory_is_full_and_that_deletes_nothing_is_told(self):
        redis.set_up(self.node, QUEUE)
        full = {"used_memory": str(65 * MEGABYTE), "maxmemory": str(64 * MEGABYTE), "mem_not_counted_for_evict": "0"}
        self.said = full
        self.assertEqual(redis.health(self.node, QUEUE), "out of memory: it can only be read")
        for said in ({"used_memory": str(63 * MEGABYTE)}, {"mem_not_counted_for_evict": str(2 * MEGABYTE)}, {"maxmemory": "0"}):
            self.said = {**full, **said}
            self.assertIsNone(redis.health(self.node, QUEUE))

    def held(self, **said):
        """What the agent asked for when it looked after the disk."""
        self.asked, self.said = [], {"aof_rewrite_in_progress": "0", "aof_last_write_status": "ok", **said}
        self.assertEqual(redis.hold(self.node, QUEUE), [])
        return self.asked[1:]

    def test_its_file_is_rewritten_before_the_disk_is_full_and_when_it_is(self):
        redis.set_up(self.node, QUEUE)
        spare = self.paths.at("/srv/silver/hello/data/redis/g1/spare")
        room = types.SimpleNamespace(f_frsize=MEGABYTE, f_bavail=100)
        with (
            mock.patch("silver.volume.os.statvfs", lambda path: room),
            mock.patch("silver.volume.os.posix_fallocate", lambda fd, start, size: os.truncate(fd, size)),
        ):
            self.assertEqual(self.held(), [])
            self.assertFalse(os.path.exists(spare))
            room.f_bavail = 300
            self.assertEqual(self.held(), [])
            self.assertEqual(os.path.getsize(spare), 80 * MEGABYTE)
            self.used = 240 * MEGABYTE
            self.assertEqual(self.held(), [])
            self.used = 241 * MEGABYTE
            self.assertEqual(self.held(aof_rewrite_in_progress="1"), [])
            self.assertEqual(self.held(), ["BGREWRITEAOF"])
            self.assertEqual(self.held(aof_last_write_status="err"), ["BGREWRITEAOF"])
            self.assertFalse(os.path.exists(spare))

    def test_a_disk_that_was_unmounted_comes_back_with_its_server(self):
        redis.set_up(self.node, QUEUE)
        self.mounted.clear()
        self.machine.units |= {self.NAME: "inactive", "srv-silver-hello-data-redis-g1.mount": "failed"}
        self.assertEqual([change["why"] for change in redis.hold(self.node, QUEUE)], ["was not mounted"])
        self.assertEqual(self.machine.units[self.NAME], "active")

    def test_it_goes_with_its_site_and_its_data_stays(self):
        redis.set_up(self.node, QUEUE)
        redis.remove(self.node, QUEUE)
        self.assertEqual(self.machine.units[self.NAME], "inactive")
        self.assertFalse(os.path.exists(self.paths.at(self.CONF)))
        self.assertTrue(redis.exists(self.node, QUEUE))
        self.mounted.clear()
        redis.discard(self.node, QUEUE)
        self.assertFalse(redis.exists(self.node, QUEUE))

    def test_one_that_does_not_start_is_told_with_its_words_and_stopped(self):
        start = self.machine.start
        self.machine.start = lambda name: self.machine.units.update({name: "failed"}) if "redis" in name else start(name)
        self.machine.journal = ["Bad directive or wrong number of arguments"]
        with self.assertRaises(AgentError) as caught:
            redis.set_up(self.node, SESSIONS)
        self.assertEqual(caught.exception.message, "Redis: silver-redis-hello@g1.service did not start")
        self.assertEqual(caught.exception.log, ["Bad directive or wrong number of arguments"])
        self.assertEqual(self.machine.units[self.NAME], "inactive")


class Asking(NodeTest):
    """A server that somebody broke into says what it likes, as long as it likes."""

    def setUp(self):
        super().setUp()
        self.path = self.paths.at("/s")
        self.server = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.server.close)
        self.server.bind(self.path)
        self.server.listen()

    def ask(self, *parts, close=True):
        def serve():
            connection, _ = self.server.accept()
            with connection:
                connection.recv(100)
                for part in parts:
                    connection.send(part)
                if not close:
                    connection.recv(100)

        thread = threading.Thread(target=serve)
        thread.start()
        self.addCleanup(thread.join)
        with mock.patch.object(own_server, "ANSWER_SECONDS", 0.2):
            return own_server.ask(self.node, "/s", b"stats\r\n", b"END\r\n")

    def test_an_answer_ends_with_its_end(self):
        self.assertEqual(self.ask(b"STAT a 1\r\n", b"EN", b"D\r\n", close=False), "STAT a 1\r\nEND\r\n")

    def test_one_that_breaks_off_hangs_or_never_ends_is_none(self):
        self.assertIsNone(self.ask(b"STAT"))
        self.assertIsNone(self.ask(b"STAT", close=False))
        with mock.patch.object(own_server, "MOST_ANSWER", 8):
            self.assertIsNone(self.ask(b"STAT a 1\r\nSTAT"))

    def test_one_that_does_not_listen_is_none(self):
        os.remove(self.path)
        self.assertIsNone(own_server.ask(self.node, "/s", b"stats\r\n", b"END\r\n"))
