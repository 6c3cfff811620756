"""One session: one request per line in, one message per line out, until the driver is gone."""

import json
import os
import select
import signal
import time

from . import contract, files, verbs
from .errors import AgentError, DriverGone, explained
from .node import Node

HUNG_UP = select.POLLHUP | select.POLLERR | select.POLLRDHUP


class Serve:
    def __init__(self, node=None, source=0, sink=1, silence_seconds=None):
        self.node = node or Node()
        self.node._say = self.event
        self.node.gone = self.gone
        self.source, self.sink = source, sink
        self.silence_seconds = silence_seconds or contract.read()["silenceSeconds"]
        self.session = verbs.Session(self.node)
        self.request = 0
        self.stopped = False
        self.left = b""
        self.heard = time.monotonic()

    # Messages

    def message(self, **fields):
        """A driver that no longer reads must not interrupt work: that is noticed between requests."""
        line = json.dumps({"id": self.request, **fields}, ensure_ascii=False).encode(errors="replace") + b"\n"
        try:
            while line and not self.stopped:
                line = line[os.write(self.sink, line) :]
        except OSError:
            self.stopped = True

    def event(self, step, text):
        self.message(event={"step": step, "text": text})

    # The driver

    def gone(self):
        """Whether the driver is gone, for verbs that wait."""
        poll = select.poll()
        poll.register(self.source, HUNG_UP | select.POLLIN)
        seen = sum(event for _, event in poll.poll(0))
        if seen & select.POLLIN:
            self.hear()
        return self.stopped or bool(seen & HUNG_UP) or time.monotonic() - self.heard > self.silence_seconds

    def hear(self):
        """Reads available input, for `lines`; False at its end. Pings during a verb show that the driver is alive."""
        chunk = os.read(self.source, 1 << 16)
        self.left += chunk
        self.heard = time.monotonic()
        return bool(chunk)

    def lines(self):
        """Requests as they arrive; ends when no more can come."""
        self.heard = time.monotonic()
        while not self.stopped:
            line, newline, rest = self.left.partition(b"\n")
            if newline:
                self.left = rest
                yield line
                self.heard = time.monotonic()
                continue
            left = self.heard + self.silence_seconds - time.monotonic()
            ready, _, _ = select.select([self.source, self.wake], [], [], max(0, left))
            if self.source not in ready or not self.hear():
                return

    # The session

    def run(self):
        files.use_reserve(self.node.paths.var("reserve"))
        self.listen_to_signals()
        try:
            for line in self.lines():
                self.answer(line)
        finally:
            self.session.end()

    def listen_to_signals(self):
        """A signal ends the session between requests or while it waits, never in the middle of a step."""
        self.wake, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)

        def stop(number, frame):
            self.stopped = True

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, stop)

    def answer(self, line):
        try:
            request = json.loads(line)
            self.request, verb, arguments = request["id"], request["verb"], request["args"]
        except (ValueError, KeyError, TypeError):
            self.request = 0
            self.message(error=AgentError("usage", "a request is one line of JSON with id, verb and args").json())
            return
        self.node.begin(str(verb))
        try:
            self.message(result=verbs.carry_out(self.node, self.session, verb, arguments))
        except DriverGone:
            self.stopped = True
        except Exception as error:
            self.message(error=explained(error).json())
