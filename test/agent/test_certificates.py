import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import threading
import time
from unittest import mock

from support import AgentError, Done, Killed, NodeTest

from silver import certificates, files, ports
from silver.haproxy_cli import SOCKET

UNIT = certificates.UNIT
HTTPS = {"authority": "local", "hosts": {"hello": ["hello.test", ".acme.test"]}}


def serial_of(pem):
    return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=pem, capture_output=True, text=True).stdout.strip()[7:]


class Haproxy:
    """Answers on HAProxy's socket as it does, as far as the agent looks, while its unit runs."""

    def __init__(self, machine):
        self.machine, self.paths = machine, machine.paths
        self.served, self.list, self.begun, self.created = None, [], {}, set()
        self.commands = []
        path = self.paths.at(SOCKET)
        os.makedirs(os.path.dirname(path))
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                text = connection.recv(1 << 16).decode()
                while "<<\n" in text and not text.endswith("\n\n"):
                    text += connection.recv(1 << 16).decode()
                connection.sendall(self.answer(text).encode())

    def start(self):
        paths = self.paths_listed()
        # Without each of them it would not start.
        self.served = {path: pathlib.Path(self.paths.at(path)).read_text() for path in paths}
        self.list = paths

    def paths_listed(self):
        return pathlib.Path(self.paths.at(certificates.CRT_LIST)).read_text().split()

    def answer(self, text):
        if self.machine.units.get(UNIT) != "active":
            self.served = None
            return ""
        if self.served is None:
            self.start()
        command, _, payload = text.partition(" <<\n")
        self.commands.append(command.strip())
        match command.split():
            case ["show", "version"]:
                return "2.8.5\n"
            case ["show", "ssl", "cert"]:
                return "".join(
                    [*(f"# transaction\n*{path}\n" for path in self.begun), "# filename\n", *(f"{path}\n" for path in self.served)]
                )
            case ["show", "ssl", "cert", path]:
                if path not in self.served:
                    return "Can't display the certificate: Not found!\n"
                status = "Used" if path in self.list else "Unused"
                return f"Filename: {path}\nStatus: {status}\nSerial: {serial_of(self.served[path])}\nnotAfter: Jan  3 03:58:00 2028 GMT\n"
            case ["new", "ssl", "cert", path]:
                self.served[path] = ""
                return f"New empty certificate store '{path}'!\n"
            case ["set", "ssl", "cert", path]:
                if self.begun and path not in self.begun:
                    return f"The ongoing transaction is about '{next(iter(self.begun))}' but you are trying to set '{path}'\n"
                self.begun[path] = payload
                return f"Transaction created for certificate {path}!\n"
            case ["abort", "ssl", "cert", path]:
                return f"Transaction aborted for certificate '{path}'!\n" if self.begun.pop(path, None) else "No ongoing transaction!\n"
            case ["commit", "ssl", "cert", path]:
                self.served[path] = self.begun.pop(path)
                return f"Committing {path}.\nSuccess!\n"
            case ["add", "ssl", "crt-list", _, path]:
                self.list.append(path)
                return "Inserting certificate.\nSuccess!\n"
            case ["del", "ssl", "crt-list", _, path]:
                self.list.remove(path)
                return "Entry deleted!\n"
            case ["del", "ssl", "cert", path]:
                del self.served[path]
                return "Certificate deleted!\n"


class Certificates(NodeTest):
    def setUp(self):
        super().setUp()
        self.machine.available.add("haproxy")
        self.machine.openssl = self.openssl
        self.address = "10.1.2.3"
        self.machine.ip = lambda *words: (
            f"2: host0    inet {self.address}/24 brd 10.1.2.255 scope global host0\n2: host0    inet6 fd00::9/64 scope global temporary\n"
        )
        self.haproxy = Haproxy(self.machine)
        self.addCleanup(self.haproxy.listener.close)
        self.sign("one")

    def openssl(self, *words, stdin=""):
        done = subprocess.run(["openssl", *words], input=stdin, capture_output=True, text=True)
        return Done(done.returncode, done.stdout, done.stderr)

    def sign(self, name):
        """The authority that signs from now on."""
        ext = ["-addext", "keyUsage=critical,keyCertSign"]
        words = ["-x509", "-days", "3650", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", *ext]
        self.place(certificates.AUTHORITY, self.openssl("req", *words, "-keyout", "/dev/stdout", "-out", "/dev/stdout").out)

    def state(self, https=HTTPS, **changes):
        state = self.node_state(**changes)
        unit = {"path": f"/etc/systemd/system/{UNIT}", "mode": "0644", "content": "[Service]\n", "after": "https-restart"}
        units = {**state["units"], "running": [*state["units"]["running"], UNIT]}
        return {**state, "https": https, "files": [*state["files"], unit], "units": units}

    def converge_https(self, https=HTTPS, **changes):
        return self.ask("converge", state=self.state(https, **changes))["changes"]

    def pem(self, name):
        return self.text(f"{certificates.DIRECTORY}/{name}.pem")

    def shown(self, name, *what):
        return subprocess.run(["openssl", "x509", "-noout", *what], input=self.pem(name), capture_output=True, text=True).stdout

    def served(self, name):
        return self.haproxy.served[f"{certificates.DIRECTORY}/{name}.pem"]

    def record(self, name=None, **changes):
        path = self.paths.at("/var/lib/silver/https.json")
        record = json.loads(pathlib.Path(path).read_text())
        if name is not None:
            record[name] |= changes
            pathlib.Path(path).write_text(json.dumps(record))
        return record

    def problems(self):
        return certificates.problems(self.node)

    def test_a_node_gets_a_certificate_for_itself_and_one_for_each_site_with_hosts(self):
        changes = self.converge_https()
        self.assertIn({"what": "certificate of hello", "why": "there is none"}, changes)
        self.assertEqual(self.machine.units[UNIT], "active")
        self.assertIn("DNS:hello.test, DNS:acme.test, DNS:*.acme.test", self.shown("hello", "-ext", "subjectAltName"))
        self.assertIn("IP Address:10.1.2.3", self.shown("@node", "-ext", "subjectAltName"))
        self.assertNotIn("FD00", self.shown("@node", "-ext", "subjectAltName"))
        self.assertIn("CA:FALSE", self.shown("hello", "-ext", "basicConstraints"))
        self.assertRegex(self.shown("hello", "-issuer"), "issuer=CN ?= ?one")
        for path, mode in ((".", 0o750), ("hello.pem", 0o640), ("crt-list", 0o640)):
            self.assertEqual(stat.S_IMODE(os.stat(f"{self.paths.at(certificates.DIRECTORY)}/{path}").st_mode), mode)
        self.assertEqual(self.haproxy.paths_listed(), [f"{certificates.DIRECTORY}/{name}.pem" for name in ("@node", "hello")])
        verified = subprocess.run(
            ["openssl", "verify", "-CAfile", self.paths.at(certificates.AUTHORITY)],
            input=self.pem("hello"),
            capture_output=True,
            text=True,
        )
        self.assertEqual(verified.returncode, 0)
        self.assertEqual(self.problems(), [])

    def test_a_second_time_changes_nothing(self):
        self.converge_https()
        self.haproxy.commands.clear()
        self.machine.calls.clear()
        self.assertEqual(self.converge_https(), [])
        self.assertEqual(self.ask("measure")["changes"], [])
        self.assertEqual([call for call in self.machine.calls if "openssl" in call], [])
        self.assertEqual({command.split()[0] for command in self.haproxy.commands}, {"show"})

    def test_a_key_is_new_with_each_certificate_and_leaves_in_no_message(self):
        self.converge_https()
        before = self.pem("hello")
        self.record("hello", until=time.time() + 100 * certificates.DAY)
        changes = self.ask("measure")["changes"]
        self.assertEqual([change["why"] for change in changes], ["99 days are left", "another one was served"])
        key = re.compile("-----BEGIN PRIVATE KEY.*", re.DOTALL)
        self.assertNotEqual(key.search(before)[0], key.search(self.pem("hello"))[0])
        self.assertEqual(self.served("hello").strip(), self.pem("hello").strip())
        self.assertEqual([call for call in self.machine.calls if "PRIVATE" in call], [])

    def test_new_names_and_new_sites_are_served_without_a_restart(self):
        self.converge_https()
        self.machine.calls.clear()
        hosts = {"hello": ["hello.test"], "wiki": ["wiki.test"]}
        self.converge_https({**HTTPS, "hosts": hosts}, sites=("hello", "wiki"))
        self.assertIn("DNS:wiki.test", self.shown("wiki", "-ext", "subjectAltName"))
        self.assertNotIn("acme", self.shown("hello", "-ext", "subjectAltName"))
        self.assertEqual(serial_of(self.served("wiki")), serial_of(self.pem("wiki")))
        self.assertEqual([call for call in self.machine.calls if call.startswith(("systemctl start", "systemctl stop"))], [])
        self.converge_https({**HTTPS, "hosts": {"wiki": ["wiki.test"]}}, sites=("hello", "wiki"))
        self.assertNotIn(f"{certificates.DIRECTORY}/hello.pem", self.haproxy.served)
        self.assertFalse(os.path.exists(self.paths.at(f"{certificates.DIRECTORY}/hello.pem")))

    def test_an_address_that_changed_is_in_the_nodes_own(self):
        self.converge_https()
        self.address = "10.9.9.9"
        self.assertEqual(self.ask("measure")["changes"][0], {"what": "certificate of this node", "why": "its names changed"})
        self.assertIn("10.9.9.9", self.shown("@node", "-ext", "subjectAltName"))
        self.machine.ip = lambda *words: ""
        self.assertEqual(self.ask("measure")["changes"], [])

    def test_what_a_fault_has_cut_to_nothing_is_made_again(self):
        self.converge_https()
        for path in (f"{certificates.DIRECTORY}/hello.pem", certificates.CRT_LIST, "/var/lib/silver/https.json"):
            for text in ("", "garbage"):
                with self.subTest(path=path, text=text):
                    self.place(path, text)
                    self.assertNotEqual(self.ask("measure")["changes"], [])
                    self.assertEqual(self.problems(), [])
                    self.assertEqual(serial_of(self.served("hello")), serial_of(self.pem("hello")))
                    self.assertEqual(self.haproxy.paths_listed()[1:], [f"{certificates.DIRECTORY}/hello.pem"])

    def test_after_a_boot_it_is_made_again_before_the_terminator_starts(self):
        self.converge_https()
        self.machine.reboot()
        self.haproxy.served = None
        self.place(f"{certificates.DIRECTORY}/hello.pem", "")
        self.start_boot()
        self.haproxy.answer("show version\n")
        self.assertEqual(serial_of(self.served("hello")), serial_of(self.pem("hello")))

    def test_without_the_authority_what_is_there_serves_on_and_is_told_when_it_ends(self):
        self.converge_https()
        os.unlink(self.paths.at(certificates.AUTHORITY))
        self.assertEqual(self.converge_https(), [])
        self.assertEqual(self.problems(), [])
        self.record("hello", until=time.time() + 20.5 * certificates.DAY)
        self.ask("measure")
        why = "this checkout's authority for certificates is not on the node"
        self.assertEqual(self.problems(), [f"the certificate of hello can't be renewed, 20 days are left: {why}"])
        self.record("hello", until=time.time() - 5)
        self.ask("measure")
        self.assertEqual(self.problems(), [f"the certificate of hello is expired: {why}"])
        self.sign("two")
        self.ask("measure")
        self.assertEqual(self.problems(), [])
        self.assertRegex(self.shown("@node", "-issuer"), "issuer=CN ?= ?two")

    def test_a_first_certificate_that_cant_be_made_is_an_error_and_the_spoiled_one_is_served_on(self):
        self.converge_https()
        before = self.served("hello")
        os.unlink(self.paths.at(certificates.AUTHORITY))
        self.place(f"{certificates.DIRECTORY}/hello.pem", "")
        with self.assertRaisesRegex(AgentError, "authority for certificates is not on the node"):
            self.ask("measure")
        self.assertEqual(self.served("hello"), before)
        self.assertEqual(self.haproxy.paths_listed(), [f"{certificates.DIRECTORY}/@node.pem"])
        self.assertEqual(self.problems(), ["there is no certificate of hello"])

    def test_where_none_can_be_made_at_first_http_serves_on(self):
        self.converge()
        os.unlink(self.paths.at(certificates.AUTHORITY))
        self.machine.calls.clear()
        state = self.state()
        state["files"][0]["content"] = "table inet silver { }\n"
        state["files"][3]["content"] = "[Service]\nNice=1\n"
        error = self.refused("file", "converge", state=state)
        self.assertEqual(error.fix, f"node components/machines/main.ts start {self.node.name()}")
        self.assertEqual([call for call in self.machine.calls if call.startswith("systemctl stop")], [])
        # Rules that were changed may close what is open.
        self.assertIn("table inet silver { }", self.machine.rules[-1])
        self.sign("one")
        self.ask("converge", state=state)
        self.assertIn("systemctl stop varnish.service", self.machine.calls)
        self.assertEqual(self.problems(), [])

    def test_a_host_that_is_an_address_is_one_in_its_certificate(self):
        self.converge_https({**HTTPS, "hosts": {"hello": ["10.0.0.5", "10.0.0"]}})
        self.assertIn("IP Address:10.0.0.5, DNS:10.0.0", self.shown("hello", "-ext", "subjectAltName"))

    def test_an_authority_that_is_no_longer_one_signs_nothing(self):
        self.converge_https()
        self.place(certificates.AUTHORITY, "garbage")
        self.ask("measure")
        told = f"openssl can't sign with {certificates.AUTHORITY}"
        self.assertEqual([text.partition(": ")[2] for text in self.problems()], [told, told])
        error = self.refused("file", "converge", state=self.state({**HTTPS, "hosts": {"new": ["new.test"]}}))
        self.assertIn("PRIVATE KEY", " ".join(error.log).upper())

    def test_an_agent_that_dies_anywhere_is_followed_by_one_that_ends_its_work(self):
        self.converge_https()
        for place in range(40):
            self.record("hello", until=time.time() + certificates.DAY)
            calls = len(self.haproxy.commands)
            real = certificates.HaproxyCli.__call__

            def dies(cli, *words, calls=calls, place=place, real=real):
                if len(self.haproxy.commands) - calls >= place:
                    raise Killed
                return real(cli, *words)

            try:
                with mock.patch.object(certificates.HaproxyCli, "__call__", dies):
                    self.ask("measure")
                break
            except Killed:
                self.ask("measure")
            self.assertEqual(serial_of(self.served("hello")), serial_of(self.pem("hello")), place)
            self.assertEqual(self.problems(), [])
        self.assertGreater(place, 5)

    def test_what_the_terminator_serves_instead_is_told(self):
        self.converge_https()
        path = f"{certificates.DIRECTORY}/hello.pem"
        self.haproxy.served[path] = self.served("@node")
        self.assertEqual(self.problems(), ["visitors of hello get another certificate than the node has for it"])

    def test_one_that_goes_away_while_it_is_asked_is_told(self):
        self.converge_https()
        with mock.patch.object(certificates.HaproxyCli, "shown", side_effect=AgentError("unit", "HAProxy does not answer")):
            self.assertEqual(self.problems(), ["HAProxy does not answer"])

    def test_a_heal_restarts_it_as_little_as_varnish(self):
        self.converge_https()
        owed = self.paths.var("owed.json")
        files.write_json(owed, ["https-restart"])
        self.machine.calls.clear()
        self.ask("heal-node")
        self.assertEqual([call for call in self.machine.calls if call.startswith("systemctl stop")], [])
        self.assertEqual(files.read_json(owed), ["https-restart"])
        self.converge_https()
        self.assertIn(f"systemctl stop {UNIT}", self.machine.calls)
        self.assertEqual(files.read_json(owed), [])

    def test_another_program_on_the_port_is_told_and_refused(self):
        self.machine.listeners[443] = 'LISTEN 0 128 *:443 *:* users:(("nginx",pid=7,fd=3))'
        self.converge()
        with self.assertRaisesRegex(AgentError, "port 443 is taken by nginx"):
            self.converge_https()
        self.place("/proc/7/cgroup", f"0::/system.slice/{UNIT}\n")
        self.assertEqual(ports.foreign(self.node), [])
        self.converge_https()

    def test_a_node_that_is_to_speak_it_no_more_has_nothing_of_it_left(self):
        self.converge_https()
        self.assertIn({"what": UNIT, "why": "this node speaks no https any more"}, self.converge())
        self.assertNotEqual(self.machine.units[UNIT], "active")
        for path in (certificates.DIRECTORY, "/var/lib/silver/https.json", f"/etc/systemd/system/{UNIT}"):
            self.assertFalse(os.path.lexists(self.paths.at(path)), path)
        self.assertEqual(self.converge(), [])

    def test_so_it_is_where_the_agent_died_anywhere_meanwhile(self):
        left = [certificates.DIRECTORY, f"{certificates.DIRECTORY}.gone", "/var/lib/silver/https.json", f"/etc/systemd/system/{UNIT}"]
        for module, name in ((files, "remove"), (shutil, "rmtree"), (os, "rename")):
            for place in range(10):
                self.converge_https()
                real, done = getattr(module, name), []

                def dies(*words, place=place, real=real, done=done, **named):
                    done.append(words)
                    if len(done) > place:
                        raise Killed
                    return real(*words, **named)

                try:
                    with mock.patch.object(module, name, dies):
                        certificates.leave(self.node)
                    break
                except Killed:
                    certificates.leave(self.node)
                self.assertEqual([path for path in left if os.path.lexists(self.paths.at(path))], [], (name, place))
                self.assertEqual(certificates.leave(self.node), [])
            self.assertGreater(place, 0, name)
