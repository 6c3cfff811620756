"""The end of a rollout: adds its line to the history, and retires what no longer serves."""

from . import history, journal, retire, site_services, state, undo


def finish(node, lease, arguments):
    """Ends the rollout that holds the lease. Undoes it unless this node has flipped."""
    site = lease.site
    record = journal.read(node, site)
    verdict = arguments["verdict"]
    if record is not None and record["phase"] in ("prepare", "flip", "undo"):
        undo.undo(node, site)
        record = {**record, "phase": "undone"}
    settings = {key: arguments[key] for key in ("retain", "graceSeconds", "drainSeconds")}
    end(node, lease, record, arguments["release"], verdict, arguments["reason"], arguments["seconds"], settings)


def end(node, lease, record, release, verdict, reason, seconds, settings):
    site = lease.site
    present = state.read(node, site)
    history.append(
        node,
        site,
        {
            "token": lease.token,
            "who": lease.holder["who"],
            "release": release,
            "from": record["before"]["live"] if record else present["live"],
            "to": present["live"],
            "verdict": verdict,
            "reason": reason,
            "seconds": seconds,
        },
    )
    state.change(node, site, settings=settings)
    # A node that only holds services serves nothing itself.
    if verdict in ("live", "unchanged") or present["live"] is not None:
        site_services.keep(node, site)
    if verdict in ("live", "live-failing"):
        retire.schedule_all(node, site)
    journal.clear(node, site)
    node.note(site, f"{verdict}: {release}" + (f": {reason}" if reason else ""))
