import os
import termios
import unittest

from support import AgentError, NodeTest

from silver import history, runs, services, state, terminal, verbs
from silver.services import Use, postgres

RUN = """# A=comment
[Service]
Type=exec
ExecStart=/usr/bin/python3 -P @ROOT@/conf/run.py /tmp/run
ExecStopPost=+/bin/sh -c 'echo "$SERVICE_RESULT $EXIT_STATUS" >@RUN@/ended'
BindReadOnlyPaths=@RUN@/given:/tmp/run
CapabilityBoundingSet=
"""


class Runs(NodeTest):
    """What is made for a command and what becomes of it; that it runs is proved in the process layer and on real nodes."""

    def setUp(self):
        super().setUp()
        self.converge()
        self.live = self.roll_out()

    def roll_out(self, version="1.0.0", **changes):
        own = self.release(self.app(), version)["files"]
        return super().roll_out(version, files=[*own, {"path": "conf/run.service", "mode": "0644", "content": RUN}], **changes)

    def begin(self, **changes):
        wanted = {"site": "hello", "release": None, "who": "anna@laptop", "command": ["bin/show", "sesame"], "terminal": False, "bytes": 0}
        return self.ask("run", **{**wanted, **changes})["run"]

    def ends(self, run, how):
        self.place(f"/var/lib/silver/runs/{run}/ended", how)

    def refused(self, **changes):
        with self.assertRaises(AgentError) as caught:
            self.begin(**changes)
        self.assertEqual((caught.exception.code, os.path.isdir(self.paths.runs()) and os.listdir(self.paths.runs()) or []), ("usage", []))
        return caught.exception.message

    def test_a_line_of_a_unit_ends_where_systemd_ends_it(self):
        self.assertEqual(runs.properties_in('Environment="A=a\u2028b"\n'), ['--property=Environment="A=a\u2028b"'])

    def test_its_unit_has_the_lines_of_the_release_and_its_words_stand_in_a_file(self):
        run = self.begin()
        record = runs.begun(self.node, run)
        root = self.paths.release("hello", self.live["id"])
        place = f"{self.paths.runs()}/{run}"
        self.assertEqual(record["unit"], f"silver-run-hello.{run}@{self.live['id']}.service")
        self.assertEqual(runs.program_of(self.node, record), ["/usr/bin/python3", "-P", f"{root}/conf/run.py", "/tmp/run"])
        self.assertEqual(
            runs.properties(self.node, run, record),
            [
                "--property=Type=exec",
                f"--property=ExecStopPost=+/bin/sh -c 'echo \"$SERVICE_RESULT $EXIT_STATUS\" >{place}/ended'",
                f"--property=BindReadOnlyPaths={place}/given:/tmp/run",
                "--property=CapabilityBoundingSet=",
            ],
        )
        self.assertEqual(self.text(f"/var/lib/silver/runs/{run}/given/command.json"), '["bin/show","sesame"]')
        self.assertNotIn("sesame", self.text(f"/var/lib/silver/runs/{run}/run.json"))
        self.assertEqual(os.stat(self.paths.runs()).st_mode & 0o777, 0o700)

    def test_how_it_ended_is_told_as_a_shell_counts(self):
        for how, code, reason in (
            ("success 0", 0, None),
            ("exit-code 7", 7, None),
            ("success TERM", 143, "it was ended by SIGTERM"),
            ("signal KILL", 137, "it was ended by SIGKILL"),
            ("oom-kill KILL", 137, "it used more memory than the processes of the site may"),
            ("", None, None),
        ):
            with self.subTest(how):
                run = self.begin()
                self.ends(run, f"{how}\n")
                self.assertEqual(self.ask("end-run", run=run), {"code": code, "reason": reason})
                self.assertEqual(os.listdir(self.paths.runs()), [])

    def test_it_stands_in_the_history_by_its_program_and_is_no_rollout(self):
        before = history.last(self.node, "hello")
        run = self.begin()
        self.ends(run, "exit-code 7")
        self.ask("end-run", run=run)
        line = self.text("/srv/silver/hello/history.jsonl").splitlines()[-1]
        self.assertRegex(
            line, f'^{{"code":7,"release":"{self.live["id"]}","run":"bin/show","seconds":[0-9.]+,"when":".*","who":"anna@laptop"}}$'
        )
        self.assertEqual(history.last(self.node, "hello"), before)
        self.assertEqual(self.ask("status", site="hello")["sites"][0]["live"], self.live["id"])

    def test_a_release_stays_as_long_as_a_command_uses_it(self):
        run = self.begin()
        for version in ("1.1.0", "1.2.0", "1.3.0", "1.4.0"):
            self.roll_out(version)
            for name in list(self.machine.units):
                if self.live["id"] in name:
                    self.machine.stop(name)
        from silver import releases

        releases.prune(self.node, "hello")
        self.assertIn(self.live["id"], state.read(self.node, "hello")["releases"])
        self.ask("end-run", run=run)
        releases.prune(self.node, "hello")
        self.assertNotIn(self.live["id"], state.read(self.node, "hello")["releases"])

    def test_it_is_ended_with_its_session_and_by_the_timer_where_that_died(self):
        self.begin()
        unit = runs.of_site(self.node, "hello")[0]["unit"]
        self.session.end()
        self.assertIn(f"systemctl stop {unit}", self.machine.calls)
        self.assertEqual(os.listdir(self.paths.runs()), [])
        dead = self.begin()
        os.close(self.session.runs[dead].lock)
        self.session = verbs.Session(self.node)
        alive = self.begin()
        self.assertEqual(os.listdir(self.paths.runs()), [alive])
        os.close(self.session.runs.pop(alive).lock)
        self.ask("measure")
        self.assertEqual(os.listdir(self.paths.runs()), [])

    def test_a_site_that_is_removed_ends_its_commands(self):
        self.begin()
        unit = runs.of_site(self.node, "hello")[0]["unit"]
        held = self.lease(self.live)
        self.ask("remove", **held)
        self.assertIn(f"systemctl stop {unit}", self.machine.calls)

    def test_what_can_not_be_run_is_refused_by_name(self):
        self.assertEqual(self.refused(site="nobody"), "this node has no site nobody")
        self.assertEqual(self.refused(release="9.9.9-00000000.00000000"), "hello has no release 9.9.9-00000000.00000000 on this node")
        self.assertEqual(self.refused(service="db"), "hello has no service db on this node")
        os.unlink(f"{self.paths.release('hello', self.live['id'])}/conf/run.service")
        self.assertRegex(self.refused(), "runs no commands: its app is static")
        with self.assertRaises(AgentError):
            runs.begun(self.node, "../../etc")
        with self.assertRaises(AgentError):
            self.ask("end-run", run="0123456789abcdef")

    def test_the_client_of_a_service_logs_in_as_the_site(self):
        words = postgres.client(self.node, Use("hello", 1, "db", {}))
        self.assertEqual(words, ["psql", "--host=/run/silver/pg-hello-g1", "--port=5432", "--username=site-hello", "hello_g1"])
        words = services.of("redis").client(self.node, Use("hello", 1, "queue", {}))
        self.assertEqual(words, ["redis-cli", "-s", "/run/silver/redis-hello-g1/socket"])
        self.assertFalse(hasattr(services.of("files"), "client"))


class Sizes(unittest.TestCase):
    def test_a_terminal_that_knows_no_size_gives_one_all_the_same(self):
        for given, wanted in ((None, (24, 80)), ((50, 132), (50, 132))):
            (source, other), (master, slave) = os.openpty(), os.openpty()
            self.addCleanup(lambda fds=(source, other, master, slave): [os.close(fd) for fd in fds])
            if given:
                termios.tcsetwinsize(other, given)
            terminal.copy_size(other, master)
            self.assertEqual(termios.tcgetwinsize(slave), wanted)
