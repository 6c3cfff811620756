"""A record, or Varnish's file of a release, that a fault has cut to nothing or filled with garbage."""

import os
import pathlib
from unittest import mock

from support import NodeTest

from silver import files, lease, spoiled, state, varnish

DAMAGES = {"nothing": b"", "garbage": b"\xff\x00{", "a list": b"[]", "a number": b"5", "half": b'{"live": "1.0'}


def directory(path, before):
    put(path, None)
    os.mkdir(path)
    pathlib.Path(path, "something").write_text("here")


def put(path, content):
    """Whatever was there is gone."""
    files.clear(path)
    if content is not None:
        pathlib.Path(path).write_bytes(content)


def another(change):
    """The file itself is whole, and something about it is not."""

    def damage(path, before):
        if not os.path.isfile(path):
            put(path, b"[]")
        change(path)

    return damage


def link(path, before):
    put(path, None)
    os.symlink("/etc/passwd", path)


WAYS = {
    **{name: (lambda path, before, content=content: put(path, content)) for name, content in DAMAGES.items()},
    "cut": lambda path, before: put(path, (before or b"[]")[: len(before or b"[]") // 2]),
    "deep": lambda path, before: put(path, b"[" * 100_000),
    "absent": lambda path, before: put(path, None),
    "a directory": directory,
    "a link": link,
    "a pipe": lambda path, before: (put(path, None), os.mkfifo(path)),
    "another mode": another(lambda path: os.chmod(path, 0o666)),
    "another owner": another(lambda path: os.chown(path, 12345, 12345) if os.geteuid() == 0 else None),
}


class Spoiled(NodeTest):
    def setUp(self):
        super().setUp()
        self.converge(sites=("hello", "other"))
        self.other = self.roll_out(site="other")
        self.roll_out()
        self.live = self.roll_out("1.1.0")

    def each(self, path):
        """Spoils a file in every way, one after the other."""
        real = pathlib.Path(path).read_bytes() if os.path.exists(path) else None
        for name, damage in DAMAGES.items():
            if damage == real:
                continue
            with self.subTest(name):
                pathlib.Path(path).write_bytes(damage)
                yield

    def assert_well(self):
        """All sites serve what they did, also after a boot, and the next rollout works."""
        self.converge(sites=("hello", "other"))
        self.machine.reboot()
        self.start_boot()
        self.assert_in_order(self.live)
        self.assert_in_order(self.other, site="other")
        self.live = self.roll_out(f"2.{len(self.machine.calls)}.0")
        self.assert_in_order(self.live)

    def test_the_state_of_a_site_is_made_again_from_its_releases(self):
        path = self.paths.state("hello")
        for _ in self.each(path):
            before = {name for name in os.listdir(self.paths.releases("hello")) if not name.startswith(".")}
            self.assertEqual(self.site_state()["live"], self.live["id"])
            self.assertEqual({found["id"] for found in self.site_state()["releases"]}, before)
            self.assertTrue(os.path.exists(f"{path}.spoiled"))
            self.assert_well()

    def test_at_no_moment_is_the_state_gone(self):
        path = self.paths.state("hello")
        pathlib.Path(path).write_bytes(b"")
        seen = []
        write = files.write_json
        with mock.patch.object(files, "write_json", lambda *words: (seen.append(os.path.exists(path)), write(*words))):
            self.site_state()
        self.assertEqual(seen, [True])

    def test_a_state_that_a_rollout_writes_while_another_process_misses_it_stays(self):
        self.roll_out("1.0.0")
        path = self.paths.state("hello")
        wanted = {**state.read(self.node, "hello"), "serial": 9}
        os.remove(path)
        remake = spoiled.state

        def meanwhile(node, site):
            made = remake(node, site)
            state.write(node, site, wanted)
            return made

        with mock.patch.object(spoiled, "state", side_effect=meanwhile):
            self.assertEqual(state.read(self.node, "hello"), wanted)
        self.assertEqual(files.read_json(path), wanted)

    def test_a_first_rollout_that_has_no_state_yet_has_lost_none(self):
        self.place("/srv/silver/fresh/releases/1.0.0-aaaaaaaa.bbbbbbbb/release.json", "{}")
        self.assertEqual(state.read(self.node, "fresh"), state.EMPTY)
        self.assertFalse(os.path.exists(self.paths.state("fresh")))

    def test_without_varnish_s_start_file_the_history_says_what_served(self):
        os.unlink(self.paths.at("/var/lib/silver/varnish/boot.cli"))
        pathlib.Path(self.paths.state("hello")).write_bytes(b"")
        self.assertEqual(self.site_state()["live"], self.live["id"])
        self.assert_well()

    def test_the_table_of_addresses_is_made_again_from_the_releases_own_configuration(self):
        listens = {}
        for site in ("hello", "other"):
            for found in self.site_state(site)["releases"]:
                listens[found["id"]] = (found["address"], found["port"])
                conf = f"{self.paths.release(site, found['id'])}/conf"
                os.chmod(conf, 0o755)
                pathlib.Path(conf, "apache.conf").write_text(f"Listen {found['address']}:{found['port']}\n")
        pathlib.Path(self.paths.var("addresses.json")).write_bytes(b"garbage")
        for site in ("hello", "other"):
            for found in self.site_state(site)["releases"]:
                self.assertEqual((found["address"], found["port"]), listens[found["id"]])
        ports = {port for _, port in listens.values()}
        self.assert_well()
        self.assertNotIn(next(found for found in self.site_state()["releases"] if found["id"] == self.live["id"])["port"], ports)

    def test_the_other_records_of_a_node_and_of_a_rollout(self):
        for name in ("node.json", "owed.json", "package-units.json", "leases/hello.json"):
            for _ in self.each(self.paths.var(name)):
                self.assert_well()
        for _ in self.each(self.paths.journal("hello")):
            self.assert_well()

    def test_varnish_s_file_of_a_release_is_written_again(self):
        for _ in self.each(self.paths.vcl(self.vcl())):
            self.assert_well()
        os.unlink(self.paths.vcl(self.vcl()))
        self.assert_well()

    def vcl(self):
        return varnish.vcl_name("hello", self.live["digest"])

    def test_a_token_is_not_used_again(self):
        tokens = [self.lease(self.live)["token"]]
        self.finish({"site": "hello", "token": tokens[0]}, self.live, verdict="unchanged")
        pathlib.Path(lease.record_path(self.node, "hello")).write_bytes(b"")
        tokens.append(self.lease(self.live)["token"])
        self.assertGreater(tokens[1], tokens[0])


class EveryRecord(NodeTest):
    """Each record of a node in each way in which a fault may leave it: all sites serve on, and the next boot, state and rollout work."""

    def setUp(self):
        super().setUp()
        self.converge(sites=("hello", "other"))
        self.other = self.roll_out(site="other")
        self.roll_out()
        self.live = self.roll_out("1.1.0")

    def release(self, app, version="1.0.0", **changes):
        """With the configuration by which a release's address is known again."""
        plain = super().release(app, version, **changes)
        conf = {"path": "conf/apache.conf", "mode": "0644", "content": "Listen @ADDRESS@:@PORT@\n"}
        return super().release(app, version, **changes, files=[*plain["files"], conf])

    def records(self):
        """Name → path. Those that come and go are put there first."""
        root = self.paths.release("hello", self.live["id"])
        vcl = self.paths.vcl(varnish.vcl_name("hello", self.live["digest"]))
        return {
            "state": self.paths.state("hello"),
            "history": self.paths.history("hello"),
            "journal": self.paths.journal("hello"),
            "services": self.paths.services("hello"),
            "former secrets": self.paths.former_secrets("hello"),
            "key": f"{self.paths.site('hello')}/secret.txt",
            "lease": lease.record_path(self.node, "hello"),
            "lock": lease.lock_path(self.node, "hello"),
            "release": f"{root}/release.json",
            "variables": f"{root}/environ.json",
            "check": f"{root}/check.json",
            "VCL": vcl,
            "own VCL": f"{root}/conf/site.vcl",
            "node": self.paths.var("node.json"),
            "owed": self.paths.var("owed.json"),
            "addresses": self.paths.var("addresses.json"),
            "package units": self.paths.var("package-units.json"),
            "lock of all": self.paths.var("varnish.lock"),
            "reserve": self.paths.var("reserve"),
            "kept VCL": self.paths.kept_vcl("r_hello_00000000"),
            "boot.cli": self.paths.at("/var/lib/silver/varnish/boot.cli"),
            "firewall": self.paths.at("/var/lib/silver/firewall.nft"),
            "rules": self.paths.at("/etc/silver/nft.conf"),
            "routes": self.paths.at("/etc/silver/varnish/top.vcl"),
            "503": self.paths.at("/etc/silver/varnish/s503.vcl"),
        }

    def each(self, ways, after):
        for name, path in self.records().items():
            for way in ways:
                before = pathlib.Path(path).read_bytes() if os.path.isfile(path) else None
                with self.subTest(record=name, way=way):
                    WAYS[way](path, before)
                    self.ask("verify", site=None)
                    self.assertEqual([site["site"] for site in self.ask("status", site=None)["sites"]], ["hello", "other"])
                    after()
                # Nothing on the node makes these again in full: a release and the next state bring them.
                if name == "release":
                    put(path, before)
                if name == "node":
                    self.converge(sites=("hello", "other"))

    def assert_serving(self):
        self.assert_in_order(self.other, site="other")
        self.assert_in_order(self.live)
        self.assertTrue(self.text("/etc/silver/varnish/top.vcl").startswith("vcl 4.1;"))
        self.assertRegex(self.text("/srv/silver/hello/secret.txt"), "^[0-9a-f]{64}\n$")

    def test_in_every_way_each_site_serves_what_it_did_after_a_boot(self):
        def after():
            self.machine.reboot()
            self.start_boot()
            self.assert_serving()

        self.each(WAYS, after)

    def test_the_next_state_and_the_next_rollout_of_each_site_work(self):
        def after():
            self.converge(sites=("hello", "other"))
            self.assertEqual(self.converge(sites=("hello", "other")), [])
            for version in ("1.1.0", "1.0.0", "1.1.0"):
                self.other = self.roll_out(site="other")
                self.live = self.roll_out(version)
                self.assert_serving()

        self.each(("garbage", "a directory", "absent"), after)
