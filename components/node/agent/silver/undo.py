"""Goes back to what served before a rollout began. Safe to repeat: after a crash it continues where it stopped."""

from . import checker, hand_over, journal, releases, retire, state, unit, units, varnish


def undo(node, site):
    """Undoes what the journal says is under way. Returns the changes."""
    record = journal.read(node, site)
    if record is None:
        return []
    record = journal.write(node, site, record, phase="undo")
    changes = turn_back(node, site, record) if record["turned"] else []
    changes += step_down(node, site, record)
    journal.clear(node, site)
    node.note(site, f"{record['release']} was rolled back, {record['before']['live'] or 'nothing'} is live")
    return changes


def turn_back(node, site, record):
    before = record["before"]
    with varnish.turn(node):
        changes = varnish.apply(node, {site: before["live"]})
        state.change(node, site, live=before["live"], previous=before["previous"])
    if record["handed"]:
        hand_over.hand_over(node, site)
    return changes


def step_down(node, site, record):
    """Puts the new release back to how it was: running, stopped, or absent."""
    release, before = record["release"], record["before"]
    prepared = units.starting(units.of(node, site, release), "prepare")[::-1]
    checker.clear(node, site, release)
    for service in prepared:
        if not before["units"][service]["enabled"]:
            unit.disable(node, service)
    idle = [service for service in prepared if not before["units"][service]["active"]]
    if before["existed"] and not idle:
        return []
    if not before["existed"]:
        present = state.read(node, site)["releases"]
        state.change(node, site, releases=[name for name in present if name != release])
    if record["turned"]:
        # It may have requests in hand: it stops once they have ended.
        retire.schedule(node, site, release, 0)
        return [{"what": service, "why": "stops when its requests have ended"} for service in idle]
    unit.end(node, idle)
    if before["existed"]:
        return [{"what": service, "why": "did not run before"} for service in idle]
    return releases.remove(node, site, release)
