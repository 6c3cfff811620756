import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from unittest import mock

from support import NodeTest

from silver import history, serve


class Driver:
    """Speaks with a session from a thread of its own: signals reach only the main thread, which serves."""

    def __init__(self, test, silence_seconds=20):
        self.source, self.requests = os.pipe()
        self.answers, sink = os.pipe()
        self.serve = serve.Serve(test.node, self.source, sink, silence_seconds)
        self.sink = sink
        self.lines = os.fdopen(self.answers, encoding="utf-8")
        self.number = 0
        self.trouble = None

    def ask(self, verb, **arguments):
        self.number += 1
        os.write(self.requests, json.dumps({"id": self.number, "verb": verb, "args": arguments}).encode() + b"\n")
        return self.read()

    def read(self):
        while True:
            message = json.loads(self.lines.readline())
            if "event" not in message:
                return message

    def hang_up(self):
        if self.requests is not None:
            os.close(self.requests)
            self.requests = None

    def during(self, work):
        """Serves while `work` drives; raises what went wrong in it."""

        def drive():
            try:
                work(self)
            except BaseException as error:
                self.trouble = error
                self.hang_up()

        thread = threading.Thread(target=drive)
        thread.start()
        try:
            self.serve.run()
        finally:
            thread.join(10)
            self.hang_up()
            os.close(self.sink)
            os.close(self.source)
            self.lines.close()
        if self.trouble:
            raise self.trouble


class Sessions(NodeTest):
    def setUp(self):
        super().setUp()
        self.converge()
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
        self.addCleanup(lambda: [signal.signal(number, handler) for number, handler in before.items()])
        self.addCleanup(lambda: signal.set_wakeup_fd(-1))
        self.first = self.roll_out("1.0.0")
        self.app_text = self.app(src__wsgi_py="x = 2\n")
        self.second = self.release(self.app_text, "1.1.0")

    def bring(self, driver, upto):
        """Drives a rollout of the second release up to a verb."""
        held = driver.ask("lease", site="hello", who="anna", pid=1, release=self.second["id"])["result"]["token"]
        held = {"site": "hello", "token": held}
        room = driver.ask("receive", **held, release=self.second["id"], bundle=self.second["bundle"]["id"])["result"]
        pathlib.Path(room["directory"], "src").mkdir()
        pathlib.Path(room["directory"], "src/wsgi.py").write_text(self.app_text["src/wsgi.py"])
        if upto == "receive":
            return held
        arguments = {"release": self.second, "listing": self.listing(self.app_text), "secrets": {}, "startSeconds": 5}
        self.assertIn("result", driver.ask("prepare", **held, **arguments))
        if upto in ("flip", "last"):
            self.assertIn("result", driver.ask("flip", **held, release=self.second["id"], last=upto == "last"))
        return held

    def test_requests_are_answered_in_order_and_wrong_ones_stop_nothing(self):
        def work(driver):
            os.write(driver.requests, b"not json\n[]\n")
            self.assertEqual([driver.read()["error"]["code"] for _ in range(2)], ["usage", "usage"])
            self.assertEqual(driver.ask("ping"), {"id": 1, "result": {}})
            self.assertEqual(driver.ask("pong")["error"]["code"], "usage")
            os.write(driver.requests, b'{"id": 8, "verb": "ping", "args": {}}\n{"id": 9, "verb": "ping", "args": {}}\n')
            self.assertEqual([driver.read()["id"], driver.read()["id"]], [8, 9])
            self.assertEqual(driver.ask("hello")["result"]["os"], "debian-12")
            driver.hang_up()

        Driver(self).during(work)

    def test_a_request_may_come_in_pieces_and_be_large(self):
        def work(driver):
            line = json.dumps({"id": 5, "verb": "ping", "args": {"x": "é" * 300_000}}, ensure_ascii=False).encode() + b"\n"
            for start in range(0, len(line), 50_000):
                os.write(driver.requests, line[start : start + 50_000])
            self.assertEqual(driver.read()["error"]["message"], "arguments: unknown key 'x'")
            driver.hang_up()

        Driver(self).during(work)

    def test_a_driver_that_goes_before_the_cut_over_is_undone(self):
        for upto in ("receive", "prepare", "flip"):
            with self.subTest(upto):
                Driver(self).during(lambda driver, upto=upto: (self.bring(driver, upto), driver.hang_up()))
                self.assert_in_order(self.first)
                self.assertIsNone(self.site_state()["holder"])
                if upto != "receive":
                    line = history.last(self.node, "hello")
                    self.assertEqual((line["verdict"], line["to"]), ("reverted", self.first["id"]))

    def test_a_driver_that_goes_after_the_cut_over_is_finished(self):
        Driver(self).during(lambda driver: (self.bring(driver, "last"), driver.hang_up()))
        self.assert_in_order(self.second)
        self.assertEqual(history.last(self.node, "hello")["verdict"], "live")
        self.assertEqual(self.machine.timers, {f"silver-retire-hello@{self.first['id']}": 600})

    def test_a_confirmed_flip_is_a_cut_over(self):
        def work(driver):
            held = self.bring(driver, "flip")
            self.assertEqual(driver.ask("flip", **held, release=self.second["id"], last=True)["result"]["changes"], [])
            driver.hang_up()

        Driver(self).during(work)
        self.assert_in_order(self.second)

    def test_silence_is_as_good_as_gone(self):
        Driver(self, silence_seconds=0.2).during(lambda driver: self.bring(driver, "flip"))
        self.assert_in_order(self.first)

    def test_signals_end_a_session_in_good_order(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            with self.subTest(number):
                Driver(self).during(lambda driver, number=number: (self.bring(driver, "flip"), os.kill(os.getpid(), number)))
                self.assert_in_order(self.first)

    def test_a_driver_that_no_longer_reads_stops_no_step(self):
        def work(driver):
            held = self.bring(driver, "prepare")
            driver.lines.close()
            os.write(
                driver.requests,
                json.dumps({"id": 99, "verb": "flip", "args": {**held, "release": self.second["id"], "last": True}}).encode() + b"\n",
            )

        Driver(self).during(work)
        self.assert_in_order(self.second)

    def test_an_unforeseen_failure_says_where_and_not_what(self):
        def broken(*words):
            raise RuntimeError("the password is hunter2")

        def work(driver):
            with mock.patch.dict("silver.verbs.WORK", {"status": broken}):
                error = driver.ask("status", site=None)["error"]
            self.assertEqual(error["code"], "internal")
            self.assertIn("RuntimeError", error["message"])
            self.assertTrue(error["log"][-1].startswith("test_serve.py:"))
            self.assertNotIn("hunter2", json.dumps(error))
            driver.hang_up()

        Driver(self).during(work)

    def test_a_full_disk_has_a_name_of_its_own(self):
        import errno

        def full(*words):
            raise OSError(errno.ENOSPC, "No space left on device", "/srv/silver/hello/state.json")

        def work(driver):
            with mock.patch.dict("silver.verbs.WORK", {"status": full}):
                error = driver.ask("status", site=None)["error"]
            self.assertEqual((error["code"], error["message"]), ("no-space", "the disk is full: /srv/silver/hello/state.json"))
            driver.hang_up()

        Driver(self).during(work)


class Waits(NodeTest):
    """A verb that takes longer than a driver may be silent."""

    def setUp(self):
        super().setUp()
        self.addCleanup(lambda: signal.set_wakeup_fd(-1))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self.addCleanup(signal.signal, number, signal.getsignal(number))

    def wait(self, node, session, arguments):
        end = time.monotonic() + 1.2
        while time.monotonic() < end:
            node.still_wanted()
            time.sleep(0.01)
        return {}

    def during(self, work):
        driver = Driver(self, silence_seconds=0.5)
        with mock.patch.dict("silver.verbs.WORK", {"measure": self.wait}):
            driver.during(work)
        return driver

    def test_a_driver_that_pings_meanwhile_is_not_gone_and_gets_its_answers(self):
        def work(driver):
            os.write(driver.requests, b'{"id": 1, "verb": "measure", "args": {}}\n')
            for number in range(2, 17):
                os.write(driver.requests, b'{"id": %d, "verb": "ping", "args": {}}\n' % number)
                time.sleep(0.1)
            self.assertEqual([driver.read()["id"] for _ in range(16)], list(range(1, 17)))
            driver.hang_up()

        self.during(work)

    def test_one_that_is_silent_meanwhile_is_gone(self):
        def work(driver):
            os.write(driver.requests, b'{"id": 1, "verb": "measure", "args": {}}\n')

        self.assertTrue(self.during(work).serve.stopped)


class OneShot(NodeTest):
    def run_agent(self, *words, stdin=""):
        source = pathlib.Path(__file__).parents[2] / "components/node/agent"
        return subprocess.run([sys.executable, str(source), *words], input=stdin, capture_output=True, text=True, timeout=30)

    def test_a_result_goes_to_stdout_as_json(self):
        done = self.run_agent("hello")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["protocol"], 1)

    def test_an_error_goes_to_stderr_in_words(self):
        done = self.run_agent("status", stdin='{"site": "../x"}')
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr, "silver-agent status: usage: site: should be a site name\n")

    def test_what_is_not_json_is_refused(self):
        self.assertIn("stdin is not JSON", self.run_agent("hello", stdin="{").stderr)

    def test_an_unknown_verb_shows_what_there_is(self):
        done = self.run_agent("reload")
        self.assertEqual(done.returncode, 2)
        self.assertIn("Usage: silver-agent serve", done.stderr)
