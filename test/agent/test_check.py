import time

from support import NodeTest

from silver import redact


class Checks(NodeTest):
    def setUp(self):
        super().setUp()
        self.converge()
        self.app_text = self.app()
        self.release_ = self.release(self.app_text, secrets={"KEY": 1})
        self.held = self.lease(self.release_)
        self.prepare(self.held, self.release_, self.app_text, {"KEY": 'hunter2 & "Co"'})

    def check(self, within=0.0, **changes):
        arguments = {"through": "direct", "host": "blog.acme.net", "path": "/health", "status": 200, "body": "ok", **changes}
        return self.ask("check", **self.held, release=self.release_["id"], withinSeconds=within, **arguments)

    def mark(self):
        return f"hello {self.release_['id']}"

    def test_a_right_answer_is_ok_with_the_host_asked_for(self):
        seen = []
        self.machine.app = lambda request: (seen.append((request.path, request.headers["Host"])), (200, "all ok", self.mark()))[1]
        answer = self.check()["answer"]
        self.assertTrue(answer["ok"], answer)
        self.assertIsNone(answer["reason"])
        self.assertEqual(seen, [("/health", "blog.acme.net")])
        self.assertRegex(answer["url"], r"^http://127\.64\.\d+\.\d+:\d+/health$")

    def test_each_wrong_answer_says_why(self):
        for expected, reply in [
            ("status 500, expected 200", (500, "", self.mark())),
            ("status 500, expected 200, not from the app's own code: its process died, or did not start", (500, "", None)),
            (f"answered without X-Silver-Release, expected {self.mark()}", (200, "ok", None)),
            (f"served by hello 0.9, expected {self.mark()}", (200, "ok", "hello 0.9")),
            ("the body does not contain 'ok'", (200, "sorry", self.mark())),
        ]:
            with self.subTest(expected):
                self.machine.app = lambda request, reply=reply: reply
                self.machine.journal = ["Traceback (most recent call last):", "KeyError: 'x'"]
                result = self.check()
                self.assertEqual(result["answer"]["reason"], expected)
                self.assertEqual(result["log"], self.machine.journal)

    def test_it_asks_again_until_the_app_is_ready(self):
        replies = [(503, "", None), (503, "", None), (200, "ok", self.mark())]
        self.machine.app = lambda request: replies.pop(0)
        self.assertTrue(self.check(within=10)["answer"]["ok"])
        self.assertEqual(replies, [])

    def test_it_gives_up_at_once_when_the_unit_has_ended(self):
        self.machine.stop(f"silver-web-hello@{self.release_['id']}.service")
        start = time.monotonic()
        answer = self.check(within=30)["answer"]
        self.assertLess(time.monotonic() - start, 10)
        self.assertIn("connection refused", answer["reason"])
        self.assertIn("has stopped", answer["reason"])

    def test_it_gives_up_within_seconds_when_the_app_can_not_be_loaded(self):
        self.machine.app = lambda request: (500, "", None)
        start = time.monotonic()
        answer = self.check(within=60)["answer"]
        self.assertLess(time.monotonic() - start, 20)
        self.assertRegex(answer["reason"], r"its process died, or did not start; \d+ times in a row$")

    def test_errors_of_the_app_itself_are_asked_again(self):
        start = time.monotonic()
        replies = [(500, "", None)] * 3
        self.machine.app = lambda request: (
            (500, "", self.mark()) if time.monotonic() - start < 4 else replies.pop(0) if replies else (200, "ok", self.mark())
        )
        self.assertTrue(self.check(within=60)["answer"]["ok"])

    def test_it_gives_up_when_the_driver_is_gone(self):
        from silver.errors import DriverGone

        self.machine.app = lambda request: (503, "", None)
        self.node.gone = lambda: True
        with self.assertRaises(DriverGone):
            self.check(within=30)

    def test_secrets_are_in_no_answer_and_no_log(self):
        self.machine.app = lambda request: (500, 'the key is hunter2 & "Co"', self.mark())
        self.machine.journal = ["KEY=hunter2%20%26%20%22Co%22", 'KEY="hunter2 & \\"Co\\""', "fine"]
        result = self.check()
        self.assertEqual(result["answer"]["body"], "the key is [secret]")
        self.assertEqual(result["log"], ["KEY=[secret]", 'KEY="[secret]"', "fine"])
        self.assertEqual(self.ask("logs", site="hello", release=None, lines=9, kind="app")["lines"], result["log"])

    def test_secrets_are_in_no_file_but_one(self):
        import os
        import stat

        holding = []
        for directory, _, names in os.walk(self.root):
            for name in [name for name in names if os.path.isfile(f"{directory}/{name}")]:
                with open(f"{directory}/{name}", "rb") as file:
                    if b"hunter2" in file.read():
                        holding.append(f"{directory}/{name}")
        self.assertEqual(holding, [f"{self.paths.release('hello', self.release_['id'])}/environ.json"])
        self.assertEqual(stat.S_IMODE(os.stat(holding[0]).st_mode), 0o640)
        self.assertFalse([call for call in self.machine.calls if "hunter2" in call])

    def test_a_path_http_can_not_carry_is_refused(self):
        self.refused(
            "usage",
            "check",
            **self.held,
            release=self.release_["id"],
            through="direct",
            host="x",
            path="/a b\r\n",
            status=200,
            body=None,
            withinSeconds=0,
        )

    def test_a_release_that_was_not_prepared_is_refused(self):
        arguments = {"through": "direct", "host": "x", "path": "/", "status": 200, "body": None, "withinSeconds": 0}
        self.refused("usage", "check", **self.held, release="9.9.9-00000000.00000000", **arguments)

    def test_logs_of_a_site_that_is_not_there_are_refused(self):
        self.refused("usage", "logs", site="wiki", release=None, lines=9, kind="app")


class Redaction(NodeTest):
    def test_longer_secrets_go_first_and_short_ones_are_words(self):
        self.assertEqual(redact.redact({"abcdefgh", "abcd", "on"}, ["abcdefgh abcd on"]), ["[secret] [secret] on"])

    def test_each_line_of_a_long_secret_is_one(self):
        self.assertEqual(redact.redact({"first line\nsecond line"}, ["x second line"]), ["x [secret]"])
