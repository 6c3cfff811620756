import os

from support import Done, NodeTest

from silver import packages


class Packages(NodeTest):
    def calls(self, word):
        return [call for call in self.machine.calls if call.startswith(word)]

    def test_what_is_there_is_left_alone(self):
        self.machine.packages.add("varnish")
        self.assertEqual(packages.install(self.node, ["varnish"]), [])
        self.assertEqual(self.calls("apt-get"), [])

    def test_what_is_missing_is_installed_and_nothing_upgraded_or_removed(self):
        self.assertEqual(packages.install(self.node, ["python3", "varnish"]), [{"what": "package varnish", "why": "not installed"}])
        (call,) = self.calls("apt-get")
        self.assertIn("--no-upgrade --no-remove", call)
        self.assertTrue(call.endswith(" varnish"))

    def test_lists_are_fetched_only_when_apt_knows_no_such_package(self):
        self.machine.lists = False
        packages.install(self.node, ["varnish"])
        self.assertEqual([" update" in call for call in self.calls("apt-get")], [False, True, False])

    def test_an_unknown_package_is_named(self):
        from support import AgentError

        with self.assertRaises(AgentError) as caught:
            packages.install(self.node, ["varnisch"])
        self.assertEqual((caught.exception.code, caught.exception.message), ("package", "apt has no package varnisch"))
        self.assertIn("E: Unable to locate package varnisch", caught.exception.log)

    def test_so_is_one_that_apt_only_hears_of(self):
        from support import AgentError

        answer = Done(100, "", "E: Package 'sysvinit-core' has no installation candidate")
        self.machine.apt_get = lambda *words: None if "update" in words else answer
        with self.assertRaises(AgentError) as caught:
            packages.install(self.node, ["sysvinit-core"])
        self.assertEqual(caught.exception.message, "apt has no package sysvinit-core")

    def test_a_package_that_would_remove_others_is_refused_as_that(self):
        from support import AgentError

        for words in [
            "E: Packages need to be removed but remove is disabled.",
            "E: Error, pkgProblemResolver::Resolve generated breaks\n   2. systemd-sysv:amd64 is selected for removal because:",
            "E: Unable to satisfy dependencies. Reached two conflicting assignments:\n"
            "       2. systemd-standalone-sysusers:amd64 Conflicts systemd-sysusers",
        ]:
            self.machine.apt_get = lambda *call, words=words: Done(100, "", words)
            with self.assertRaises(AgentError) as caught:
                packages.install(self.node, ["sysvinit-core"])
            self.assertEqual(caught.exception.message, "installing sysvinit-core would remove other packages")
            self.assertEqual(caught.exception.log, words.split("\n"))

    def test_no_service_starts_by_itself_meanwhile(self):
        seen = []
        real = self.machine.apt_get
        self.machine.apt_get = lambda *words: (seen.append(self.text(packages.POLICY)), real(*words))[1]
        packages.install(self.node, ["varnish"])
        self.assertIn("exit 101", seen[0])
        self.assertFalse(os.path.exists(self.paths.at(packages.POLICY)))

    def test_a_policy_of_the_node_s_own_stays(self):
        self.place(packages.POLICY, "#!/bin/sh\nexit 104\n")
        packages.install(self.node, ["varnish"])
        self.assertEqual(self.text(packages.POLICY), "#!/bin/sh\nexit 104\n")

    def test_a_policy_left_by_a_killed_agent_goes_at_the_next_boot(self):
        self.place(packages.POLICY, packages.POLICY_TEXT)
        os.chmod(self.paths.at(packages.POLICY), 0o755)
        packages.clean_up(self.node)
        self.assertFalse(os.path.exists(self.paths.at(packages.POLICY)))
