"""The node as the rest of the agent sees it: paths, programs, accounts, and progress."""

import contextlib
import os
import time

from . import files, units
from .errors import DriverGone
from .lines import lines_of
from .paths import Paths
from .runner import Runner

# Work reports at least this often: the driver gives up on a session that is silent for much longer.
WORD_SECONDS = 10


class Node:
    def __init__(self, paths=None, run=None, say=None):
        self.paths = paths or Paths()
        self.run = run or Runner(self.still_at_it)
        self._say = say or (lambda step, text: None)
        self.gone = lambda: False
        self.begin("agent")

    def begin(self, step, text=""):
        """The current work, which `still_at_it` repeats."""
        self._doing, self._since, self._told = (step, text), time.monotonic(), time.monotonic()

    def say(self, step, text):
        """Progress for the driver; without one nothing changes."""
        self.begin(step, text)
        self._say(step, text)

    def tell_line(self, line):
        """A line that the driver waits for, with nothing else to report meanwhile."""
        self._told = time.monotonic()
        self._say("line", line)

    def still_at_it(self):
        """For anything that may take long: repeats the current work after a while of silence."""
        now = time.monotonic()
        if now - self._told < WORD_SECONDS:
            return
        self._told = now
        step, text = self._doing
        self._say(step, f"{text}{', ' if text else ''}{now - self._since:.0f} s so far")

    def still_wanted(self):
        """For loops that only wait: ends them at once when the driver is gone."""
        if self.gone():
            raise DriverGone
        self.still_at_it()

    def note(self, site, text):
        """One line for `silver logs --kind rollout`."""
        import syslog

        syslog.openlog(f"silver-rollout-{site}")
        # Units in which the agent looks after sites keep less than that out of the journal.
        syslog.syslog(syslog.LOG_NOTICE, text)

    def tell(self, site, release, text):
        """One line among the app's own, for `silver logs`."""
        self.tell_of(f"silver-agent-{site}", units.name(site, release, "web") if release else None, text)

    def tell_of(self, speaker, unit, text):
        """One line of a unit that this need not run in. journald lets only root attribute a line to another."""
        import socket

        about = [f"OBJECT_SYSTEMD_UNIT={unit}"] if unit else []
        fields = [f"MESSAGE={text}", "PRIORITY=4", f"SYSLOG_IDENTIFIER={speaker}", *about]
        said = "".join(f"{field}\n" for field in fields).encode(errors="replace")
        # The unit of a run hides /run/systemd also from what it starts as root. A missing journal is not an error.
        for root in ("", "/proc/1/root"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal, contextlib.suppress(OSError):
                journal.sendto(said, f"{root}/run/systemd/journal/socket")
                return

    def ids(self, user):
        """(uid, gid) of a site's user."""
        import pwd

        entry = pwd.getpwnam(user)
        return entry.pw_uid, entry.pw_gid

    def group(self, name):
        import grp

        return grp.getgrnam(name).gr_gid

    def read(self, path):
        """A short text file, stripped; empty when missing."""
        try:
            with open(self.paths.at(path), encoding="utf-8", errors="replace", opener=files.at_once) as file:
                return file.read().strip()
        except (FileNotFoundError, IsADirectoryError):
            return ""

    def os(self):
        """Such as `debian-12`, as in environments."""
        fields = dict(line.split("=", 1) for line in lines_of(self.read("/etc/os-release")) if "=" in line)
        return f"{fields.get('ID', '?')}-{fields.get('VERSION_ID', '?')}".replace('"', "")

    def boot(self):
        """An id of the time since the node started."""
        return self.read("/proc/sys/kernel/random/boot_id")

    def name(self):
        import socket

        return socket.gethostname()

    def hello(self):
        import platform

        from . import contract

        return {
            "protocol": contract.read()["protocol"],
            "agent": own_digest(),
            "os": self.os(),
            "machineId": self.read("/etc/machine-id"),
            "bootId": self.boot(),
            "python": platform.python_version(),
        }


def program():
    """What this runs from: an archive, or a directory with __main__.py, as in tests."""
    return getattr(__loader__, "archive", None) or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def own_digest():
    """SHA-256 of the archive this runs from; empty when it runs from a directory."""
    import hashlib

    if not os.path.isfile(program()):
        return ""
    with open(program(), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
