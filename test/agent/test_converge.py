import os
import stat
from unittest import mock

from support import AgentError, Killed, NodeTest

from silver import files, site_key


class Converge(NodeTest):
    def calls(self, word):
        return [call for call in self.machine.calls if word in call]

    def test_an_empty_node_becomes_what_its_state_says(self):
        changes = self.converge()
        self.assertEqual(self.machine.users, {"site-hello"})
        self.assertEqual(self.machine.units["varnish.service"], "active")
        self.assertTrue(self.machine.labels["site_hello"].startswith("s503_"))
        self.assertTrue(self.machine.active.startswith("top_"))
        self.assertEqual(os.readlink(self.paths.unit("apache2.service")), "/dev/null")
        self.assertEqual(stat.S_IMODE(os.stat(self.paths.vcl_directory()).st_mode), 0o750)
        self.assertIn({"what": "package varnish", "why": "not installed"}, changes)
        self.assertIn({"what": "user site-hello", "why": "a new site"}, changes)

    def test_a_second_time_changes_nothing(self):
        self.converge()
        self.machine.calls.clear()
        self.assertEqual(self.converge(), [])
        for word in ("restart", "start", "stop", "reload", "apt-get", "vcl.load", "vcl.use", "vcl.label", "nft -f"):
            self.assertEqual(self.calls(f"{word} "), [], word)

    def test_another_os_is_refused_before_anything_is_touched(self):
        error = self.refused("os-differs", "converge", state=self.node_state(os="ubuntu-24.04"))
        self.assertEqual(error.message, "web1 runs debian-12, the environment declares ubuntu-24.04")
        self.assertIn("os: debian-12", error.fix)
        self.assertEqual(self.machine.calls, [])
        self.assertEqual(sorted(os.listdir(self.root)), ["etc", "usr"])

    def test_a_new_site_gets_its_label_before_a_route_names_it(self):
        self.converge()
        self.machine.calls.clear()
        self.converge(sites=("hello", "wiki"))
        labelled = self.machine.calls.index(self.calls("vcl.label site_wiki")[0])
        self.assertLess(labelled, self.machine.calls.index(self.calls("vcl.load top_")[0]))
        self.assertEqual(self.calls("varnish.service"), ["systemctl is-active --quiet varnish.service", *self.calls("show")])

    def test_a_site_no_longer_listed_keeps_what_it_has(self):
        self.converge(sites=("hello", "wiki"))
        release = self.roll_out()
        self.converge(sites=("wiki",))
        self.assertTrue(os.path.isdir(self.paths.release("hello", release["id"])))
        self.assertEqual(self.site_state()["live"], release["id"])

    def test_only_a_changed_unit_restarts_varnish(self):
        self.converge()
        state = self.node_state()
        self.machine.calls.clear()
        state["files"][2]["content"] += "# other route\n"
        self.ask("converge", state=state)
        self.assertEqual(self.calls("stop varnish.service"), [])
        self.assertEqual(len(self.calls("vcl.use")), 1)
        state["files"][3]["content"] = "[Service]\nNice=1\n"
        self.ask("converge", state=state)
        self.assertEqual(len(self.calls("stop varnish.service")), 1)
        self.assertEqual(self.machine.units["varnish.service"], "active")

    def test_a_top_vcl_that_does_not_compile_leaves_the_old_one(self):
        self.converge()
        before, boot = self.machine.active, self.text("/var/lib/silver/varnish/boot.cli")
        state = self.node_state()
        state["files"][2]["content"] = "does not compile"
        error = self.refused("vcl", "converge", state=state)
        self.assertIn("Message from VCC-compiler: Expected an action", error.log)
        self.assertEqual((self.machine.active, self.text("/var/lib/silver/varnish/boot.cli")), (before, boot))

    def test_old_top_vcls_are_let_go(self):
        self.converge()
        self.converge(sites=("hello", "wiki"))
        self.converge()
        self.assertEqual(len([name for name in self.machine.vcls if name.startswith("top_")]), 1)
        self.assertEqual(sorted(self.machine.labels), ["site_hello"])

    def test_a_new_503_page_reaches_sites_that_serve_nothing(self):
        self.converge()
        state = self.node_state()
        state["files"][1]["content"] = "vcl 4.1; another 503"
        self.ask("converge", state=state)
        (s503,) = [name for name in self.machine.vcls if name.startswith("s503_")]
        self.assertEqual(self.machine.labels["site_hello"], s503)

    def test_rules_somebody_flushed_are_loaded_again(self):
        from support import Done

        self.converge()
        self.machine.rules.clear()
        real = self.machine.nft
        self.machine.nft = lambda *words, **named: Done(1, "", "No such file") if "list" in words else real(*words, **named)
        changes = self.converge()
        self.assertEqual([change["what"] for change in changes], ["the node's firewall"])

    def test_a_site_s_key_is_made_once_and_for_the_site_alone(self):
        self.converge()
        key = self.text("/srv/silver/hello/secret.txt")
        self.assertRegex(key, r"^[0-9a-f]{64}\n$")
        self.assertEqual(stat.S_IMODE(os.stat(self.paths.at("/srv/silver/hello/secret.txt")).st_mode), 0o640)
        self.converge()
        self.assertEqual(self.text("/srv/silver/hello/secret.txt"), key)

    def test_a_site_s_key_is_rotated_once_a_release_and_the_one_before_stays_beside_it(self):
        self.converge()
        release = self.roll_out()
        place = "/srv/silver/hello/secret.txt"
        first = self.text(place)
        self.ask("rotate-key", **self.lease(release))
        second = self.text(place)
        self.assertRegex(second, r"^[0-9a-f]{64}\n$")
        self.assertNotEqual(second, first)
        self.assertEqual(self.text(f"{place}.previous"), first)
        self.assertEqual(stat.S_IMODE(os.stat(self.paths.at(f"{place}.previous")).st_mode), 0o640)
        self.assertIn("was rotated already", self.refused("usage", "rotate-key", **self.lease(release)).message)
        self.assertEqual(self.text(place), second)
        release = self.roll_out("1.1.0")
        self.ask("rotate-key", **self.lease(release))
        self.assertEqual(self.text(f"{place}.previous"), second)
        # Whatever comes: the agent keeps what is there.
        self.converge()
        self.assertEqual(self.text(f"{place}.previous"), second)

    def test_a_rotation_that_was_cut_short_anywhere_is_ended_by_the_next_and_the_key_before_is_known(self):
        self.converge()
        self.roll_out()
        place, whole = "/srv/silver/hello/secret.txt", files._replace
        for serial, most in enumerate((0, 1, 2, 3)):
            first = self.text(place)
            done = []

            def die(*words, most=most, done=done, **named):
                if len(done) == most:
                    raise Killed
                done.append(words)
                whole(*words, **named)

            with mock.patch.object(files, "_replace", die), self.assertRaises(Killed):
                site_key.rotate(self.node, "hello")
            site_key.rotate(self.node, "hello")
            self.assertEqual(self.text(f"{place}.previous"), first)
            self.assertNotEqual(self.text(place), first)
            with self.assertRaises(AgentError):
                site_key.rotate(self.node, "hello")
            self.roll_out(f"2.{serial}.0")
        self.place("/srv/silver/hello/key.json", "[]")
        site_key.rotate(self.node, "hello")
        self.assertTrue(os.path.exists(self.paths.at("/srv/silver/hello/key.json.spoiled")))

    def test_cut_short_anywhere_the_next_time_makes_it_good(self):
        """A file that was written while its follow-up was not would never be looked at again."""
        self.converge()
        state = self.node_state(sites=("hello", "wiki"))
        state["files"][0]["content"] = "table inet silver { }\n"
        state["files"][3]["content"] = "[Service]\nNice=1\n"
        for step in range(200):
            self.machine.done, self.machine.die_at = 0, step
            starts = len(self.calls("start varnish.service"))
            loads = len(self.machine.rules)
            try:
                self.ask("converge", state=state)
                break
            except Killed:
                self.machine.die_at = None
            self.ask("converge", state=state)
            with self.subTest(step=step):
                self.assertEqual(self.ask("converge", state=state)["changes"], [])
                self.assertGreater(len(self.calls("start varnish.service")), starts)
                self.assertGreater(len(self.machine.rules), loads)
                self.assertEqual(self.machine.units["varnish.service"], "active")
                self.assertIn("site_wiki", self.machine.labels)
            # Back to where it began.
            self.converge()
        self.assertGreater(step, 5)

    def test_the_reserve_stands_ready(self):
        self.converge()
        self.assertEqual(os.path.getsize(self.paths.var("reserve")), files.RESERVE_BYTES)
