import os
import unittest
from unittest import mock

from support import AgentError, Done, DriverGone, NodeTest

from silver import apt_sources

SOURCE = "# Made by silver: the source own of the environment.\nTypes: deb\nURIs: https://apt.acme.net/x\nSuites: stable\n"
PINS = "# Made by silver\n\nPackage: *\n"
APT = {"sources": {"own": SOURCE}, "pins": PINS, "answers": ""}
PATH = "/etc/apt/sources.list.d/silver-own.sources"


class Sources(NodeTest):
    def setUp(self):
        super().setUp()
        self.place("/etc/apt/sources.list.d/debian.sources", "Types: deb\n")
        self.updates, self.said, self.set = 0, Done(0, "", ""), []
        install = self.machine.apt_get

        def apt_get(*words):
            if "update" not in words:
                return install(*words)
            self.updates += 1
            return self.said

        self.machine.apt_get = apt_get
        self.machine.debconf_set_selections = self.set_selections

    def set_selections(self, stdin=""):
        self.set.append(stdin)
        return Done(1, "", "error: Unknown type quux") if "quux" in stdin else None

    def apply(self, **changes):
        return self.converge(apt={**APT, **changes})

    def own(self):
        return sorted(os.listdir(self.paths.at("/etc/apt/sources.list.d")))

    def test_a_source_is_written_its_lists_are_read_once_and_the_distribution_s_stay(self):
        self.assertIn({"what": PATH, "why": "missing"}, self.apply())
        self.assertEqual((self.text(PATH), self.text(apt_sources.PINS)), (SOURCE, PINS))
        self.assertEqual(self.own(), ["debian.sources", "silver-own.sources"])
        self.assertEqual(self.apply(), [])
        self.assertEqual(self.updates, 1)

    def test_what_is_no_longer_in_the_environment_goes_and_the_lists_are_read_again(self):
        self.apply()
        changes = self.converge()
        self.assertIn({"what": PATH, "why": "no longer in the environment"}, changes)
        self.assertEqual(self.own(), ["debian.sources"])
        self.assertFalse(os.path.exists(self.paths.at(apt_sources.PINS)))
        self.assertEqual((self.updates, self.converge()), (2, []))

    def test_a_source_that_apt_can_not_read_is_told_and_taken_back(self):
        for said in (
            Done(100, "E: The repository 'https://apt.acme.net/x stable InRelease' is not signed.", ""),
            Done(0, "W: Failed to fetch https://apt.acme.net/x/dists/stable/InRelease  404", ""),
        ):
            self.said = said
            with self.assertRaises(AgentError) as caught:
                self.apply()
            self.assertEqual(caught.exception.code, "package")
            self.assertIn("(own)", caught.exception.message)
            self.assertIn(said.out, "\n".join(caught.exception.log))
            self.assertEqual(self.own(), ["debian.sources"])
        self.said = Done(0, "W: Failed to fetch http://deb.debian.org/debian/dists/x  timeout", "")
        self.apply()
        self.assertEqual(self.own(), ["debian.sources", "silver-own.sources"])

    def test_lists_that_a_killed_agent_still_reads_are_waited_for(self):
        self.machine.looks = 1
        self.machine.systemd_run("--unit=silver-packages.service", "--property=RemainAfterExit=yes", "--", "apt-get", "update")
        self.apply()
        self.assertEqual(self.own(), ["debian.sources", "silver-own.sources"])
        self.assertEqual(self.updates, 2)

    def test_what_is_taken_back_was_good_also_when_an_agent_died_with_another(self):
        self.apply()
        bad = {PATH: SOURCE.replace("stable", "bad")}
        self.said = Done(100, "", "E: not signed")
        for _ in range(2):
            with self.assertRaises(DriverGone), mock.patch.object(apt_sources, "read_lists", side_effect=DriverGone):
                self.apply(sources={"own": bad[PATH]})
            self.assertEqual(self.text(PATH), bad[PATH])
            with self.assertRaises(AgentError):
                self.apply(sources={"own": bad[PATH]})
            self.assertEqual(self.text(PATH), SOURCE)
        self.said = Done(0, "", "")
        self.assertEqual(self.apply(), [])
        self.assertFalse(os.path.exists(self.paths.at("/var/lib/silver/apt-lists.owed")))

    def test_lists_that_were_not_read_when_the_agent_died_are_read_by_the_next(self):
        self.apply()
        self.place("/var/lib/silver/apt-lists.owed", "")
        self.apply()
        self.assertEqual(self.updates, 2)

    def test_answers_are_given_before_any_package_comes_and_only_when_they_differ(self):
        text = "postfix postfix/main_mailer_type select No configuration\n"
        self.apply(answers=text)
        self.assertEqual(self.set, [text])
        calls = [call for call in self.machine.calls if "apt-get" in call and " install " in call or call.startswith("debconf")]
        self.assertTrue(calls[0].startswith("debconf-set-selections"), calls)
        self.assertEqual(self.apply(answers=text), [])
        error = self.refused("package", "converge", state=self.node_state(apt={**APT, "answers": "a a/b quux c\n"}))
        self.assertEqual(error.log, ["error: Unknown type quux"])


if __name__ == "__main__":
    unittest.main()
