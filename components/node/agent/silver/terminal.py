"""A terminal for a program in a unit, joined to the one that this process has."""

import contextlib
import fcntl
import os
import select
import signal
import struct
import termios
import tty

CHUNK = 1 << 16
PAUSE_SECONDS = 0.1
# Rows and columns, as most terminals begin.
SIZE_UNKNOWN = (24, 80)


def joined(start, uid, source=0, sink=1):
    """
    Gives a program a terminal of its own and passes on what is typed and shown, until it ends; returns its exit code. When this
    process dies, the kernel hangs that terminal up.
    @param start: starts it, by a descriptor of its terminal
    @param uid: whose the terminal is
    """
    master, slave = os.openpty()
    os.fchown(slave, uid, -1)
    copy_size(source, master)
    signal.signal(signal.SIGWINCH, lambda number, frame: copy_size(source, master))
    with raw(source):
        child = start(slave)
        carry(child, master, source, sink)
    os.close(slave)
    os.close(master)
    return child.wait()


def copy_size(source, master):
    size = bytes(8)
    with contextlib.suppress(OSError):
        size = fcntl.ioctl(source, termios.TIOCGWINSZ, size)
    # Where a terminal knows no size, programs such as redis-cli ask it, and wait for an answer that may never come.
    fcntl.ioctl(master, termios.TIOCSWINSZ, size if any(size) else struct.pack("HHHH", *SIZE_UNKNOWN, 0, 0))


@contextlib.contextmanager
def raw(source):
    """What is typed goes on as it is, also Ctrl-C: the other terminal knows what it means."""
    before = termios.tcgetattr(source)
    # What was typed already stays.
    tty.setraw(source, termios.TCSADRAIN)
    try:
        yield
    finally:
        termios.tcsetattr(source, termios.TCSADRAIN, before)


def carry(child, master, source, sink):
    """Until the program has ended and all that it wrote is through, or until the terminal here is gone."""
    while True:
        ended = child.poll() is not None
        ready, _, _ = select.select([master, source], [], [], 0 if ended else PAUSE_SECONDS)
        if master in ready:
            write(sink, os.read(master, CHUNK))
        elif ended:
            return
        if source in ready:
            typed = read(source)
            if not typed:
                return
            write(master, typed)


def read(source):
    """Nothing once the terminal is gone."""
    with contextlib.suppress(OSError):
        return os.read(source, CHUNK)
    return b""


def write(sink, data):
    while data:
        data = data[os.write(sink, data) :]
