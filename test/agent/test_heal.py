"""`heal`: what a node lost comes back without a new release, and nothing that serves is touched for it."""

import os
import pathlib
import shutil
from unittest import mock

from support import AgentError, NodeTest

from silver import files, ports, services, site_services, state, unit, varnish, verify


class Heal(NodeTest):
    def setUp(self):
        super().setUp()
        self.converge(sites=("hello", "other"))
        self.other = self.roll_out(site="other")
        self.live = self.roll_out(**self.with_worker())
        self.machine.app = lambda request: (200, "ok", f"hello {self.live['id']}")
        self.web = f"silver-web-hello@{self.live['id']}.service"
        self.worker = f"silver-worker-hello@{self.live['id']}.service"
        self.vcl = varnish.vcl_name("hello", self.live["digest"])
        self.root = self.paths.release("hello", self.live["id"])
        self.s503 = next(name for name in self.machine.vcls if name.startswith("s503_"))

    def with_worker(self):
        app = self.app()
        plain = self.release(app)
        worker = {"path": "conf/worker.service", "mode": "0644", "content": "[Service]\nExecStart=sleeps\n"}
        listed = {"role": "worker", "file": worker["path"], "starts": "cut-over"}
        return {"app": app, "files": [*plain["files"], worker], "units": [*plain["units"], listed]}

    def heal_site(self, site="hello"):
        held = self.lease({"site": site, "id": "heal"})
        found = self.ask("heal", **held)
        self.assertNotIn(site, self.session.leases)
        return found

    def heal(self):
        """Changes and problems of the node and of the site that lost something."""
        parts = [self.ask("heal-node"), self.heal_site()]
        return [[each for part in parts for each in part[key]] for key in ("changes", "problems")]

    def test_it_waits_until_what_it_started_again_answers(self):
        with mock.patch.object(verify, "answers", side_effect=[["status 503"], ["status 503"], []]) as asked:
            self.assertEqual(self.heal(), [[], []])
            self.assertEqual(asked.call_count, 0)
            self.machine.stop(self.web)
            self.heal()
            self.assertEqual(asked.call_count, 3)

    LOSSES = {
        "the unit file is gone": lambda self: os.remove(self.paths.unit(self.web)),
        "the unit file is another": lambda self: pathlib.Path(self.paths.unit(self.web)).write_text("[Service]\n"),
        "the unit has stopped": lambda self: self.machine.stop(self.web),
        "the unit has failed": lambda self: (self.machine.stop(self.web), self.machine.units.update({self.web: "failed"})),
        "the unit does not start at boot": lambda self: unit.disable(self.node, self.web),
        "a worker has stopped and does not start at boot": lambda self: (
            unit.disable(self.node, self.worker),
            self.machine.stop(self.worker),
        ),
        "its label leads to the 503 page": lambda self: self.machine.labels.update({"site_hello": self.s503}),
        "its label is gone": lambda self: (
            setattr(self.machine, "active", self.s503),
            [self.machine.vcls.pop(name) for name in list(self.machine.vcls) if name.startswith("top_")],
            self.machine.labels.pop("site_hello"),
        ),
        "Varnish has lost its VCL": lambda self: (
            self.machine.labels.update({"site_hello": self.s503}),
            self.machine.vcls.pop(self.vcl),
        ),
        "the file of its VCL is empty": lambda self: pathlib.Path(self.paths.vcl(self.vcl)).write_bytes(b""),
        "the file of its VCL is gone": lambda self: os.remove(self.paths.vcl(self.vcl)),
        "the release's own VCL is garbage": lambda self: pathlib.Path(self.root, "conf/site.vcl").write_bytes(b"\xff\x00"),
        "a rendered file is gone": lambda self: os.remove(f"{self.root}/conf/web.service"),
        "all rendered files are gone": lambda self: shutil.rmtree(f"{self.root}/conf"),
        "its variables are spoiled": lambda self: pathlib.Path(self.root, "environ.json").write_bytes(b""),
        "its key is gone": lambda self: os.remove(f"{self.paths.site('hello')}/secret.txt"),
        "the routes are empty": lambda self: pathlib.Path(self.paths.at("/etc/silver/varnish/top.vcl")).write_text(""),
        "the routes are gone": lambda self: os.remove(self.paths.at("/etc/silver/varnish/top.vcl")),
        "the 503 page is garbage": lambda self: pathlib.Path(self.paths.at("/etc/silver/varnish/s503.vcl")).write_text("{"),
        "other routes are in use": lambda self: setattr(self.machine, "active", self.s503),
        "the settings of Varnish's unit are gone": lambda self: os.remove(
            self.paths.at("/etc/systemd/system/varnish.service.d/silver.conf")
        ),
        "Varnish has stopped and serves nobody": lambda self: self.machine.stop("varnish.service"),
        "Varnish does not start at boot": lambda self: os.remove(self.paths.unit_link("varnish.service")),
        "Varnish listens elsewhere and serves nobody": lambda self: self.machine.listeners.update({80: ""}),
        "the rules of the firewall are gone": lambda self: os.remove(self.paths.at("/etc/silver/nft.conf")),
        "the kernel gives ports of releases to anybody": lambda self: (
            self.place(ports.CHOSEN, "1024\t65535\n"),
            self.place(ports.RESERVED, "8080\n"),
        ),
        "a package is gone": lambda self: self.machine.packages.discard("varnish"),
    }

    def test_what_is_lost_comes_back_and_the_second_time_there_is_nothing_to_do(self):
        self.assertEqual(self.heal(), [[], []])
        for name, lose in self.LOSSES.items():
            with self.subTest(name):
                lose(self)
                self.machine.calls.clear()
                changes, problems = self.heal()
                self.machine.listeners.clear()
                self.assertNotEqual(changes, [])
                self.assertEqual(problems, [])
                self.assertEqual(self.ask("verify", site=None)["problems"], [])
                self.assertEqual(self.ask("verify", site="hello")["sites"], [{"site": "hello", "problems": []}])
                self.assert_in_order(self.live)
                self.assert_in_order(self.other, site="other")
                self.assertEqual(self.heal(), [[], []])
                serves_nobody = ("silver-packages", ports.KEEPER)
                stopped = [call for call in self.machine.calls if "systemctl stop" in call]
                ended = [call for call in stopped if not any(name in call for name in serves_nobody)]
                self.assertEqual(ended, ["systemctl stop varnish.service"] if "Varnish" in name and "serves nobody" in name else [])

    def test_it_never_runs_beside_a_rollout(self):
        held = self.lease(self.live)
        self.refused("lease-lost", "heal", site="hello", token=held["token"] + 1)
        self.refused("lease-lost", "heal", site="other", token=1)

    def test_a_site_that_serves_nothing_has_nothing_to_put_back(self):
        self.converge(sites=("hello", "other", "new"))
        self.assertEqual(self.heal_site("new"), {"changes": [], "problems": []})

    def test_what_can_not_be_put_back_is_told_with_what_to_do_and_the_rest_comes_back(self):
        os.remove(f"{self.root}/release.json")
        shutil.rmtree(f"{self.root}/app")
        self.machine.labels["site_hello"] = self.s503
        found = self.heal_site()
        self.assertEqual([change["what"] for change in found["changes"]], ["site_hello"])
        told = [(problem["what"], problem["fix"].split(",")[0]) for problem in found["problems"]]
        fix = "raise the version in the manifest"
        lost = f"{self.root}/release.json is lost: {self.live['id']} can't be put back"
        self.assertEqual(told, [(lost, fix), (f"{self.root}/app is gone", fix)])

    def test_a_lost_check_is_told_and_never_made(self):
        path = self.paths.check("hello", self.live["id"])
        for content in ("{", None):
            if content is None:
                os.remove(path)
            else:
                pathlib.Path(path).write_text(content)
            with self.subTest(content):
                found = self.heal_site()
                aside = [] if content is None else [{"what": path, "why": "was spoiled, and is set aside"}]
                self.assertEqual(found["changes"], aside)
                (problem,) = found["problems"]
                self.assertEqual(problem["what"], f"{path} is lost: {verify.NOT_KNOWN}")
                self.assertIn("raise the version", problem["fix"])
                self.roll_out(**self.with_worker())

    def test_an_app_that_does_not_start_is_told_with_its_words(self):
        self.machine.stop(self.web)
        with mock.patch("silver.prepare.unit.start", side_effect=AgentError("unit", "it did not start", log=["ImportError"])):
            (problem,) = self.heal_site()["problems"]
        self.assertEqual((problem["what"], problem["log"]), ("it did not start", ["ImportError"]))

    def test_a_foreign_server_on_port_80_is_named(self):
        self.machine.stop("varnish.service")
        self.machine.listeners[80] = 'LISTEN 0 0 *:80 *:* users:(("nginx",pid=9,fd=3))\n'
        (problem,) = self.ask("heal-node")["problems"]
        self.assertIn("port 80 is taken by nginx", problem["what"])
        self.assertIn("systemctl disable --now", problem["fix"])

    def test_a_record_of_the_node_without_its_files_is_told(self):
        files.write_json(self.paths.var("node.json"), {"node": "web1", "sites": [{"name": "hello"}, {"name": "other"}]})
        (problem,) = self.ask("heal-node")["problems"]
        self.assertIn("node.json does not say what this node's files hold", problem["what"])
        self.assert_in_order(self.live)

    def test_a_heal_pays_nothing_that_a_state_owes(self):
        files.write_json(self.paths.var("owed.json"), ["varnish-restart"])
        self.ask("heal-node")
        self.assertEqual(files.read_json(self.paths.var("owed.json")), ["varnish-restart"])


PACKAGES = {
    "files": "e2fsprogs",
    "mysql": "mariadb-server-core",
    "postgis": "postgresql",
    "postgres": "postgresql",
    "rabbitmq": "rabbitmq-server",
    "redis": "redis-server",
    "writable_root": "e2fsprogs",
}


class Services(NodeTest):
    def setUp(self):
        super().setUp()
        self.converge()
        self.machine.available |= {"postgresql", "e2fsprogs", "memcached", "redis-server", "mariadb-server-core", "rabbitmq-server"}
        self.live = self.roll_out()
        self.mended = []
        record = []
        for kind in sorted(set(services.types()) - {"external"}):
            module = services.of(kind)
            options = {"bytes": 1024, "connections": 20, "policy": "noeviction", "disk": 0}
            package = PACKAGES.get(kind, kind)
            record.append({"type": kind, "name": kind, "options": options, "packages": [package], "variables": {}})
            for name, stand_in in {
                "set_up": lambda node, use, kind=kind: self.mended.append(kind) or [{"what": kind, "why": "was lost"}],
                "exists": lambda node, use, kind=kind: kind not in self.gone,
                "health": lambda node, use: None,
            }.items():
                patched = mock.patch.object(module, name, stand_in)
                patched.start()
                self.addCleanup(patched.stop)
        self.gone = set()
        files.write_json(self.paths.services("hello"), record)

    def heal_site(self):
        return self.ask("heal", **self.lease(self.live))

    def test_services_their_packages_and_their_target_come_back(self):
        found = self.heal_site()
        self.assertEqual(
            (self.mended, found["problems"]),
            (["files", "memcached", "mysql", "postgis", "postgres", "rabbitmq", "redis", "writable_root"], []),
        )
        self.assertLessEqual({"postgresql", "e2fsprogs"}, self.machine.packages)
        self.assertTrue(os.path.exists(self.paths.unit("silver-data-hello.target")))

    def test_data_that_is_gone_is_told_and_never_made(self):
        self.gone.add("postgres")
        found = self.heal_site()
        self.assertEqual(self.mended, ["files", "memcached", "mysql", "postgis", "rabbitmq", "redis", "writable_root"])
        (problem,) = found["problems"]
        self.assertEqual(problem["what"], "the data of its service postgres (postgres) is gone from this node")

    def test_a_lost_record_is_made_again_from_the_data(self):
        self.gone |= {"postgres", "mysql"}
        for damage in (None, b"", b"garbage", b"[5]", b'[{"type": "oracle", "name": "x", "options": {}}]'):
            with self.subTest(damage), mock.patch.object(services.of("files"), "found", lambda node, use: {"bytes": 4096}):
                files.clear(self.paths.services("hello"))
                if damage is not None:
                    pathlib.Path(self.paths.services("hello")).write_bytes(damage)
                made = [{"type": "files", "name": "files", "options": {"bytes": 4096}}]
                self.assertEqual(site_services.recorded(self.node, "hello"), made)
                self.assertEqual(files.read_json(self.paths.services("hello")), made)

    def test_the_data_of_a_site_that_serves_nothing_is_nobody_s_service(self):
        self.gone.add("postgres")
        state.change(self.node, "hello", live=None)
        os.remove(self.paths.services("hello"))
        with mock.patch.object(services.of("files"), "found", lambda node, use: {"bytes": 4096}):
            self.assertEqual(site_services.recorded(self.node, "hello"), [])


class Variables(NodeTest):
    """environ.json, without which no process of an app starts."""

    def setUp(self):
        super().setUp()
        self.converge()
        self.secret = {"KEY": 1}
        self.first = self.bring("1.0.0", {"KEY": "abcdefgh"})
        self.live = self.bring("1.1.0", {"KEY": "abcdefgh"})
        self.path = f"{self.paths.release('hello', self.live['id'])}/environ.json"

    def bring(self, version, secrets, versions=None):
        return self.roll_out(version, values=secrets, secrets=versions or self.secret)

    def test_they_are_made_again_with_the_secrets_of_another_release(self):
        whole = pathlib.Path(self.path).read_text()
        pathlib.Path(self.path).write_bytes(b"{")
        self.machine.reboot()
        self.start_boot()
        self.assertEqual(pathlib.Path(self.path).read_text(), whole)
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o640)

    def test_a_secret_that_is_nowhere_else_is_named_and_its_value_is_not(self):
        self.live = self.bring("1.2.0", {"KEY": "a new value"}, {"KEY": 2})
        self.path = f"{self.paths.release('hello', self.live['id'])}/environ.json"
        os.remove(self.path)
        (problem,) = self.ask("heal", **self.lease(self.live))["problems"]
        self.assertEqual(problem["what"], f"hello: {self.path} is spoiled, and no other release has the value of KEY")
        self.assertIn("silver up", problem["fix"])
        # A rollout of the same release brings it, and the boot of the others goes on.
        self.machine.reboot()
        self.start_boot()
        self.bring("1.2.0", {"KEY": "a new value"}, {"KEY": 2})
        self.assertIn("a new value", pathlib.Path(self.path).read_text())
