"""The end of a site on this node: it stops serving; data, history and the last release's files stay."""

import os

from . import files, hand_over, history, jobs, journal, releases, runs, site_services, state, varnish


def remove(node, lease):
    site = lease.site
    record = journal.read(node, site)
    if record is None:
        live = state.read(node, site)["live"]
        if live is None and not state.read(node, site)["releases"]:
            return {"changes": [], "archive": None}
        record = {
            "phase": "remove",
            "token": lease.token,
            "who": lease.holder["who"],
            "release": live,
            "archive": new_archive(node, site),
        }
        journal.write(node, site, record)
    return go_on(node, site, record)


def new_archive(node, site):
    os.makedirs(node.paths.archive(), mode=0o700, exist_ok=True)
    number = 1
    while os.path.lexists(f"{node.paths.archive()}/{site}-{number}"):
        number += 1
    return f"{node.paths.archive()}/{site}-{number}"


def go_on(node, site, record):
    """Goes only forward, from wherever it stopped."""
    live, archive = record["release"], record["archive"]
    with varnish.turn(node):
        changes = varnish.apply(node, {site: None})
        os.makedirs(archive, mode=0o700, exist_ok=True)
        if live is not None and state.read(node, site)["live"] == live:
            files.write_json(f"{archive}/state.json", state.read(node, site))
        state.change(node, site, live=None, previous=None)
        # Again without the site, now that no route names it.
        changes += varnish.apply(node)
    runs.end_all(node, site)
    hand_over.end(node, site)
    jobs.end_all(node, site)
    releases.sweep(node, site)
    for release in sorted({*state.read(node, site)["releases"], *os.listdir(node.paths.releases(site))}):
        changes += releases.remove(node, site, release, archive if release == live else None)
    changes += site_services.remove(node, site)
    history.append(
        node,
        site,
        {
            "token": record["token"],
            "who": record["who"],
            "release": live,
            "from": live,
            "to": None,
            "verdict": "live",
            "reason": "the site was removed",
            "seconds": 0,
        },
    )
    journal.clear(node, site)
    node.note(site, f"removed; archived in {archive}")
    return {"changes": changes, "archive": archive}
