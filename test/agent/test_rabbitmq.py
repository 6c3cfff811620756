import base64
import hashlib
import json
import os
import re
import socket
import threading
from unittest import mock

from support import AgentError
from test_servers import MEGABYTE, Servers

from silver import addresses, files, volume
from silver.services import Use, rabbitmq
from silver.services.rabbitmq import login, names

QUEUE = Use("my-blog", 1, "queue", {"bytes": 64 * MEGABYTE, "memory": 224 * MEGABYTE, "connections": 20})
PLACE = "/srv/silver/my-blog/data/rabbitmq/g1"
UNIT = "silver-rabbitmq-my-blog@g1.service"
PROXY = "silver-rabbitmqproxy-my-blog@g1.service"
SOCKET = "silver-rabbitmqproxy-my-blog@g1.socket"
# The first bytes of what RabbitMQ 3.12 answers.
START = b"\1\0\0\0\0\1\xf4\0\x0a\0\x0a\0\x09"


class RabbitMQ(Servers):
    """A file system, units and settings here; what RabbitMQ makes of them is proved on real nodes."""

    def setUp(self):
        super().setUp()
        self.machine.users |= {"site-my-blog", "root"}
        os.makedirs(self.paths.site("my-blog"))
        self.greets = True
        for target, stand_in in (
            ("silver.volume.free", lambda node, place: 256 * MEGABYTE - self.used),
            ("silver.services.rabbitmq.greets", lambda node, use: self.greets),
        ):
            patched = mock.patch(target, stand_in)
            patched.start()
            self.addCleanup(patched.stop)

    def set_up(self, use=QUEUE, **options):
        return rabbitmq.set_up(self.node, use._replace(options={**use.options, **options}))

    def conf(self, end="conf"):
        return self.text(f"/etc/silver/rabbitmq/my-blog-g1.{end}")

    def test_it_is_made_once_and_runs(self):
        changes = self.set_up()
        self.assertIn({"what": self.paths.at(f"{PLACE}.img"), "why": "a new service"}, changes)
        self.assertEqual({self.machine.units[name] for name in (UNIT, SOCKET)}, {"active"})
        self.assertIn("mq-my-blog", self.machine.users)
        before = [self.conf(end) for end in ("conf", "json", "plugins")]
        self.assertEqual(self.set_up(), [])
        self.assertEqual([self.conf(end) for end in ("conf", "json", "plugins")], before)
        self.assertEqual(self.starts()[1:], [f"systemctl start --no-block {name}" for name in (UNIT, SOCKET)])

    def test_the_site_has_a_virtual_host_and_a_password_that_root_alone_keeps(self):
        self.set_up()
        told = rabbitmq.values(self.node, QUEUE)
        self.assertEqual(
            told | {"PASSWORD": ""}, {"ADDRESS": "127.65.0.1", "PORT": 20001, "VHOST": "my-blog", "USER": "site-my-blog", "PASSWORD": ""}
        )
        kept = self.paths.at(f"{PLACE}.login.json")
        self.assertEqual((files.read_json(kept), os.stat(kept).st_mode & 0o777), ({"password": told["PASSWORD"]}, 0o600))
        made = json.loads(self.conf("json"))
        self.assertEqual(
            ([each["name"] for each in made["vhosts"]], [each["name"] for each in made["users"]]), (["my-blog"], ["site-my-blog"])
        )
        self.assertEqual([(each["user"], each["vhost"]) for each in made["permissions"]], [("site-my-blog", "my-blog")])
        self.assertEqual(made["users"][0]["tags"], "")
        self.assertNotIn(told["PASSWORD"], self.conf("json") + self.conf() + self.unit_text(UNIT) + self.unit_text(PROXY))
        data = base64.b64decode(made["users"][0]["password_hash"])
        self.assertEqual(data[4:], hashlib.sha256(data[:4] + told["PASSWORD"].encode()).digest())
        self.assertEqual(os.stat(self.paths.at("/etc/silver/rabbitmq/my-blog-g1.json")).st_mode & 0o777, 0o640)

    def test_no_unit_of_a_site_has_the_name_of_another_site_s_whatever_the_sites_are_called(self):
        named = lambda use: {names.service(use), *(names.proxy(use, end) for end in ("service", "socket"))}  # noqa: E731
        # A site may be called as the rest of any unit's name.
        others = {word for name in named(QUEUE) for word in re.findall(r"(?<=-)(?=([a-z0-9-]+@))", name)}
        for other in sorted(word.removesuffix("@") for word in others):
            if other != QUEUE.site:
                self.assertEqual(named(QUEUE) & named(QUEUE._replace(site=other)), set(), other)

    def test_two_passwords_have_two_salts(self):
        self.assertNotEqual(base64.b64decode(login.digest("a"))[:4], base64.b64decode(login.digest("b"))[:4])

    def test_a_lost_password_is_the_one_that_a_release_has(self):
        self.set_up()
        known = {"CONFIG_RABBITMQ_USER": "site-my-blog", "CONFIG_RABBITMQ_PASSWORD": "known", "CONFIG_RABBITMQ_HOST": "127.65.0.1"}
        self.place("/srv/silver/my-blog/releases/r/environ.json", json.dumps(known))
        files.remove(login.path(self.node, QUEUE))
        self.assertEqual(login.password(self.node, QUEUE), "known")
        self.assertEqual(files.read_json(login.path(self.node, QUEUE)), {"password": "known"})

    def test_it_is_alone_in_its_network_and_its_proxy_is_the_site_s(self):
        self.set_up()
        text, proxy = self.unit_text(UNIT), self.unit_text(PROXY)
        for each in (text, proxy):
            self.assertIn("\nPrivateNetwork=yes\n", each)
            self.assertIn("\nUser=mq-my-blog\nGroup=site-my-blog\nSlice=silver-my\\x2dblog.slice\n", each)
            self.assertIn("\nCapabilityBoundingSet=\n", each)
        self.assertIn(f"\nJoinsNamespaceOf={UNIT}\n", proxy)
        self.assertIn(f"\nPartOf={SOCKET}\n", proxy)
        self.assertIn("\nListenStream=127.65.0.1:20001\n", self.unit_text(SOCKET))
        self.assertIn("\nlisteners.tcp.1 = 127.0.0.1:5672\n", self.conf())
        rules = self.text("/var/lib/silver/firewall.nft")
        site, root = (self.node.ids(user)[0] for user in ("site-my-blog", "root"))
        self.assertIn(f"add element inet silver answerers {{ 127.65.0.1 . 20001 . {root} }}\n", rules)
        self.assertIn(f"add element inet silver askers {{ 127.65.0.1 . 20001 . {site} }}\n", rules)

    def test_what_it_takes_is_held_to_its_memory_and_its_quota(self):
        self.set_up()
        self.assertIn(f"\nvm_memory_high_watermark.absolute = {224 * MEGABYTE}\n", self.conf())
        self.assertIn(f"\nMemoryMax={448 * MEGABYTE}\n", self.unit_text(UNIT))
        self.assertIn(f"\ndisk_free_limit.absolute = {(256 - 64) * MEGABYTE}\n", self.conf())
        self.used = 10 * MEGABYTE
        self.assertEqual(self.set_up(), [])
        self.assertGreaterEqual(os.path.getsize(self.paths.at(f"{PLACE}.img")), (64 + 192) * MEGABYTE)
        limits = json.loads(self.conf("json"))["parameters"][0]["value"]
        self.assertEqual(limits, {"max-connections": 64, "max-queues": 1000})

    def test_another_quota_moves_the_limit_and_one_below_what_it_holds_is_refused(self):
        self.set_up()
        self.assertEqual(self.set_up(bytes=32 * MEGABYTE)[-1]["why"], "its settings changed")
        self.assertIn(f"\ndisk_free_limit.absolute = {(256 - 32) * MEGABYTE}\n", self.conf())
        self.used = 20 * MEGABYTE
        before = self.conf()
        with self.assertRaises(AgentError) as caught:
            self.set_up(bytes=16 * MEGABYTE)
        self.assertEqual(caught.exception.message, "the quota of 16 MB is less than RabbitMQ holds: 20 MB")
        self.assertEqual(self.conf(), before)
        with mock.patch.object(volume, "resize", lambda node, place, size: [{"what": place, "why": str(size)}]):
            self.assertEqual(self.set_up(bytes=512 * MEGABYTE)[0]["what"], PLACE)

    def test_a_proxy_that_changed_is_opened_anew(self):
        self.set_up()
        self.place(f"/etc/systemd/system/{PROXY}", "of an earlier agent")
        self.assertEqual([change["what"] for change in self.set_up()], [PROXY, SOCKET])
        self.assertEqual(self.machine.units[SOCKET], "active")

    def test_its_options_and_its_address_are_found_on_the_node(self):
        self.assertIsNone(rabbitmq.found(self.node, QUEUE))
        self.assertIsNone(rabbitmq.listens(self.node, QUEUE))
        self.set_up()
        self.assertEqual(rabbitmq.found(self.node, QUEUE), {**QUEUE.options, "connections": 64})
        place = addresses.find(self.node, "my-blog", "rabbitmq-g1")
        self.assertEqual(rabbitmq.listens(self.node, QUEUE), ("rabbitmq-g1", place))
        os.remove(self.paths.at("/etc/silver/rabbitmq/my-blog-g1.conf"))
        again = rabbitmq.found(self.node, QUEUE)
        self.assertLessEqual(rabbitmq.disk(QUEUE._replace(options=again)), os.path.getsize(self.paths.at(f"{PLACE}.img")))

    def test_one_that_stopped_hangs_or_is_full_is_told(self):
        self.assertEqual(rabbitmq.health(self.node, QUEUE), "not running")
        self.set_up()
        self.machine.units[UNIT] = "active"
        with mock.patch("silver.services.rabbitmq.memory", lambda node, use: self.memory):
            self.memory = QUEUE.options["memory"]
            self.assertIsNone(rabbitmq.health(self.node, QUEUE))
            self.memory += 1
            self.assertEqual(rabbitmq.health(self.node, QUEUE), "out of memory: it takes no messages until some are read")
            self.used = 65 * MEGABYTE
            self.assertEqual(rabbitmq.health(self.node, QUEUE), "over its quota: it takes no messages until some are read")
            self.greets = False
            self.assertEqual(rabbitmq.health(self.node, QUEUE), "not answering")

    def test_it_goes_with_its_site_and_its_data_and_its_password_stay(self):
        self.set_up()
        word = login.password(self.node, QUEUE)
        rabbitmq.remove(self.node, QUEUE)
        self.assertEqual({self.machine.units.get(name, "inactive") for name in (UNIT, PROXY, SOCKET)}, {"inactive"})
        self.assertEqual(os.listdir(self.paths.at("/etc/silver/rabbitmq")), [])
        self.assertIsNone(addresses.find(self.node, "my-blog", "rabbitmq-g1"))
        self.assertNotIn("127.65.", self.text("/var/lib/silver/firewall.nft"))
        self.assertTrue(rabbitmq.exists(self.node, QUEUE))
        self.set_up()
        self.assertEqual(login.password(self.node, QUEUE), word)
        rabbitmq.remove(self.node, QUEUE)
        self.mounted.clear()
        rabbitmq.discard(self.node, QUEUE)
        self.assertEqual((rabbitmq.exists(self.node, QUEUE), os.path.exists(login.path(self.node, QUEUE))), (False, False))

    def test_a_disk_that_was_unmounted_comes_back_with_its_server(self):
        self.set_up()
        self.mounted.clear()
        self.machine.units |= {UNIT: "inactive", "srv-silver-my\\x2dblog-data-rabbitmq-g1.mount": "failed"}
        self.assertEqual([change["why"] for change in rabbitmq.hold(self.node, QUEUE)], ["was not mounted"])
        self.assertEqual(self.machine.units[UNIT], "active")


class Greeting(Servers):
    def greeted(self, answer):
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        said = []

        def serve():
            connection, _ = server.accept()
            with connection:
                said.append(connection.recv(8))
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        place = {"address": "127.0.0.1", "port": server.getsockname()[1]}
        with mock.patch("silver.addresses.find", lambda node, site, name: place):
            found = rabbitmq.greets(self.node, QUEUE)
        thread.join()
        self.assertEqual(said, [b"AMQP\0\0\x09\x01"])
        return found

    def test_only_what_answers_as_rabbitmq_does_is_well(self):
        self.assertTrue(self.greeted(START))
        for other in (b"", b"AMQP\0\0\x09\x01", b"HTTP/1.1 400 Bad Request\r\n", START[:8]):
            self.assertFalse(self.greeted(other), other)

    def test_one_without_an_address_or_that_nobody_hears_is_not(self):
        self.assertFalse(rabbitmq.greets(self.node, QUEUE))
        with mock.patch("silver.addresses.find", lambda node, site, name: {"address": "127.0.0.1", "port": 1}):
            self.assertFalse(rabbitmq.greets(self.node, QUEUE))
