"""The only place that starts programs, so that tests can replace them all."""

import contextlib
from typing import NamedTuple

from .errors import AgentError, last_lines


class Done(NamedTuple):
    code: int
    out: str
    err: str


# What comes line by line has none that is longer: whoever writes one may have no end in mind.
LONGEST_LINE = 1 << 20
# Between two events while a program runs.
WAITING_SECONDS = 1.0


class Runner:
    """Calls `waiting` repeatedly while a program runs."""

    def __init__(self, waiting=lambda: None):
        self.waiting = waiting

    def __call__(self, argv, stdin="", env=None, seconds=60, ok=(0,)):
        """Runs a program to its end. A code outside `ok` raises `internal` with the program's last output."""
        import os
        import subprocess

        pipe = subprocess.PIPE
        try:
            child = subprocess.Popen(
                argv,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                text=True,
                errors="replace",
                # A program that runs as another user can't enter root's directory, and some complain.
                cwd="/",
                env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
                process_group=0,
            )
        except FileNotFoundError:
            raise AgentError("internal", f"{argv[0]} is not installed on this node") from None
        with child:
            try:
                out, err = self.wait(child, stdin, seconds)
            except BaseException:
                end(child)
                raise
        result = Done(child.returncode, out, err)
        if ok is not None and result.code not in ok:
            raise AgentError(
                "internal",
                f"`{' '.join(argv[:3])}` failed: {describe_code(result.code)}",
                log=last_lines(result.out + "\n" + result.err),
            )
        return result

    def attached(self, argv, tty=None):
        """A program that has just begun, with this process's own stdin, stdout and stderr, or with a terminal for all of them."""
        import subprocess

        return subprocess.Popen(argv, stdin=tty, stdout=tty, stderr=tty)

    def lines(self, argv, env=None):
        """The lines of a program as it writes them, and None now and then meanwhile; ends it when nobody wants more."""
        import os
        import select
        import subprocess

        pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
        child = subprocess.Popen(argv, stdin=nothing, stdout=pipe, stderr=nothing, env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})})
        try:
            left = b""
            while True:
                if not select.select([child.stdout], [], [], WAITING_SECONDS)[0]:
                    yield None
                    continue
                chunk = os.read(child.stdout.fileno(), 1 << 16)
                if not chunk:
                    return
                first, *more = chunk.split(b"\n")
                left = (left + first)[:LONGEST_LINE]
                for following in more:
                    yield left.decode("utf-8", "replace")
                    left = following
        finally:
            child.kill()
            child.wait()
            child.stdout.close()

    def wait(self, child, stdin, seconds):
        import subprocess
        import time

        end = time.monotonic() + seconds
        while True:
            try:
                return child.communicate(stdin, timeout=min(WAITING_SECONDS, max(0.0, end - time.monotonic())))
            except subprocess.TimeoutExpired:
                # Its input is already on its way: don't send it twice.
                stdin = None
            if time.monotonic() >= end:
                raise AgentError("internal", f"`{' '.join(child.args[:3])}` did not end within {seconds} s")
            self.waiting()


def end(child):
    """
    Kills a program with all that it started: what runs as a site's user can be stopped by the site (kill(2)), and would stay there for
    ever with a secret in its memory.
    """
    import os
    import signal

    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def describe_code(code):
    """A negative code is a signal: never mistaken for success."""
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
