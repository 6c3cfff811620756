"""Moves what may run in only one release, such as a worker, to the live one, once that is there to stay.

What ends is told so and gets its own time, and only when all of it has ended, what comes next starts. The links in systemd's directory
say what is meant, so that a boot in between starts the right ones. Each step is safe to repeat: whoever comes next goes on.
"""

import time

from . import journal, lease, redact, state, unit, units
from .errors import AgentError
from .lock import shared

# A rollout waits so long for what ends. What takes longer is the node's own affair.
PATIENCE_SECONDS = 60
# Most workers end at once. Where nobody waits, the others are left to the timer.
SHORT_SECONDS = 2
POLL_SECONDS = 0.1
# Whoever looks at a site holds its lease for a moment.
LEASE_SECONDS = 10
# Those that end as they start are told by then. Until a unit has begun, this node may take a while.
WATCH_SECONDS = 3
BEGIN_SECONDS = 10
# What ended by itself is well again once it has run for so long.
WELL_SECONDS = 60


def hand_over(node, site, seconds=SHORT_SECONDS, waiting=None):
    """Hands over, as far as that goes in a time; `waiting` is called meanwhile. Returns the units that have yet to end, and the changes."""
    end = time.monotonic() + seconds
    changes, said = [], None
    while True:
        left, more = go_on(node, site)
        changes += more
        if not left or time.monotonic() >= end:
            return left, changes
        if left != said:
            node.say("work", f"waiting for {', '.join(left)} to end")
            said = left
        (waiting or node.still_at_it)()
        time.sleep(POLL_SECONDS)


def wanted(node, site):
    """The units that are to run in no release but the live one, on this node."""
    present = state.read(node, site)
    return units.starting(units.of(node, site, present["live"]), "cut-over") if present["works"] and present["live"] else []


def others(node, site):
    """Those of all other releases that are here, and of the live one on another node."""
    listed = [units.starting(units.of(node, site, release), "cut-over") for release in state.read(node, site)["releases"]]
    meant = set(wanted(node, site))
    return [service for services in listed for service in reversed(services) if service not in meant]


def go_on(node, site):
    """One step. Returns the units that have yet to end, and the changes."""
    with shared(node, f"work-{site}"):
        starting, ending = wanted(node, site), others(node, site)
        for service in ending:
            unit.disable(node, service)
        changes = [{"what": service, "why": "did not start at boot"} for service in starting if unit.enable(node, service)]
        seen = unit.show(node, [*ending, *starting])
        left = [service for service in ending if not unit.has_ended(seen[service])]
        idle = [service for service in starting if unit.has_ended(seen[service])]
        # A timer first, so that no moment is missed: of two that fire at once, one start counts.
        begun = [service for service in idle if is_timer(service)]
        start(node, begun)
        unit.begin_to_stop(node, [service for service in left if seen[service].get("ActiveState") != "deactivating"])
        if not left:
            start(node, [service for service in idle if service not in begun])
            begun = idle
        return left, changes + [{"what": service, "why": "did not run"} for service in begun]


def start(node, services):
    for service in services:
        unit.begin_to_start(node, service)


def is_timer(service):
    return service.endswith(".timer")


def end(node, site):
    """Tells all that runs in only one release to end, for a site that is removed."""
    state.change(node, site, works=False)
    go_on(node, site)


def leave(node, kept):
    """
    Ends what works for sites that this node has no more, before another node starts it. Returns the changes.
    Error `leased` while somebody rolls such a site out.
    """
    changes = []
    for site in state.sites(node):
        if site in kept or not state.read(node, site)["works"]:
            continue
        with lease.quiet(node, site, LEASE_SECONDS) as ours:
            if not ours:
                raise AgentError("leased", f"{site} is being rolled out", fix="wait until it has ended, then run it again")
            state.change(node, site, works=False)
            left, _ = hand_over(node, site, PATIENCE_SECONDS)
        waits = f"; {', '.join(left)} will end later" if left else ""
        changes.append({"what": f"work of {site}", "why": f"it is not a site of this node any more{waits}"})
    return changes


def see_through(node, lease, arguments):
    """
    The verb: hands over, and looks whether what was started stays. Returns the changes, what is wrong, and the units that others
    still wait for.
    """
    site = lease.site
    record = journal.read(node, site)
    if record is not None:
        journal.write(node, site, record, handed=True)
    state.change(node, site, works=arguments["works"])
    left, done = hand_over(node, site, PATIENCE_SECONDS, node.still_wanted)
    changes = [{**change, "why": "starts"} for change in done if change["why"] == "did not run"]
    return {"changes": changes, "problems": [] if left else watch(node, site), "waits": left}


def watch(node, site):
    """Looks at those of the site's workers and timers that were just started, until one fails."""
    end = time.monotonic() + BEGIN_SECONDS + WATCH_SECONDS
    services = wanted(node, site)
    workers = [service for service in services if not is_timer(service)]
    while not problems(node, workers) and time.monotonic() < end and any_young(node, services):
        node.still_wanted()
        time.sleep(POLL_SECONDS)
    found = problems(node, services)
    return [{"what": what, "log": redact.site_lines(node, site, unit.log(node, [service]))} for service, what in found.items()]


def any_young(node, services):
    return any(is_young(service, seen) for service, seen in unit.show(node, services).items())


def is_young(service, seen):
    """Whether it has yet to begin, or a worker began just now."""
    if is_timer(service):
        return not unit.is_active(seen)
    return unit.is_beginning(seen) or unit.seconds_active(seen) < WATCH_SECONDS


def problems(node, services):
    """Unit → what is wrong with it, for those that do not run, or end by themselves again and again."""
    found = {}
    for service, seen in unit.show(node, services).items():
        again = unit.ended_by_itself(seen)
        if unit.is_beginning(seen):
            if not again:
                # After a boot, a while goes by.
                continue
        elif not unit.is_active(seen):
            found[service] = f"{service} does not run" + (f": it ended {unit.how_it_ended(seen)}" if again else "")
            continue
        if again and (unit.is_beginning(seen) or unit.seconds_active(seen) < WELL_SECONDS):
            times = "once" if seen["NRestarts"] == "1" else f"{seen['NRestarts']} times"
            how = unit.how_it_ended(seen)
            found[service] = f"{service} ended{f' {how}' if how else ''}, and was started again {times}"
    return found


def told(node, site):
    """Unit → what is wrong with it, for a status."""
    services = wanted(node, site)
    before = others(node, site) if services else []
    seen = unit.show(node, before)
    left = [service for service in before if not unit.has_ended(seen[service]) and not is_timer(service)]
    found = problems(node, services)
    return {service: f"{service} waits for {', '.join(left)} to end" if left else what for service, what in found.items()}


def put_right(node, site):
    """By a timer: goes on where nobody else does, neither a session nor a rollout that has yet to end. Returns the changes."""
    if not units.left(node, site, "*", "cut-over"):
        return []
    with lease.quiet(node, site) as ours:
        return go_on(node, site)[1] if ours and journal.read(node, site) is None else []
