"""Locks for what all sites of a node share: apt, addresses, Varnish."""

import contextlib
import fcntl
import os
import time

from . import files

PAUSE_SECONDS = 0.05


@contextlib.contextmanager
def shared(node, name, wait=True, waiting=None):
    """Waits for the lock, or yields False; the kernel releases it when the process dies. `waiting` is called meanwhile."""
    os.makedirs(node.paths.var(""), mode=0o755, exist_ok=True)
    fd = files.open_lock(node.paths.var(f"{name}.lock"))
    try:
        while not (ours := _lock(fd)) and wait:
            (waiting or node.still_at_it)()
            time.sleep(PAUSE_SECONDS)
        yield ours
    finally:
        os.close(fd)


def _lock(fd):
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
