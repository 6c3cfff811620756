"""Locks over what all sites of a node share: apt, addresses, Varnish."""

import contextlib
import fcntl
import os


@contextlib.contextmanager
def shared(node, name, wait=True):
    """Waits for its turn, or yields False; the kernel gives the lock back when the process dies."""
    os.makedirs(node.paths.var(""), mode=0o755, exist_ok=True)
    fd = os.open(node.paths.var(f"{name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(fd)
