import contextlib
import json
import pathlib
import re
import socket
import threading
import time
from unittest import mock

from support import NodeTest

from silver import check, redact, releases, site_key, site_services, state, unit


def drip(server, head):
    """Begins an answer, and goes on with it for a minute."""
    with contextlib.suppress(OSError), server.accept()[0] as visitor:
        visitor.sendall(head)
        for _ in range(300):
            visitor.sendall(b"x")
            time.sleep(0.2)


def flood(server, sent):
    """A chunk of a size below nothing, and then as much as is taken."""
    with contextlib.suppress(OSError), server.accept()[0] as visitor:
        visitor.recv(4096)
        visitor.sendall(b"HTTP/1.1 200 OK\r\nX-Silver-Release: a b\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n")
        while len(sent) < FLOOD:
            visitor.sendall(bytes(1 << 20))
            sent.append(None)


# Megabytes: far more than is read of any answer.
FLOOD = 64


class Checks(NodeTest):
    def setUp(self):
        super().setUp()
        self.converge()
        self.app_text = self.app()
        self.release_ = self.release(self.app_text, secrets={"KEY": 1})
        self.held = self.lease(self.release_)
        self.prepare(self.held, self.release_, self.app_text, {"KEY": 'hunter2 & "Co"'})

    def ask_check(self, within=0.0, targets=(("blog.acme.net", "/health"),), **changes):
        arguments = {"through": "direct", "https": False, "status": 200, "body": "ok", **changes}
        where = [{"host": host, "path": path} for host, path in targets]
        return self.ask("check", **self.held, release=self.release_["id"], withinSeconds=within, targets=where, **arguments)

    def check(self, within=0.0, **changes):
        """The one answer, or the last of several."""
        return self.ask_check(within, **changes)["answers"][-1]

    def mark(self):
        return f"hello {self.release_['id']}"

    def test_a_right_answer_is_ok_with_the_host_asked_for(self):
        seen = []
        self.machine.app = lambda request: (seen.append((request.path, request.headers["Host"])), (200, "all ok", self.mark()))[1]
        answer = self.check()
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
            ("status 301, expected 200: it redirects to https://a/", (301, "", self.mark(), ("Location", "https://a/"))),
            ("status 302, expected 200: it redirects to /a?[31m", (302, "", None, ("Location", "/a\x1b[31m"))),
            ("status 404, expected 200", (404, "", None)),
        ]:
            with self.subTest(expected):
                self.machine.app = lambda request, reply=reply: reply
                self.machine.journal = ["Traceback (most recent call last):", "KeyError: 'x'"]
                result = self.ask_check()
                self.assertEqual([answer["reason"] for answer in result["answers"]], [expected])
                self.assertEqual(result["log"], self.machine.journal)

    def test_an_answer_that_comes_drop_by_drop_is_cut_off_when_time_is_up(self):
        arguments = {"through": "varnish", "https": False, "status": 200, "body": None, "targets": [{}], "site": "a", "release": "b"}
        for head in (b"HTTP/1.1 200 OK\r\nX-Silver-Release: a b\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Slow: "):
            with self.subTest(head), socket.create_server(("127.0.0.1", 0)) as server:
                threading.Thread(target=drip, args=(server, head), daemon=True).start()
                began = time.monotonic()
                answer, _ = check.ask(server.getsockname(), arguments, {"host": "a", "path": "/"}, began)
                self.assertLess(time.monotonic() - began, check.LEAST_SECONDS_PER_REQUEST + 2)
                self.assertEqual((answer["ok"], answer["reason"]), (False, "no answer within 2.0 s"))

    def test_an_answer_whose_chunks_have_no_size_takes_no_memory(self):
        arguments = {"through": "direct", "https": False, "status": 200, "body": None, "targets": [{}], "site": "a", "release": "b"}
        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=flood, args=(server, sent := []), daemon=True)
            thread.start()
            answer, _ = check.ask(server.getsockname(), arguments, {"host": "a", "path": "/"}, time.monotonic() + 5)
            thread.join(10)
        self.assertLess(len(sent), FLOOD)
        self.assertEqual((answer["ok"], answer["reason"]), (False, "not an HTTP answer (IncompleteRead)"))

    def test_what_is_wrong_with_the_node_is_the_cause_and_not_the_release(self):
        self.machine.app = lambda request: (500, "hunter2", self.mark())
        self.machine.journal = ["OSError: [Errno 28] No space left on device"]
        where = [{"host": "a", "path": "/"}]
        asked = {"through": "direct", "https": False, "status": 200, "body": None, "withinSeconds": 0.0, "targets": where}
        for code, module, name, broken, said in [
            ("no-space", releases, "LEAST_BYTES", 2**62, r"status 500, expected 200; \d+ MB are free"),
            ("no-space", releases, "LEAST_INODES", 2**62, r"; \d+ inodes are free"),
            ("service", site_services, "remark", lambda node, site: "; its service db is not running", "; its service db is not running$"),
        ]:
            with self.subTest(said), mock.patch.object(module, name, broken):
                error = self.refused(code, "check", **self.held, release=self.release_["id"], **asked)
                self.assertRegex(error.message, said)
                self.assertTrue(error.fix)
                self.assertEqual(error.log, self.machine.journal)
        self.assertFalse(self.ask("check", **self.held, release=self.release_["id"], **asked)["answers"][0]["ok"])

    def test_where_no_status_is_declared_any_answer_of_the_app_below_500_passes(self):
        for reason, reply in [
            (None, (200, "", self.mark())),
            (None, (302, "", self.mark(), ("Location", "/login"))),
            (None, (401, "", self.mark())),
            (None, (404, "", self.mark())),
            (None, (499, "", self.mark())),
            ("status 500, expected one below 500", (500, "", self.mark())),
            ("status 503, expected one below 500, not from the app's own code: its process died, or did not start", (503, "", None)),
            (f"answered without X-Silver-Release, expected {self.mark()}", (404, "", None)),
            (f"served by hello 0.9, expected {self.mark()}", (404, "", "hello 0.9")),
        ]:
            with self.subTest(reply):
                self.machine.app = lambda request, reply=reply: reply
                answer = self.check(status=None, body=None)
                self.assertEqual((answer["status"], answer["reason"]), (reply[0], reason))
                self.assertEqual(answer["redirect"], dict(reply[3:]).get("Location"))

    def test_each_location_is_asked_until_one_is_wrong(self):
        seen = []

        def app(request):
            seen.append((request.headers["Host"], request.path))
            return (404 if request.headers["Host"] == "wrong" else 200), "ok", self.mark()

        self.machine.app = app
        targets = [("a", "/"), ("b", "/blog/"), ("wrong", "/"), ("c", "/")]
        result = self.ask_check(targets=targets)
        self.assertEqual(seen, targets[:3])
        self.assertEqual([answer["ok"] for answer in result["answers"]], [True, True, False])
        self.assertRegex(result["answers"][1]["url"], r":\d+/blog/ \(Host: b\)$")

    def test_over_tls_it_asks_as_a_proxy_in_front_does_from_a_port_of_root(self):
        seen = []

        def app(request):
            seen.append((request.headers["X-Forwarded-Proto"], request.client_address[1] < 1024))
            return 200, "ok", self.mark()

        self.machine.app = app
        for https in (False, True):
            self.assertTrue(self.check(https=https)["ok"])
        self.assertEqual(seen, [(None, False), ("https", True)])

    def test_of_many_lines_the_first_and_the_last_are_told(self):
        self.machine.app = lambda request: (500, "", self.mark())
        self.machine.journal = [f"line {number}" for number in range(2000)]
        log = self.ask_check()["log"]
        self.assertEqual((log[0], log[-1], len(log)), ("line 0", "line 1999", 600))
        self.assertRegex(self.machine.calls[-1], r"^journalctl --unit silver-web-hello@\S+ --since @\d+ ")

    def test_lines_of_any_size_take_a_bounded_amount_of_the_agent_s_memory(self):
        self.machine.lines = lambda argv: iter([None, *(f"{number} {'☃' * 48_000}" for number in range(400))])
        said = unit.said_since(self.node, ["x.service"], 1)
        self.assertEqual((said[0].split()[0], said[-1].split()[0]), ("0", "399"))
        self.assertLess(sum(map(len, said)), 2 * unit.PART_CHARACTERS)

    def test_what_is_said_in_the_second_of_the_beginning_is_told(self):
        unit.said_since(self.node, ["x.service"], 1795965837.9)
        self.assertIn("--since @1795965837 ", self.machine.calls[-1])

    def test_it_asks_again_until_the_app_is_ready(self):
        replies = [(503, "", None), (503, "", None), (200, "ok", self.mark())]
        self.machine.app = lambda request: replies.pop(0)
        self.assertTrue(self.check(within=10)["ok"])
        self.assertEqual(replies, [])

    def test_it_gives_up_at_once_when_the_unit_has_ended(self):
        self.machine.stop(f"silver-web-hello@{self.release_['id']}.service")
        start = time.monotonic()
        answer = self.check(within=30)
        self.assertLess(time.monotonic() - start, 10)
        self.assertIn("connection refused", answer["reason"])
        self.assertIn("has stopped", answer["reason"])

    def test_it_gives_up_within_seconds_when_the_app_can_not_be_loaded(self):
        self.machine.app = lambda request: (500, "", None)
        start = time.monotonic()
        answer = self.check(within=60)
        self.assertLess(time.monotonic() - start, 20)
        self.assertRegex(answer["reason"], r"its process died, or did not start; \d+ times in a row$")

    def test_errors_of_the_app_itself_are_asked_again(self):
        start = time.monotonic()
        replies = [(500, "", None)] * 3
        self.machine.app = lambda request: (
            (500, "", self.mark()) if time.monotonic() - start < 4 else replies.pop(0) if replies else (200, "ok", self.mark())
        )
        self.assertTrue(self.check(within=60)["ok"])

    def test_it_gives_up_when_the_driver_is_gone(self):
        from silver.errors import DriverGone

        self.machine.app = lambda request: (503, "", None)
        self.node.gone = lambda: True
        with self.assertRaises(DriverGone):
            self.check(within=30)

    def test_secrets_are_in_no_answer_and_no_log(self):
        self.machine.app = lambda request: (500, 'the key is hunter2 & "Co"', self.mark())
        self.machine.journal = ["KEY=hunter2%20%26%20%22Co%22", 'KEY="hunter2 & \\"Co\\""', "fine"]
        result = self.ask_check()
        self.assertEqual(result["answers"][0]["body"], "the key is [secret]")
        self.assertEqual(result["log"], ["KEY=[secret]", 'KEY="[secret]"', "fine"])
        lines = self.ask("logs", site="hello", release=None, lines=9, kind="app")["lines"]
        self.assertEqual([line.split(": ", 1)[1] for line in lines], result["log"])

    def test_the_site_s_own_key_is_in_none_either_whatever_rotations_it_had(self):
        path, keys = f"{self.paths.site('hello')}/secret.txt", []
        for serial in range(4):
            state.change(self.node, "hello", live=f"1.{serial}.0")
            keys.append(pathlib.Path(path).read_text().strip())
            site_key.rotate(self.node, "hello")
        keys.append(pathlib.Path(path).read_text().strip())
        self.machine.app = lambda request: (500, " ".join(keys), self.mark())
        self.machine.journal = [f"SECRET_KEY={key}" for key in keys]
        result = self.ask_check()
        self.assertEqual(result["answers"][0]["body"], " ".join(["[secret]"] * 5))
        self.assertEqual(result["log"], ["SECRET_KEY=[secret]"] * 5)

    def test_the_password_in_a_secret_url_is_one_of_its_own(self):
        with mock.patch.object(redact, "of_release", lambda *words: {"mysql://app:hunter33@db/app?sslpassword=hunter44"}):
            self.assertEqual(redact.site_lines(self.node, "hello", ["1045: hunter33, hunter44"]), ["1045: [secret], [secret]"])

    def test_secrets_are_in_no_redirect(self):
        self.machine.app = lambda request: (302, "", self.mark(), ("Location", "/?key=hunter2%20%26%20%22Co%22"))
        self.assertEqual(self.check(status=None, body=None)["redirect"], "/?key=[secret]")
        self.assertEqual(self.check()["reason"], "status 302, expected 200: it redirects to /?key=[secret]")

    def test_no_part_of_a_secret_is_left_where_a_long_answer_is_cut(self):
        long = "x" * (check.SHOWN_CHARACTERS - 5)
        for body, location in ((f'{long}hunter2 & "Co"', f"/{long}"), (long, f"/{long[1:]}hunter2%20%26%20%22Co%22")):
            reply = (302, body, self.mark(), ("Location", location))
            self.machine.app = lambda request, reply=reply: reply
            cut = [told for told in self.check().values() if re.search("x(?:h|hu|hun|hunt|hunte)$", str(told))]
            self.assertEqual(cut, [])
        self.assertLessEqual(len(self.check()["reason"]), check.SHOWN_CHARACTERS)

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
            targets=[{"host": "x", "path": "/a b\r\n"}],
            https=False,
            status=200,
            body=None,
            withinSeconds=0,
        )

    def test_a_release_that_was_not_prepared_is_refused(self):
        where = {"through": "direct", "targets": [{"host": "x", "path": "/"}], "https": False}
        arguments = {**where, "status": 200, "body": None, "withinSeconds": 0}
        self.refused("usage", "check", **self.held, release="9.9.9-00000000.00000000", **arguments)


class Redaction(NodeTest):
    def test_longer_secrets_go_first_and_short_ones_are_words(self):
        self.assertEqual(redact.redact({"abcdefgh", "abcd", "on"}, ["abcdefgh abcd on"]), ["[secret] [secret] on"])

    def test_a_secret_is_hidden_in_whatever_form_an_app_writes_it(self):
        import base64
        import html
        import urllib.parse

        value = "p/q&r<s>t\"u'v+wé"
        safe = str.maketrans({"&": "\\u0026", "<": "\\u003C", ">": "\\u003E", "'": "\\u0027"})
        forms = {
            "an error page of Python": html.escape(value),
            "a text of a page": html.escape(value, quote=False),
            "a page of Django": html.escape(value).replace("&#x27;", "&#39;"),
            "a page of Flask": html.escape(value).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
            "a page of PHP": html.escape(value).replace("&#x27;", "&#039;"),
            "JSON of PHP": json.dumps(value)[1:-1].replace("/", "\\/"),
            "JSON of PHP in UTF-8": json.dumps(value, ensure_ascii=False)[1:-1].replace("/", "\\/"),
            "JSON in a page": json.dumps(value)[1:-1].translate(safe),
            "JSON of Go": json.dumps(value, ensure_ascii=False)[1:-1].translate(safe).lower(),
            "bytes of Python": repr(value.encode())[2:-1],
            "a form": urllib.parse.quote_plus(value),
            "a statement": value.replace("'", "''"),
            "a shell's trace": value.replace("'", "'\\''"),
            "Basic authorization": base64.b64encode(f"user:{value}".encode()).decode(),
            "Basic authorization of another": base64.b64encode(f"user-1:{value}".encode()).decode(),
            "Basic authorization of a third": base64.urlsafe_b64encode(f"user-12:{value}".encode()).decode(),
        }
        for form, text in forms.items():
            with self.subTest(form):
                (said,) = redact.redact({value}, [f"KEY=={text}=="])
                self.assertIn("[secret]", said)
                self.assertLess(len(said), len("KEY==user-12:[secret]==") + 8)

    def test_a_secret_is_hidden_where_a_long_line_is_broken(self):
        long = "x" * 8000
        for begin, end in (("sesame-", "open!"), ("s", "esame-open!"), ("sesame-open", "!")):
            with self.subTest(begin):
                lines = [f"{long}{begin}", "of another", f"{end} and more"]
                self.assertEqual(redact.redact({"sesame-open!"}, lines), [f"{long}[secret]", "of another", "[secret] and more"])
        stamped = [f"2026 web[7]: {long}sesame- …", "2026 web[7]: open! …"]
        self.assertEqual(redact.redact({"sesame-open!"}, stamped), [f"2026 web[7]: {long}[secret] …", "2026 web[7]: [secret] …"])
        # What only ends alike is an ordinary word.
        for lines in ([f"{long}s", "and more"], ["sesame-", "open!"], [f"{long}sesame-"]):
            self.assertEqual(redact.redact({"sesame-open!"}, lines), lines)

    def test_long_lines_made_up_to_look_like_secrets_take_no_time(self):
        began = time.monotonic()
        redact.redact({"a" * 60 + str(number) for number in range(20)}, ["a" * 8000] * 1000)
        self.assertLess(time.monotonic() - began, 5)

    def test_each_line_of_a_long_secret_is_one(self):
        self.assertEqual(redact.redact({"first line\nsecond line"}, ["x second line"]), ["x [secret]"])
