import errno
import gzip
import os
import shutil
from unittest import mock

from support import AgentError, Done, Killed, NodeTest

from silver import files, package_units, packages, ports, resolving


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
        with self.assertRaises(AgentError) as caught:
            packages.install(self.node, ["varnisch"])
        self.assertEqual((caught.exception.code, caught.exception.message), ("package", "apt has no package varnisch"))
        self.assertIn("E: Unable to locate package varnisch", caught.exception.log)

    def test_a_name_with_a_dot_is_a_name_and_brings_nothing_else(self):
        with self.assertRaises(AgentError) as caught:
            packages.install(self.node, ["apache2.bin"])
        self.assertEqual(caught.exception.message, "apt has no package apache2.bin")
        self.assertNotIn("apache2-bin", self.machine.packages)

    def test_for_a_name_of_former_years_todays_is_given(self):
        from support import AgentError

        self.machine.available |= {"python3-pil", "python3-lxml", "php-mysql"}
        for name, fix in [
            ("python-imaging", "write python3-pil in place of python-imaging under `packages`"),
            ("python-lxml", "write python3-lxml in place of python-lxml under `packages`"),
            ("python2.7-lxml", "write python3-lxml in place of python2.7-lxml under `packages`"),
            ("php5-mysql", "write php-mysql in place of php5-mysql under `packages`"),
            ("python-nothing", "correct the name under `packages`"),
        ]:
            with self.assertRaises(AgentError) as caught:
                packages.install(self.node, [name])
            self.assertEqual((caught.exception.message, caught.exception.fix), (f"apt has no package {name}", fix))

    def test_an_archive_that_cannot_be_reached_is_told_as_that(self):
        from support import AgentError

        words = (
            "Err:1 http://127.0.0.1:9/debian bookworm InRelease\n  Could not connect to 127.0.0.1:9\n"
            "W: Failed to fetch http://127.0.0.1:9/debian/dists/bookworm/InRelease  Could not connect to 127.0.0.1:9\n"
            "W: Some index files failed to download. They have been ignored, or old ones used instead.\n"
        )
        unknown = Done(100, "", "E: Unable to locate package cowsay")
        self.machine.apt_get = lambda *call: Done(0, words, "") if "update" in call else unknown
        with self.assertRaises(AgentError) as caught:
            packages.install(self.node, ["cowsay"])
        self.assertEqual(
            (caught.exception.message, caught.exception.fix),
            (
                "apt could not fetch cowsay: http://127.0.0.1:9 can't be reached from this node",
                "check the node's network, its name resolution and /etc/apt/sources.list",
            ),
        )
        self.assertIn(words.splitlines()[2], caught.exception.log)
        self.assertIn("E: Unable to locate package cowsay", caught.exception.log)

    def test_so_is_one_that_has_lists_and_no_files(self):
        from support import AgentError

        answer = Done(100, "", "E: Failed to fetch http://deb.debian.org/debian/pool/c/cowsay_3.deb  Temporary failure resolving")
        self.machine.apt_get = lambda *call: None if "update" in call else answer
        with self.assertRaises(AgentError) as caught:
            packages.install(self.node, ["cowsay"])
        self.assertEqual(caught.exception.message, "apt could not fetch cowsay: http://deb.debian.org can't be reached from this node")

    def test_a_package_is_installed_though_another_archive_is_gone(self):
        self.machine.lists = False
        real = self.machine.apt_get
        gone = Done(0, "W: Failed to fetch http://ppa.example/dists/x/InRelease  404  Not Found", "")
        self.machine.apt_get = lambda *call: (real(*call), gone)[1] if "update" in call else real(*call)
        self.assertEqual(packages.install(self.node, ["varnish"]), [{"what": "package varnish", "why": "not installed"}])

    def test_so_is_one_that_apt_only_hears_of(self):
        answer = Done(100, "", "E: Package 'sysvinit-core' has no installation candidate")
        self.machine.apt_get = lambda *words: None if "update" in words else answer
        with self.assertRaises(AgentError) as caught:
            packages.install(self.node, ["sysvinit-core"])
        self.assertEqual(caught.exception.message, "apt has no package sysvinit-core")

    def test_a_package_that_would_remove_others_is_refused_as_that(self):
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


class OfTheNode(NodeTest):
    """What packages would change of the node."""

    RESOLV = "/etc/resolv.conf"

    def setUp(self):
        super().setUp()
        self.path = self.paths.at(self.RESOLV)
        self.place(self.RESOLV, "nameserver 192.0.2.1\n")
        self.real = self.machine.apt_get

    def script(self, change):
        """What a package's script does while apt works."""
        self.machine.apt_get = lambda *words: (change(), self.real(*words))[1]

    def link(self):
        if os.path.lexists(self.path):
            os.unlink(self.path)
        os.symlink("../run/systemd/resolve/stub-resolv.conf", self.path)

    def test_how_names_are_resolved_is_as_before_whatever_a_package_s_script_did(self):
        empty = lambda: self.place(self.RESOLV, "# Generated by resolvconf\n")  # noqa: E731
        for change in (self.link, empty, lambda: os.unlink(self.path)):
            with self.subTest(change):
                self.machine.packages.discard("varnish")
                self.script(change)
                changes = packages.install(self.node, ["varnish"])
                self.assertEqual([each["what"] for each in changes], ["package varnish", self.RESOLV])
                self.assertEqual((self.text(self.RESOLV), os.path.islink(self.path)), ("nameserver 192.0.2.1\n", False))
                self.assertFalse(os.path.exists(self.paths.var(resolving.RECORD)))

    def test_so_is_a_link_and_other_servers_of_another_network_stay(self):
        self.script(lambda: self.place(self.RESOLV, "nameserver 192.0.2.9\n"))
        self.assertEqual(len(packages.install(self.node, ["varnish"])), 1)
        self.assertEqual(self.text(self.RESOLV), "nameserver 192.0.2.9\n")
        self.link()
        self.script(lambda: (os.unlink(self.path), os.symlink("/run/resolvconf/resolv.conf", self.path)))
        packages.install(self.node, ["apache2-bin"])
        self.assertEqual(os.readlink(self.path), "../run/systemd/resolve/stub-resolv.conf")

    def test_so_is_what_an_agent_left_that_was_killed_and_what_apt_did_after_that(self):
        for end in (packages.clean_up, lambda node: packages.install(node, ["varnish"])):
            resolving.keep(self.node)
            self.link()
            end(self.node)
            self.assertEqual(self.text(self.RESOLV), "nameserver 192.0.2.1\n")

    def test_a_state_that_comes_meanwhile_takes_nothing_from_whoever_is_at_work(self):
        self.converge()
        left = []

        def meanwhile():
            self.assertEqual(self.converge(), [])
            left.append((sorted(self.machine.work), os.path.exists(self.paths.var(resolving.RECORD))))

        self.script(meanwhile)
        self.machine.available.add("php-common")
        packages.install(self.node, ["php-common"], "hello")
        # What would come is looked at first.
        self.assertEqual(left, [([], True), (["silver-packages@hello.service"], True)])

    def test_a_state_puts_right_what_a_killed_agent_left(self):
        self.converge()
        resolving.keep(self.node)
        self.link()
        self.assertEqual([each["what"] for each in self.converge()], [self.RESOLV])

    def test_what_can_not_be_put_back_is_told_and_the_boot_goes_on(self):
        self.converge()
        live = self.roll_out()
        resolving.keep(self.node)
        self.link()
        self.machine.reboot()
        fault = OSError(errno.EROFS, "Read-only file system", self.RESOLV)
        said = []
        self.node.say = lambda step, text: said.append((step, text))
        with mock.patch.object(resolving, "put_back", side_effect=fault):
            self.start_boot()
        self.assert_in_order(live)
        self.assertIn(("packages", f"internal: the agent failed: Read-only file system: {self.RESOLV}"), said)

    def test_one_that_failed_leaves_it_as_before_too(self):
        self.script(self.link)
        with self.assertRaises(AgentError):
            packages.install(self.node, ["varnisch"])
        self.assertEqual(self.text(self.RESOLV), "nameserver 192.0.2.1\n")

    def test_what_is_the_node_s_is_refused_to_a_site_before_anything_is_installed(self):
        self.machine.depends = {"innocent": ["libfine", "linux-image-rt-amd64"]}
        for name in (
            "systemd-resolved",
            "openresolv",
            "unattended-upgrades",
            "libnss-ldapd",
            "libnss-mdns",
            "libpam-google-authenticator",
            "innocent",
        ):
            with self.assertRaises(AgentError) as caught:
                packages.install(self.node, [name], "hello")
            self.assertIn("would change the node itself", caught.exception.message)
        self.assertEqual([call for call in self.machine.calls if call.startswith("apt-get") and " -s " not in call], [])
        for name in ("libnss3", "libpam-systemd", "libpam-modules-bin", "libpam0g", "php-common", "linux-libc-dev"):
            self.machine.available.add(name)
            packages.install(self.node, [name], "hello")

    def test_a_later_version_of_what_is_there_already_changes_nothing_of_the_node(self):
        self.machine.packages.add("libpam-sss")
        self.machine.depends = {"php-common": ["libpam-sss"]}
        self.machine.available.add("php-common")
        packages.install(self.node, ["php-common"], "hello")

    def test_what_root_would_run_by_itself_is_put_aside_once(self):
        put = ["/etc/cron.d/php", "/etc/cron.daily/mlocate", "/etc/apt/apt.conf.d/10apt-listbugs", "/etc/network/if-up.d/x"]
        stay = ["/etc/php/php.ini", "/etc/cron.d/.placeholder", "/etc/logrotate.d/x", "/usr/share/cron.d/x"]
        self.machine.shipped["php-common"] = [*put, *stay]
        self.machine.available.add("php-common")
        changes = packages.install(self.node, ["php-common"], "hello")
        self.assertEqual([each["what"] for each in changes], ["package php-common", *put])
        self.assertEqual([os.path.exists(self.paths.at(path)) for path in [*put, *stay]], [False] * 4 + [True] * 4)
        self.assertTrue(os.path.exists(f"{self.paths.var(package_units.ASIDE)}/etc/cron.d/php"))
        # By an administrator, who wants it.
        self.place(put[0], "mine")
        self.assertEqual(packages.quiet(self.node), [])
        self.assertEqual(self.text(put[0]), "mine")

    def test_so_it_is_by_an_agent_that_died_anywhere_and_the_next(self):
        path = "/etc/cron.d/php"
        self.machine.shipped["php-common"] = [path]
        self.machine.bring("php-common", "apt-get " + " ".join(packages.INSTALL) + " php-common")
        for dies in ((shutil, "move"), (files, "write_json")):
            with mock.patch.object(*dies, side_effect=Killed), self.assertRaises(Killed):
                packages.quiet(self.node)
        packages.quiet(self.node)
        self.assertFalse(os.path.exists(self.paths.at(path)))
        self.place(path, "mine")
        self.assertEqual(packages.quiet(self.node), [])
        self.assertEqual(self.text(path), "mine")


class PackageUnits(NodeTest):
    """Each package holds a unit that something starts."""

    WANTS = "/etc/systemd/system/multi-user.target.wants"
    KINDS = {
        "nginx-light": ["/lib/systemd/system/nginx.service", f"{WANTS}/nginx.service"],
        "cockpit": ["/usr/lib/systemd/system/cockpit.socket", "/etc/systemd/system/sockets.target.wants/cockpit.socket"],
        "certbot": ["/usr/lib/systemd/system/certbot.timer", "/usr/lib/systemd/system/timers.target.wants/certbot.timer"],
        "cups": ["/lib/systemd/system/cups.path", "/etc/systemd/system/paths.target.requires/cups.path"],
        "openvpn": ["/lib/systemd/system/openvpn@.service", f"{WANTS}/openvpn@home.service"],
        "minidlna": ["/etc/init.d/minidlna", "/etc/rc2.d/S01minidlna"],
    }
    MASKED = ["nginx.service", "cockpit.socket", "certbot.timer", "cups.path", "openvpn@.service", "minidlna.service"]

    def setUp(self):
        super().setUp()
        self.machine.shipped.update(self.KINDS)
        self.machine.available.update(self.KINDS)

    def masked(self):
        directory = self.paths.at("/etc/systemd/system")
        return sorted(name for name in os.listdir(directory) if os.path.islink(f"{directory}/{name}"))

    def test_units_of_every_kind_that_a_package_brings_are_masked_while_nothing_can_start(self):
        seen = []
        real = self.machine.systemctl
        quiet = lambda: os.path.exists(self.paths.at(packages.POLICY))  # noqa: E731
        self.machine.systemctl = lambda *words: (seen.append((words[0], quiet())), real(*words))[1]
        changes = packages.install(self.node, sorted(self.KINDS))
        self.assertEqual(self.masked(), sorted(self.MASKED))
        self.assertIn(("mask", True), seen)
        self.assertNotIn(("mask", False), seen)
        why = "came with a package, and would start by itself"
        self.assertEqual([change["what"] for change in changes if change["why"] == why], sorted(self.MASKED))

    def test_those_of_a_package_that_it_depends_on_too_and_of_an_installation_that_failed(self):
        self.machine.shipped["x-nginx-light"] = ["/lib/systemd/system/also.service", f"{self.WANTS}/also.service"]
        self.machine.shipped["nginx-light"] = [*self.KINDS["nginx-light"], *self.machine.shipped["x-nginx-light"]]
        with self.assertRaises(AgentError):
            packages.install(self.node, ["nginx-light", "nonsense"])
        self.assertEqual(self.masked(), ["also.service", "nginx.service"])

    def test_those_of_a_node_that_was_set_up_before_and_after_a_killed_agent(self):
        self.machine.bring("nginx-light", "apt-get -o DPkg::Lock::Timeout=120 " + " ".join(packages.INSTALL) + " nginx-light")
        self.place(packages.POLICY, packages.POLICY_TEXT)
        os.chmod(self.paths.at(packages.POLICY), 0o755)
        packages.clean_up(self.node)
        self.assertEqual(self.masked(), ["nginx.service"])

    def test_a_history_that_was_rotated_is_read(self):
        self.machine.bring("nginx-light", "apt-get " + " ".join(packages.INSTALL) + " nginx-light")
        history = self.paths.at(package_units.HISTORY)
        with open(history, "rb") as file, gzip.open(f"{history}.1.gz", "wb") as rotated:
            rotated.write(file.read())
        os.unlink(history)
        self.assertEqual([change["what"] for change in packages.quiet(self.node)], ["nginx.service"])

    def test_a_history_that_is_spoiled_stops_nobody(self):
        self.place(f"{package_units.HISTORY}.1.gz", "not compressed")
        self.place(f"{package_units.HISTORY}.2.gz", "")
        packages.install(self.node, ["cups"])
        self.assertEqual(self.masked(), ["cups.path"])

    def test_an_administrator_s_package_stays_and_so_does_what_was_unmasked(self):
        self.machine.bring("nginx-light", "apt-get install -y nginx-light")
        self.assertEqual(packages.quiet(self.node), [])
        packages.install(self.node, ["cockpit"])
        os.unlink(self.paths.unit("cockpit.socket"))
        self.assertEqual(packages.quiet(self.node), [])
        self.assertEqual(self.masked(), [])

    def test_an_administrator_s_own_unit_of_that_name_stays(self):
        self.place("/etc/systemd/system/nginx.service", "[Service]\nExecStart=mine\n")
        packages.install(self.node, ["nginx-light"])
        self.assertEqual(self.text("/etc/systemd/system/nginx.service"), "[Service]\nExecStart=mine\n")

    def test_what_nothing_starts_and_what_the_platform_wants_is_left_alone(self):
        self.machine.shipped["varnish"] = ["/lib/systemd/system/varnish.service", f"{self.WANTS}/varnish.service"]
        self.machine.shipped["nginx-light"] = ["/lib/systemd/system/nginx.service", "/lib/systemd/system/nginx-debug.service"]
        packages.install(self.node, ["varnish", "nginx-light"])
        self.assertEqual(self.masked(), [])


class Ports(NodeTest):
    TAKEN = 'LISTEN 0 511 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=42,fd=6),("nginx",pid=43,fd=6))\n'

    def test_a_foreign_program_on_a_port_of_varnish_s_is_named_with_its_unit(self):
        self.machine.listeners[80] = self.TAKEN
        self.place("/proc/42/cgroup", "1:name=systemd:/\n0::/system.slice/nginx.service\n")
        self.assertEqual(ports.foreign(self.node), ["port 80 is taken by nginx (nginx.service)"])
        self.assertEqual(self.refused("unit", "converge", state=self.node_state()).message, "port 80 is taken by nginx (nginx.service)")

    def test_a_node_without_varnish_leaves_them_to_whoever_has_them(self):
        self.machine.listeners[80] = self.TAKEN
        self.ask("converge", state=self.node_state(units={"running": [], "stopped": []}))

    def test_without_a_unit_its_process_is_told(self):
        self.machine.listeners[6082] = self.TAKEN.replace(":80 ", ":6082 ")
        self.assertEqual(ports.foreign(self.node), ["port 6082 is taken by nginx (process 42)"])

    def test_varnish_itself_is_not_foreign(self):
        self.machine.listeners[80] = 'LISTEN 0 0 *:80 *:* users:(("cache-main",pid=9,fd=3),("varnishd",pid=8,fd=3))\n'
        self.assertEqual(ports.foreign(self.node), [])
