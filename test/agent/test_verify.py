import os
import time
from unittest import mock

from support import NodeTest

from silver import addresses, ports, unit, varnish, verify


class Verify(NodeTest):
    def setUp(self):
        super().setUp()
        self.converge()
        self.live = self.roll_out()
        self.unit = f"silver-web-hello@{self.live['id']}.service"
        self.vcl = varnish.vcl_name("hello", self.live["digest"])
        self.asked = []

    def verify(self, site=None):
        before = self.snapshot()
        found = self.ask("verify", site=site)
        self.assertEqual(self.snapshot(), before)
        return found["problems"], {entry["site"]: entry["problems"] for entry in found["sites"]}

    def snapshot(self):
        """What it must leave alone: units, Varnish, files."""
        files = {}
        for directory, _, names in os.walk(self.paths.root):
            for name in names:
                path = f"{directory}/{name}"
                seen = os.lstat(path)
                files[path] = (seen.st_size, seen.st_mtime_ns)
        return dict(self.machine.units), dict(self.machine.vcls), dict(self.machine.labels), files

    def test_a_sound_site_has_no_problem(self):
        self.assertEqual(self.verify(), ([], {"hello": []}))
        self.assertEqual(self.verify("other"), ([], {}))

    def test_while_a_site_takes_its_time_the_driver_hears_of_it(self):
        said = []
        self.node._say = lambda step, text: said.append(text)
        slow = mock.patch.object(verify, "reaches", lambda node, name: time.sleep(0.5) or [])
        with slow, mock.patch("silver.node.WORD_SECONDS", 0.1), mock.patch("silver.verify.WAITING_SECONDS", 0.1):
            self.assertEqual(verify.verify(self.node, None)["sites"], [{"site": "hello", "problems": []}])
        self.assertTrue(any(text.endswith("s so far") for text in said), said)

    def test_a_lost_unit_file_and_one_that_does_not_start_at_boot_are_told(self):
        unit.disable(self.node, self.unit)
        self.assertEqual(self.verify()[1]["hello"], [f"{self.unit} does not start at boot"])
        os.remove(self.paths.unit(self.unit))
        self.assertEqual(self.verify()[1]["hello"], [f"the unit file of {self.unit} is not the release's"])

    def test_a_secret_in_a_wrong_answer_is_not_told(self):
        self.roll_out("1.1.0", values={"KEY": "sesame-open"}, secrets={"KEY": 1})
        answer = {"ok": False, "url": "http://a/", "reason": "status 302, expected 200: it redirects to /login?token=sesame-open"}
        with mock.patch.object(verify.check, "ask", return_value=(answer, None)):
            self.assertEqual(self.verify()[1]["hello"], ["http://a/: status 302, expected 200: it redirects to /login?token=[secret]"])

    def test_a_list_of_vcls_that_varnish_cut_off_is_told(self):
        whole = self.machine.cli
        self.machine.cli = lambda *words: whole(*words)[:100]
        self.assertEqual(self.verify(), (["Varnish cut its list of VCLs off after 100 bytes"], {"hello": []}))

    def test_a_label_that_leads_elsewhere_is_told(self):
        s503 = next(name for name in self.machine.vcls if name.startswith("s503_"))
        self.machine.labels["site_hello"] = s503
        self.assertEqual(self.verify()[1]["hello"], [f"Varnish sends its visitors to {s503} instead of {self.vcl}"])
        del self.machine.labels["site_hello"]
        self.assertEqual(self.verify()[1]["hello"], [f"Varnish sends its visitors to nothing instead of {self.vcl}"])

    def test_an_emptied_vcl_is_told_before_a_restart_needs_it(self):
        open(self.paths.vcl(self.vcl), "w").close()
        self.assertRegex(self.verify()[1]["hello"][0], r"\.vcl is not the release's$")

    def test_a_timer_that_no_longer_holds_quotas_or_ends_dead_rollouts_is_told_and_sites_are_asked(self):
        timers = ["silver-recover.timer", "silver-measure.timer"]
        self.converge(units={"running": [ports.KEEPER, "varnish.service", *timers], "stopped": []})
        self.assertEqual(self.verify()[0], [])
        self.machine.units["silver-measure.timer"] = "inactive"
        unit.disable(self.node, "silver-recover.timer")
        asked = []
        with mock.patch.object(verify, "answers", lambda node, name: asked.append(name) or []):
            problems, sites = self.verify()
        self.assertEqual(problems, ["silver-recover.timer does not start at boot", "silver-measure.timer does not run"])
        self.assertEqual((sites, asked), ({"hello": []}, ["hello"]))
        self.ask("heal-node")
        self.assertEqual(self.verify()[0], [])

    def test_what_concerns_all_sites_is_of_the_node_and_no_site_is_asked(self):
        self.machine.units["varnish.service"] = "failed"
        self.assertEqual(self.verify(), (["Varnish does not run"], {"hello": []}))
        self.machine.units["varnish.service"] = "active"
        self.machine.active = next(name for name in self.machine.vcls if name.startswith("s503_"))
        self.assertEqual(self.verify()[0], ["Varnish does not use the routes of this node"])

    def test_a_kernel_that_gives_ports_of_releases_to_anybody_is_told(self):
        first, last = addresses.PORTS["first"], addresses.PORTS["last"]
        told = ["the kernel gives ports of releases to other programs' connections"]
        for chosen, reserved, problems in (
            ("32768\t60999\n", "\n", []),
            ("1024\t20000\n", "\n", []),
            ("1024\t65535\n", "\n", told),
            ("1024\t65535\n", f"8080,{first}-{last}\n", []),
            ("1024\t65535\n", f"443,{first - 5}-{last + 5}\n", []),
            (f"{last}\t65535\n", f"{first}-{last - 1}\n", told),
            (f"1024\t{first}\n", f"{first + 1}-{last}\n", told),
        ):
            with self.subTest(chosen=chosen, reserved=reserved):
                self.place(ports.CHOSEN, chosen)
                self.place(ports.RESERVED, reserved)
                self.assertEqual(self.verify()[0], problems)

    def test_files_that_are_gone_are_told(self):
        os.remove(f"{self.paths.release('hello', self.live['id'])}/release.json")
        self.assertEqual(self.verify()[1]["hello"], [f"the files of {self.live['id']} are gone"])

    def test_each_check_is_asked_as_the_release_s_rollout_did(self):
        self.machine.app = lambda request: (404, "", f"hello {self.live['id']}")
        self.assertEqual(self.verify()[1]["hello"], [])
        self.machine.app = lambda request: (500, "", f"hello {self.live['id']}")
        (problem,) = self.verify()[1]["hello"]
        self.assertRegex(problem, r"\(Host: hello\.test\): status 500, expected one below 500$")

    def test_a_rollout_that_is_undone_leads_back_to_the_check_of_what_served_before(self):
        app = self.app(src__wsgi_py="new = 1\n")
        release = self.release(app, "1.1.0")
        held = self.lease(release)
        self.prepare(held, release, app)
        asked = {"targets": [{"host": "hello.test", "path": "/new"}], "body": "new"}
        self.machine.app = lambda request: (200, "new", f"hello {release['id']}")
        self.passes(held, release, "direct", **asked)
        self.ask("flip", **held, release=release["id"], last=False)
        self.passes(held, release, "varnish", **asked)
        self.machine.app = None
        self.ask("undo", **held, reason="another node failed")
        self.finish(held, release, verdict="reverted")
        self.assertEqual(self.verify()[1]["hello"], [])

    def test_the_check_of_a_release_whose_rollout_was_recovered_is_known(self):
        for site in ("hello", "new"):
            self.converge(sites=("hello", "new"))
            app = self.app(src__wsgi_py="newer = 1\n")
            release = self.release(app, "1.2.0", site=site)
            held = self.lease(release)
            self.prepare(held, release, app)
            self.passes(held, release, "direct", targets=[{"host": f"{site}.test", "path": "/newer"}])
            self.ask("flip", **held, release=release["id"], last=True)
            self.die()
            self.machine.reboot()
            self.start_boot()
            self.assertEqual(self.verify()[1][site], [])
            self.machine.app = lambda request, release=release: (500, request.path, f"{release['site']} {release['id']}")
            (problem,) = self.verify()[1][site]
            self.assertIn("/newer (Host", problem)
            self.machine.app = None

    def test_a_lost_check_is_its_site_s_problem_and_says_what_is_not_known(self):
        path = self.paths.check("hello", self.live["id"])
        os.remove(path)
        self.assertEqual(self.verify()[1]["hello"], [f"{path} is gone: {verify.NOT_KNOWN}"])
        for content in ("{", "null", '{"targets": [{}]}', '["targets"]'):
            with self.subTest(content), open(path, "w") as file:
                file.write(content)
                file.flush()
                self.assertEqual(self.verify()[1]["hello"], [f"{path} is spoiled: {verify.NOT_KNOWN}"])
