"""A site's lease: one session at a time. A lock that dies with the session, a token that only grows, and who holds it."""

import contextlib
import fcntl
import os
import time
from datetime import datetime
from types import NoneType

from . import files, history, spoiled
from .errors import AgentError

# A status, a retiring release or the end of the previous session may hold the lock for a moment.
PATIENCE_SECONDS = 2.0


def lock_path(node, site):
    return node.paths.var(f"leases/{site}.lock")


def record_path(node, site):
    return node.paths.var(f"leases/{site}.json")


def _open(node, site):
    os.makedirs(node.paths.var("leases"), mode=0o700, exist_ok=True)
    return files.open_lock(lock_path(node, site))


def _lock(fd, patience_seconds):
    """Waits up to `patience_seconds` for the lock. True when it is ours."""
    end = time.monotonic() + patience_seconds
    pause = 0.02
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)


class Lease:
    def __init__(self, node, site, fd, token, holder):
        self.node, self.site, self.fd, self.token, self.holder = node, site, fd, token, holder

    def check(self, token):
        """Refuses requests of an older rollout."""
        if token != self.token:
            raise AgentError(
                "lease-lost",
                f"token {token} is not the one of {self.site}'s lease ({self.token})",
                fix="start the rollout again",
                holder=self.holder,
            )

    def since(self):
        """When it was taken, in seconds since 1970 by the node's clock."""
        return datetime.fromisoformat(self.holder["since"]).timestamp()

    def give_back(self):
        if self.fd is not None:
            files.write_json(record_path(self.node, self.site), {"token": self.token, "holder": None})
            os.close(self.fd)
            self.fd = None


def read(node, site):
    """Who has the site, by its record. A token is never used twice: the last one is in the history, too."""
    remake = lambda: {"token": history.last_token(node, site) + 1, "holder": None}  # noqa: E731
    return spoiled.read(node, record_path(node, site), is_record, remake, lambda made: made["token"] > 1)


def is_record(value):
    holder = {"who": str, "pid": int, "release": str, "since": str}
    return spoiled.has_form(value, {"token": int, "holder": NoneType}) or spoiled.has_form(value, {"token": int, "holder": holder})


def take(node, site, who, pid, release):
    """Takes the site's lease for this process. Error `leased` with the holder when another has it."""
    fd = _open(node, site)
    try:
        if not _lock(fd, PATIENCE_SECONDS):
            held = holder(node, site)
            by = f"by {held['who']} (pid {held['pid']}, {held['release']}, since {held['since']})" if held else "by another session"
            raise AgentError("leased", f"{site} is being rolled out {by}", fix="wait until it has ended, or stop it", holder=held)
        token = (read(node, site) or {"token": 0})["token"] + 1
        held = {"who": who, "pid": pid, "release": release, "since": history.now()}
        files.write_json(record_path(node, site), {"token": token, "holder": held})
        return Lease(node, site, fd, token, held)
    except BaseException:
        os.close(fd)
        raise


def holder(node, site):
    """Who holds the lease; None when nobody does."""
    record = read(node, site)
    if record is None or record["holder"] is None:
        return None
    fd = _open(node, site)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return record["holder"]
    finally:
        os.close(fd)
    return None


@contextlib.contextmanager
def quiet(node, site, patience_seconds=0.0):
    """Takes the site's lock without a lease, for the agent's own work. Yields False when a session has it."""
    fd = _open(node, site)
    try:
        ours = _lock(fd, patience_seconds)
        if ours:
            _forget_dead(node, site)
        yield ours
    finally:
        os.close(fd)


def _forget_dead(node, site):
    """Call with the lock held: then a holder in the record is dead, and must not be reported as rolling out."""
    record = read(node, site)
    if record is not None and record["holder"] is not None:
        files.write_json(record_path(node, site), {**record, "holder": None})
