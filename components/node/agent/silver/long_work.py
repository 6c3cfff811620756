"""Work that may take minutes, in a transient unit that a verb watches. It runs to its end even when its session is gone."""

import time

from . import unit
from .lines import lines_of
from .runner import Done

POLL_SECONDS = 0.2
# A hanging program must not block the node for ever.
MOST_SECONDS = 3600
# This much of its output is returned; the rest stays in the journal.
LINES = 200


def unit_name(kind, site):
    """The kind comes first, so that no site's name can be mistaken for it. `site` is None for work of the whole node."""
    return f"silver-{kind}@{site}.service" if site else f"silver-{kind}.service"


def run(node, kind, site, argv):
    """Runs a program; returns its exit code and its last lines of output. Raises DriverGone at once, and the program runs on."""
    name = unit_name(kind, site)
    # Its result stays until someone has read it.
    properties = ["Type=exec", "RemainAfterExit=yes", f"RuntimeMaxSec={MOST_SECONDS}", "EnvironmentFile=-/etc/environment"]
    node.run(["systemd-run", "--quiet", f"--unit={name}", *(f"--property={each}" for each in properties), "--", *argv])
    seen = follow(node, name)
    done = Done(exit_code(seen), "\n".join(unit.spoken(node, name, LINES)), "")
    unit.stop(node, [name])
    return done


def follow(node, name):
    """Watches a unit until it ends; returns what systemd shows of it then."""
    while is_at_work(seen := unit.show(node, [name])[name]):
        node.still_wanted()
        time.sleep(POLL_SECONDS)
    return seen


def is_at_work(seen):
    return seen.get("ActiveState") not in ("inactive", "failed") and seen.get("SubState") != "exited"


def exit_code(seen):
    """After a signal, minus its number. A unit that no longer exists was stopped."""
    if seen.get("LoadState") == "not-found":
        return -15
    status = int(seen.get("ExecMainStatus", "0"))
    return status if seen.get("Result") in ("success", "exit-code") else -(status or 15)


def left(node, kind):
    """Units of a kind, of any site, that still run or whose result nobody has read."""
    names = [unit_name(kind, None), unit_name(kind, "*")]
    done = node.run(["systemctl", "list-units", "--all", "--plain", "--no-legend", *names])
    return [line.split()[0] for line in lines_of(done.out) if line.strip()]


def settle(node, kind, doing):
    """Waits for work that dead sessions left running, then removes its units. Reports `doing` if there is any."""
    for name in left(node, kind):
        node.say(kind, doing)
        follow(node, name)
        unit.stop(node, [name])


def sweep(node, kind):
    """Removes ended units. False while any still runs."""
    names = left(node, kind)
    ended = [name for name, seen in unit.show(node, names).items() if not is_at_work(seen)]
    for name in ended:
        unit.stop(node, [name])
    return len(ended) == len(names)
