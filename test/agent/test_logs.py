import json
import os
import re
import stat
from unittest import mock

from support import DriverGone, NodeTest, Runner

from silver import logs, redact, releases, state, unit

UNIT = "silver-web-hello@1.service"
ENTRY = {"_SYSTEMD_UNIT": UNIT, "_PID": "7", "__REALTIME_TIMESTAMP": "1", "__CURSOR": "s=1;i=2"}


class Logs(NodeTest):
    def setUp(self):
        super().setUp()
        self.converge()
        self.roll_out()

    def logs(self, kind="app", **arguments):
        return self.ask("logs", **{"site": "hello", "release": None, "lines": 50, "kind": kind, **arguments})["lines"]

    def texts(self, **arguments):
        """Without the moment."""
        return [re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} ", "", line) for line in self.logs(**arguments)]

    def test_the_app_s_words_stand_there_as_written_and_a_server_s_small_talk_does_not(self):
        self.machine.journal = [
            "[wsgi:info] [pid 5] mod_wsgi (pid=5): Attach interpreter ''.",
            "[mpm_event:notice] [pid 5] AH00489: Apache/2.4.58 configured -- resuming normal operations",
            "[app:error] [pid 7] Привет ☃ [wsgi:info] \\xd0",
            "[app:error] [pid 7] ",
            "[wsgi:error] [pid 7] [client 127.0.0.1:4] SyntaxError: \\xd0\\x9f\\t\\\\xd0 \\xff",
            "[wsgi:info] [pid 8] mod_wsgi (pid=8): Daemon process request time limit exceeded, stopping process 'app'.",
            '[wsgi:info] [pid 8] mod_wsgi (pid=8): Thread 1 executing file "/srv/x.py", line 10, in application',
            {"MESSAGE": [0xFF, 0x41], "_SYSTEMD_UNIT": UNIT},
            {"MESSAGE": "long", "_LINE_BREAK": "line-max"},
            {"MESSAGE": "PHP message: PHP Warning:  x", "_SYSTEMD_UNIT": "silver-php-hello@1.service"},
            {"MESSAGE": "emptied a.log", "OBJECT_SYSTEMD_UNIT": UNIT, "SYSLOG_IDENTIFIER": "silver-agent-hello"},
        ]
        self.assertEqual(
            self.texts(),
            [
                "web[7]: Привет ☃ [wsgi:info] \\xd0",
                "web[7]: ",
                "web[7]: SyntaxError: П\t\\xd0 \\xff",
                "web[8]: mod_wsgi (pid=8): Daemon process request time limit exceeded, stopping process 'app'.",
                'web[8]: mod_wsgi (pid=8): Thread 1 executing file "/srv/x.py", line 10, in application',
                "web[7]: \\xffA",
                "web[7]: long …",
                "php[7]: PHP Warning:  x",
                "silver-agent-hello[7]: emptied a.log",
            ],
        )

    def test_what_ends_a_line_for_some_programs_ends_none_of_the_journal_s_or_of_varnish_s(self):
        text = "Not Found: /a\u2028b\u2029c\u0085d\x0be\x1cf"
        self.machine.journal = [f"[app:error] [pid 7] {text}", "[app:error] [pid 7] next"]
        self.assertEqual(self.texts(), [f"web[7]: {text}", "web[7]: next"])
        self.assertEqual(unit.log(self.node, [UNIT])[0], f"[app:error] [pid 7] {text}")
        self.machine.requests = [f"2026-11-29T15:23:57+0000 {text}"]
        self.assertEqual(self.logs("access"), self.machine.requests)

    def test_systemd_is_heard_when_a_process_ended_and_not_when_it_started(self):
        told = {"_PID": "1", "_SYSTEMD_UNIT": UNIT}
        self.machine.journal = [
            {**told, "MESSAGE": "Started a unit.", "PRIORITY": "6"},
            {**told, "MESSAGE": "Main process exited, code=killed, status=9/KILL", "PRIORITY": "5"},
        ]
        self.assertEqual(self.texts(), ["systemd: Main process exited, code=killed, status=9/KILL"])

    def test_the_last_lines_are_found_behind_any_amount_of_small_talk(self):
        talk = ["[wsgi:info] [pid 5] mod_wsgi (pid=5): Attach interpreter ''."] * 500
        self.machine.journal = [f"[app:error] [pid 7] {number}" for number in range(9)] + talk
        self.assertEqual(self.texts(lines=2), ["web[7]: 7", "web[7]: 8"])

    def flood(self, *words):
        """As the journal of an app that writes as much as it can; how much of it was read."""
        read = [0]
        said = [json.dumps({**ENTRY, "MESSAGE": word}, ensure_ascii=False) for word in words]

        def lines(argv, env=None):
            self.assertNotIn("--follow", argv)
            while True:
                for text in said:
                    read[0] += len(text)
                    yield text

        self.machine.lines = lines
        return read

    def test_an_app_that_wrote_any_amount_takes_a_bounded_one_of_the_agent(self):
        read = self.flood("[x:info] [pid 1] " + "A" * 47_000)
        self.assertEqual(self.logs(), [logs.OLDER])
        self.assertLess(read[0], logs.MOST_READ + 100_000)
        for grep in ("", "^1"):
            read = self.flood("☃" * 48_000)
            lines = self.logs(lines=10_000, grep=grep)
            self.assertEqual(lines[0], logs.OLDER)
            self.assertTrue(all(line.endswith("☃ …") and len(line) < 20_100 for line in lines[1:]))
            self.assertLess(sum(map(len, lines)), logs.MOST_SHOWN + 2 * logs.PART_CHARACTERS)
            self.assertLess(read[0], 5 * logs.MOST_SHOWN)

    def test_as_much_is_read_as_is_needed_and_the_pattern_finds_what_is_far_away(self):
        read = self.flood("x" * 1000)
        self.assertEqual(len(self.logs()), 50)
        self.assertLess(read[0], 100_000)
        self.machine.lines = type(self.machine).lines.__get__(self.machine)
        self.machine.journal = ["needle", *["x"] * 3000, "needle", *["x"] * 3000]
        self.assertEqual(self.texts(grep="needle", lines=2), ["web[7]: needle"] * 2)

    def test_requests_of_any_length_are_kept_within_the_same_bounds(self):
        self.machine.requests = [f"2026-11-29T15:23:57+0000 {number} {'x' * 90_000}" for number in range(1200)]
        with mock.patch.object(logs, "MOST_SHOWN", 1 << 18):
            lines = self.logs("access", lines=1000)
        self.assertEqual((lines[0], len(lines)), (logs.OLDER, 1 + (1 << 18) // 20_002))
        self.assertIn(" 1199 ", lines[-1])

    def test_a_line_without_an_end_is_cut_where_it_is_read(self):
        words = ["python3", "-c", "import sys; sys.stdout.write('x' * (5 << 20) + '\\n' + 'y\\n' + 'z')"]
        self.assertEqual([len(line) for line in Runner().lines(words) if line is not None], [1 << 20, 1])

    def test_a_secret_is_hidden_wherever_the_parts_end_in_which_they_are_looked_for(self):
        with mock.patch.object(redact, "values", lambda *words: {"sesame-open!"}), mock.patch.object(logs, "PART", 20):
            for place in range(60):
                broken = [{"MESSAGE": "y" * redact.LONG + "sesame", "_LINE_BREAK": "line-max"}, "-open! z"]
                self.machine.journal = [*["x"] * place, *broken, *["x"] * (60 - place)]
                for grep, lines in (("", 70), ("[yz]", 5), ("", 61 - place)):
                    text = "\n".join(self.logs(grep=grep, lines=lines))
                    self.assertNotRegex(text, "sesame|-open")
                    self.assertIn("[secret]", text)

    def test_a_site_that_never_started_here_has_no_lines_and_an_unknown_one_is_refused(self):
        self.machine.journal = []
        self.assertEqual(self.logs(), [])
        self.refused("usage", "logs", site="wiki", release=None, lines=9, kind="app")

    def test_only_lines_with_a_pattern_are_shown_and_none_by_what_a_secret_says(self):
        self.roll_out("1.1.0", secrets={}, variables={"GREETING": "hi"})
        self.machine.journal = ["[app:error] [pid 7] one", "[app:error] [pid 7] two"]
        self.assertEqual(self.texts(grep="^.*t.o$"), ["web[7]: two"])
        self.assertIn("not a regular expression", self.refused("usage", "logs", **self.arguments(grep="(")).message)

    def arguments(self, **changes):
        return {"site": "hello", "release": None, "lines": 9, "kind": "app", **changes}

    def test_since_is_journald_s_to_judge_and_for_requests_the_line_s(self):
        self.logs(since=1795965837)
        self.assertIn("--since=@1795965837.000000", self.machine.calls[-1])
        self.machine.requests = ["2026-11-29T15:23:56+0000 a", "2026-11-29T15:23:57+0000 b"]
        self.assertEqual(self.logs("access", since=1795965837), ["2026-11-29T15:23:57+0000 b"])

    def test_requests_are_asked_of_varnish_by_the_label_that_answered(self):
        self.machine.requests = ["2026-11-29T15:23:57+0000 one", "2026-11-29T15:23:57+0000 two"]
        self.assertEqual(self.logs("access", lines=1), ["2026-11-29T15:23:57+0000 two"])
        self.assertIn('VCL_use ~ " via site_hello$"', self.machine.calls[-1])
        self.logs("access", release="1.0.0-3fa2c1d0.c7b19e02")
        self.assertIn('VCL_use ~ "^r_hello_c7b19e02 via site_hello$"', self.machine.calls[-1])

    def test_lines_are_told_as_they_come_until_the_driver_is_gone(self):
        for kind, said, seen in (
            ("app", [json.dumps({**ENTRY, "MESSAGE": "new"})], " web[7]: new"),
            ("rollout", ["t node silver-rollout-hello[1]: live"], "live"),
            ("access", ["GET / 200"], "GET / 200"),
        ):
            with self.subTest(kind):
                told = []
                self.node._say = lambda step, text, told=told: told.append((step, text))
                self.node.gone = lambda: False
                self.machine.followed, self.machine.follower_goes = said, lambda: setattr(self.node, "gone", lambda: True)
                with self.assertRaises(DriverGone):
                    self.logs(kind, follow=True)
                self.assertEqual([step for step, _ in told], ["line"])
                self.assertTrue(told[0][1].endswith(seen), told)

    def test_an_entry_that_was_cut_where_it_is_read_is_left_out_and_the_others_come(self):
        told = []
        self.node._say = lambda step, text: told.append(text)
        self.node.gone = lambda: False
        whole = [json.dumps({**ENTRY, "MESSAGE": text}) for text in ("before", "after")]
        cut = json.dumps({**ENTRY, "MESSAGE": "x" * 99})[:-50]
        self.machine.followed = [whole[0], cut, whole[1]]
        self.machine.follower_goes = lambda: setattr(self.node, "gone", lambda: True)
        with self.assertRaises(DriverGone):
            self.logs(follow=True)
        self.assertEqual([line.rpartition(" ")[2] for line in told], ["before", "after"])

    def test_who_follows_a_site_sees_the_releases_that_come_later(self):
        self.machine.followed = [json.dumps({**ENTRY, "MESSAGE": "old"})]
        self.node._say = lambda step, text: None
        self.node.gone = lambda: False

        def leave():
            self.node.gone = lambda: True

        def next_release():
            self.roll_out("1.1.0")
            self.machine.follower_goes = leave

        self.machine.follower_goes = next_release
        with self.assertRaises(DriverGone):
            self.logs(follow=True, since=1795965837)
        before, after = (call for call in self.machine.calls if "--follow" in call)
        later = next(name for name in state.read(self.node, "hello")["releases"] if name.startswith("1.1.0"))
        self.assertNotIn(later, before)
        self.assertIn(f"_SYSTEMD_UNIT=silver-web-hello@{later}.service", after)
        self.assertIn("--no-tail --after-cursor=s=1;i=2", after)
        # journalctl refuses both at once.
        self.assertIn("--since=@1795965837.000000", before)
        self.assertNotIn("--since", after)

    def test_a_site_that_has_no_release_yet_can_be_followed(self):
        releases = state.read(self.node, "hello")["releases"]
        state.change(self.node, "hello", releases=[])
        self.machine.follower_goes = lambda: setattr(self.node, "gone", lambda: True)
        self.node.gone = lambda: False
        waited = []

        def comes(seconds):
            waited.append(seconds)
            state.change(self.node, "hello", releases=releases)

        with mock.patch("silver.logs.time.sleep", comes), self.assertRaises(DriverGone):
            self.logs(follow=True)
        self.assertEqual(len(waited), 1)


class Former(NodeTest):
    """The journal keeps what a release said: its secrets are hidden in it, whatever became of the release."""

    VALUE = "hunter2 of version two"

    def setUp(self):
        super().setUp()
        self.converge()
        self.roll_out()
        self.machine.journal = [f"[app:error] [pid 7] bad key {self.VALUE}", "[app:error] [pid 7] hunter2%20of%20version%20two"]

    def begin(self, version="1.1.0"):
        """A release with a secret, up to its flip, by a driver of its own."""
        self.die()
        app = self.app(src__wsgi_py=f"version = {version!r}\n")
        release = self.release(app, version, secrets={"KEY": 2})
        held = self.lease(release)
        self.prepare(held, release, app, {"KEY": self.VALUE})
        return release, held

    def assert_hidden(self):
        for kind in ("app", "rollout"):
            lines = self.ask("logs", site="hello", release=None, lines=50, kind=kind)["lines"]
            self.assertFalse([line for line in lines if "hunter2" in line])
        app = self.ask("logs", site="hello", release=None, lines=50, kind="app")["lines"]
        self.assertEqual([line.split(": ", 1)[1] for line in app], ["bad key [secret]", "[secret]"])

    def test_one_that_was_rolled_back_before_anyone_saw_it(self):
        release, held = self.begin()
        self.assert_hidden()
        self.ask("undo", **held, reason="it failed")
        self.assertFalse(os.path.exists(self.paths.release("hello", release["id"])))
        self.assert_hidden()

    def test_one_that_is_rolled_back_and_still_has_requests(self):
        release, held = self.begin()
        self.ask("flip", **held, release=release["id"], last=False)
        self.ask("undo", **held, reason="it failed")
        self.assertNotIn(release["id"], state.read(self.node, "hello")["releases"])
        self.assertTrue(os.path.exists(self.paths.release("hello", release["id"])))
        self.assert_hidden()

    def test_one_that_was_pruned(self):
        release, held = self.begin()
        self.ask("flip", **held, release=release["id"], last=True)
        self.finish(held, release)
        self.roll_out("1.2.0")
        releases.remove(self.node, "hello", release["id"])
        self.assert_hidden()

    def test_one_of_a_site_that_was_removed_and_came_back(self):
        release, held = self.begin()
        self.ask("flip", **held, release=release["id"], last=True)
        self.finish(held, release)
        self.ask("remove", **self.lease(release))
        self.assert_hidden()
        self.die()
        self.roll_out("1.2.0")
        self.assert_hidden()

    def test_one_whose_removal_was_interrupted(self):
        release, held = self.begin()
        state.change(self.node, "hello", releases=[])
        self.assert_hidden()

    def test_they_are_kept_for_root_and_only_once_their_release_is_gone(self):
        place = self.paths.former_secrets("hello")
        _, held = self.begin()
        self.assertFalse(os.path.exists(place))
        self.ask("undo", **held, reason="it failed")
        self.assertEqual(stat.S_IMODE(os.stat(place).st_mode), 0o600)
        with open(place, encoding="utf-8") as file:
            self.assertEqual(json.load(file), [self.VALUE])
        _, held = self.begin("1.2.0")
        self.ask("undo", **held, reason="it failed")
        with open(place, encoding="utf-8") as file:
            self.assertEqual(json.load(file), [self.VALUE])

    def test_a_damaged_file_of_them_stops_nothing(self):
        for text in ("", "{", '{"a": 1}', "[1, null]"):
            with self.subTest(text):
                with open(self.paths.former_secrets("hello"), "w", encoding="utf-8") as file:
                    file.write(text)
                _, held = self.begin()
                self.assert_hidden()
                self.ask("undo", **held, reason="it failed")
                self.assert_hidden()
