import os
from unittest import mock

from support import NodeTest

from silver import unit, varnish, verify


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

    def test_a_lost_unit_file_and_one_that_does_not_start_at_boot_are_told(self):
        unit.disable(self.node, self.unit)
        self.assertEqual(self.verify()[1]["hello"], [f"{self.unit} does not start at boot"])
        os.remove(self.paths.unit(self.unit))
        self.assertEqual(self.verify()[1]["hello"], [f"the unit file of {self.unit} is not the release's"])

    def test_a_secret_in_a_wrong_answer_is_not_told(self):
        app = self.app()
        release = self.release(app, "1.1.0", secrets={"KEY": 1})
        held = self.lease(release)
        self.prepare(held, release, app, {"KEY": "sesame-open"})
        self.ask("flip", **held, release=release["id"], last=True)
        self.finish(held, release)
        verify.remember(self.node, "hello", {"targets": [{"host": "a", "path": "/"}], "https": False, "status": 200, "body": None})
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

    def test_what_concerns_all_sites_is_of_the_node_and_no_site_is_asked(self):
        self.machine.units["varnish.service"] = "failed"
        self.assertEqual(self.verify(), (["Varnish does not run"], {"hello": []}))
        self.machine.units["varnish.service"] = "active"
        self.machine.active = next(name for name in self.machine.vcls if name.startswith("s503_"))
        self.assertEqual(self.verify()[0], ["Varnish does not use the routes of this node"])

    def test_files_that_are_gone_are_told(self):
        os.remove(f"{self.paths.release('hello', self.live['id'])}/release.json")
        self.assertEqual(self.verify()[1]["hello"], [f"the files of {self.live['id']} are gone"])

    def test_a_record_that_can_not_be_read_is_its_site_s_problem(self):
        with open(self.paths.check("hello"), "w") as file:
            file.write("{")
        (problem,) = self.verify()[1]["hello"]
        self.assertIn("check.json is not JSON", problem)
