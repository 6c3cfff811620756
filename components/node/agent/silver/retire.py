"""Retires a release that no longer serves: kept warm for a while, then drained, then stopped. Each in its own transient unit."""

import time

from . import discard, journal, lease, releases, state, unit, units, varnish
from .varnish_cli import VarnishCli

# Longest wait for a rollout of the same site to end.
PATIENCE_SECONDS = 3600


def timer(site, release):
    return f"silver-retire-{site}@{release}"


def schedule(node, site, release, seconds):
    """Retires a release after this many seconds, in a unit of its own."""
    later = [f"--on-active={seconds:g}", "--timer-property=AccuracySec=1s"] if seconds > 0 else []
    command = ["/usr/local/bin/silver-agent", "retire", site, release]
    # Fails when the release is already scheduled or being retired, which is fine.
    node.run(["systemd-run", "--quiet", "--collect", f"--unit={timer(site, release)}", *later, *command], ok=None)


def schedule_all(node, site, anew=True):
    """Keeps the previous release warm for its time and retires older ones now. `anew` cancels earlier schedules."""
    present = state.read(node, site)
    if anew:
        node.run(["systemctl", "stop", f"{timer(site, '*')}.timer"], ok=None)
    for release in present["releases"]:
        if release != present["live"] and any(unit.enabled(node, service) for service in units.of(node, site, release)):
            schedule(node, site, release, present["settings"]["graceSeconds"] if release == present["previous"] else 0)


def retire(node, site, release):
    """Waits until it has no requests in hand or time is up, then stops it."""
    vcl = varnish.vcl_of(site, release)
    services = list(units.of(node, site, release))[::-1]
    cut = drain(node, site, vcl)
    with lease.quiet(node, site, PATIENCE_SECONDS) as ours:
        if not ours or wanted_again(node, site, release):
            return
        for service in services:
            unit.disable(node, service)
        unit.begin_to_stop(node, services)
    # Apache finishes its requests before it stops; no rollout may wait for that.
    unit.stop(node, services)
    node.note(site, f"{release} has stopped" + (f", {cut} requests were cut" if cut else ""))
    discard.wait(node, site, release, discard.PATIENCE_SECONDS)
    with lease.quiet(node, site, PATIENCE_SECONDS) as ours:
        if not ours or wanted_again(node, site, release):
            return
        discard.discard(node, site, release, vcl)
        releases.prune(node, site)


def wanted_again(node, site, release):
    """Whether a rollout has returned to it meanwhile, or died doing so: then leave it running."""
    record = journal.read(node, site)
    return state.read(node, site)["live"] == release or (record is not None and record["release"] == release)


def drain(node, site, vcl):
    """Waits for requests in hand; returns how many are left when time is up."""
    cli = VarnishCli(node)
    end = time.monotonic() + state.read(node, site)["settings"]["drainSeconds"]
    while (left := cli.requests(vcl)) > 0 and time.monotonic() < end:
        time.sleep(0.5)
    return left
