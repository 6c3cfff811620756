"""Work that may take minutes, as a transient unit that a verb looks at. When the session that began it is gone, it goes on to its end."""

import time

from . import unit
from .runner import Done

POLL_SECONDS = 0.2
# What hangs must not hold the node for ever.
MOST_SECONDS = 3600
# Of its output, this much is brought back; the rest stays in the journal.
LINES = 200


def unit_name(kind, site):
    """What it does comes first, so that no site's name can be taken for it. `site` is None for work of the whole node."""
    return f"silver-{kind}@{site}.service" if site else f"silver-{kind}.service"


def run(node, kind, site, argv):
    """Runs a program to its end: its exit code, and the last lines of what it wrote. Raises DriverGone at once, and the program goes on."""
    name = unit_name(kind, site)
    # Its result stays until somebody has looked at it.
    properties = ["Type=exec", "RemainAfterExit=yes", f"RuntimeMaxSec={MOST_SECONDS}", "EnvironmentFile=-/etc/environment"]
    node.run(["systemd-run", "--quiet", f"--unit={name}", *(f"--property={each}" for each in properties), "--", *argv])
    seen = follow(node, name)
    done = Done(exit_code(seen), "\n".join(unit.spoken(node, name, LINES)), "")
    unit.stop(node, [name])
    return done


def follow(node, name):
    """Looks at a unit until it has ended; what systemd shows of it then."""
    while is_at_work(seen := unit.show(node, [name])[name]):
        node.still_wanted()
        time.sleep(POLL_SECONDS)
    return seen


def is_at_work(seen):
    return seen.get("ActiveState") not in ("inactive", "failed") and seen.get("SubState") != "exited"


def exit_code(seen):
    """Of a program that a signal ended, the signal's number below zero. A unit that somebody took away was stopped."""
    if seen.get("LoadState") == "not-found":
        return -15
    status = int(seen.get("ExecMainStatus", "0"))
    return status if seen.get("Result") in ("success", "exit-code") else -(status or 15)


def left(node, kind):
    """Units of a kind, of whatever site, that are at work or that nobody has looked at yet."""
    names = [unit_name(kind, None), unit_name(kind, "*")]
    done = node.run(["systemctl", "list-units", "--all", "--plain", "--no-legend", *names])
    return [line.split()[0] for line in done.out.splitlines() if line.strip()]


def settle(node, kind, doing):
    """Waits for what sessions that are gone left at work, and takes it away. `doing` is told, where there is any."""
    for name in left(node, kind):
        node.say(kind, doing)
        follow(node, name)
        unit.stop(node, [name])


def sweep(node, kind):
    """Takes away what has ended. False while anything is at work."""
    names = left(node, kind)
    ended = [name for name, seen in unit.show(node, names).items() if not is_at_work(seen)]
    for name in ended:
        unit.stop(node, [name])
    return len(ended) == len(names)
