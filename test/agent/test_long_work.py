import os
import time
from unittest import mock

from support import Done, NodeTest

from silver import long_work, packages
from silver import node as silver_node
from silver.errors import DriverGone


class Work(NodeTest):
    def setUp(self):
        super().setUp()
        self.machine.copy = lambda *words: Done(0, f"copied {' '.join(words)}", "")

    def run_work(self, *argv):
        return long_work.run(self.node, "copy", "hello", argv)

    def test_what_a_program_wrote_and_how_it_ended_is_brought_back(self):
        self.machine.looks = 3
        self.assertEqual(self.run_work("copy", "a", "b"), Done(0, "copied a b", ""))
        self.machine.copy = lambda *words: Done(100, "E: no", "")
        self.assertEqual(self.run_work("copy"), Done(100, "E: no", ""))

    def test_nothing_of_it_is_left(self):
        for code in (0, 1):
            self.machine.copy = lambda *words, code=code: Done(code, "", "")
            self.run_work("copy")
            self.assertEqual(long_work.left(self.node, "copy"), [])

    def test_it_goes_on_when_the_driver_goes(self):
        self.machine.looks = 5
        self.node.gone = lambda: True
        with self.assertRaises(DriverGone):
            self.run_work("copy")
        self.assertEqual(long_work.left(self.node, "copy"), ["silver-copy@hello.service"])
        self.assertFalse(long_work.sweep(self.node, "copy"))

    def test_what_a_session_left_is_waited_for_and_taken_away(self):
        self.test_it_goes_on_when_the_driver_goes()
        self.node.gone = lambda: False
        long_work.settle(self.node, "copy", "waiting for an earlier copy")
        self.assertIn("copy", self.machine.calls)
        self.assertEqual(long_work.left(self.node, "copy"), [])

    def test_a_program_that_a_signal_ended_has_not_succeeded(self):
        for seen, code in [
            ({"LoadState": "loaded", "Result": "success", "ExecMainStatus": "0"}, 0),
            ({"LoadState": "loaded", "Result": "exit-code", "ExecMainStatus": "100"}, 100),
            ({"LoadState": "loaded", "Result": "signal", "ExecMainStatus": "9"}, -9),
            ({"LoadState": "loaded", "Result": "timeout", "ExecMainStatus": "0"}, -15),
            ({"LoadState": "not-found", "Result": "success"}, -15),
        ]:
            self.assertEqual(long_work.exit_code(seen), code)

    def test_a_unit_is_at_work_until_its_program_has_ended(self):
        for active, sub, at_work in [
            ("activating", "start", True),
            ("active", "running", True),
            ("active", "exited", False),
            ("deactivating", "stop-sigterm", True),
            ("failed", "failed", False),
            ("inactive", "dead", False),
        ]:
            self.assertEqual(long_work.is_at_work({"ActiveState": active, "SubState": sub}), at_work)


class Words(NodeTest):
    def test_a_wait_is_told_every_ten_seconds_with_what_it_is_for(self):
        said, clock = [], [100.0]
        with mock.patch.object(time, "monotonic", lambda: clock[0]):
            node = silver_node.Node(self.paths, self.machine, lambda step, text: said.append(f"{step}: {text}"))
            node.say("packages", "installing varnish")
            for clock[0] in (105.0, 109.9, 110.0, 115.0, 120.0, 121.0, 135.0):
                node.still_wanted()
            node.begin("check")
            clock[0] = 145.0
            node.still_wanted()
        self.assertEqual(
            said,
            [
                "packages: installing varnish",
                "packages: installing varnish, 10 s so far",
                "packages: installing varnish, 20 s so far",
                "packages: installing varnish, 35 s so far",
                "check: 10 s so far",
            ],
        )


class Apt(NodeTest):
    """Packages of several sites, and sessions that end before apt does."""

    def setUp(self):
        super().setUp()
        self.machine.looks = 4

    def install(self, site, *names):
        return [change["what"] for change in packages.install(self.node, list(names), site)]

    def leave(self):
        """A session that goes while apt is at work."""
        self.node.gone = lambda: True
        with self.assertRaises(DriverGone):
            self.install("hello", "varnish")
        self.node.gone = lambda: False

    def calls(self, word):
        return [call for call in self.machine.calls if call.startswith(word) and " -s " not in call]

    def test_apt_runs_in_a_unit_named_by_the_site(self):
        self.install("hello", "varnish")
        self.assertIn("--unit=silver-packages@hello.service", self.calls("systemd-run")[0])

    def test_a_session_that_comes_later_waits_for_apt_and_installs_nothing_twice(self):
        self.leave()
        self.assertEqual(self.install("hello", "varnish"), [])
        self.assertEqual(len(self.calls("apt-get")), 1)

    def test_another_site_waits_too_and_then_has_its_turn(self):
        self.leave()
        self.assertEqual(self.install("other", "apache2-bin"), ["package apache2-bin"])
        first, second = self.calls("apt-get")
        self.assertTrue(first.endswith(" varnish") and second.endswith(" apache2-bin"))

    def test_the_wait_for_another_sites_apt_is_told_at_once_as_that(self):
        said = []
        node = silver_node.Node(self.paths, self.machine, lambda step, text: said.append(f"{step}: {text}"))
        self.machine.units["silver-packages@shop.service"] = "active"
        wait = packages.turn(node)
        wait()
        wait()
        self.assertEqual(said, ["packages: waiting until apt has installed what site shop needs"])
        del self.machine.units["silver-packages@shop.service"]
        packages.turn(node)()
        self.assertEqual(said[1:], ["packages: waiting until apt has installed what the node needs"])

    def test_services_stay_quiet_until_apt_has_ended(self):
        self.leave()
        packages.clean_up(self.node)
        self.assertEqual(self.text(packages.POLICY), packages.POLICY_TEXT)
        for _ in range(6):
            packages.clean_up(self.node)
        self.assertFalse(os.path.exists(self.paths.at(packages.POLICY)))
        self.assertEqual(long_work.left(self.node, "packages"), [])

    def test_an_installation_that_was_cut_short_is_finished_first(self):
        real = self.machine.apt_get
        self.machine.dpkg = lambda *words: setattr(self.machine, "apt_get", real)
        interrupted = "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem."
        self.machine.apt_get = lambda *words: Done(100, "", interrupted)
        self.assertEqual(self.install("hello", "varnish"), ["package varnish"])
        self.assertEqual(self.calls("dpkg "), ["dpkg --configure -a"])

    def test_what_is_there_waits_for_nobody(self):
        self.leave()
        self.assertEqual(self.install("other", "python3"), [])
        self.assertEqual(self.calls("apt-get"), [])
