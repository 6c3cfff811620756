"""A site's state on this node: what serves, what served before, which releases exist."""

import os

from . import files, history, spoiled
from .errors import AgentError

EMPTY = {
    "serial": 0,
    "live": None,
    "previous": None,
    # Ids of the releases on the disk, newest first.
    "releases": [],
    "generation": 1,
    # Whether the site's workers run on this node.
    "works": False,
    # From the last rollout; used when the next one dies before it sends its own.
    "settings": {"retain": 5, "graceSeconds": 600, "drainSeconds": 60},
}


def read(node, site):
    remake = lambda: {**EMPTY, **spoiled.state(node, site)}  # noqa: E731
    # Of a first rollout under way there are releases, and no state yet.
    is_lost = lambda made: made["releases"] and (made["live"] or history.last(node, site))  # noqa: E731
    seen = spoiled.read(node, node.paths.state(site), is_state, remake, is_lost)
    return {**EMPTY, **(seen or {})}


def is_state(value):
    """Whether each field that is there has the type of its empty value; an id may also be missing."""
    if not isinstance(value, dict):
        return False
    ids = all(value.get(name) is None or isinstance(value[name], str) for name in ("live", "previous"))
    others = ("serial", "releases", "generation", "works", "settings")
    if not ids or not all(isinstance(value.get(name, EMPTY[name]), type(EMPTY[name])) for name in others):
        return False
    settings = value.get("settings", EMPTY["settings"])
    times = all(isinstance(settings.get(name), int | float) for name in EMPTY["settings"])
    return times and spoiled.is_list_of_texts(value.get("releases", []))


def write(node, site, state):
    files.write_json(node.paths.state(site), state)


def change(node, site, **changes):
    """Writes the state with `changes`; the serial grows when what serves changes."""
    before = read(node, site)
    after = {**before, **changes}
    if after["live"] != before["live"]:
        after["serial"] = before["serial"] + 1
    if after != before:
        write(node, site, after)
    return after


def sites(node):
    """Every site that this node keeps anything of, sorted."""
    try:
        names = os.listdir(node.paths.sites())
    except FileNotFoundError:
        return []
    return sorted(name for name in names if not name.startswith(".") and os.path.isdir(node.paths.site(name)))


def record_path(node, site, release):
    return f"{node.paths.release(site, release)}/release.json"


def record(node, site, release):
    """A release's record, as the rollout sent it; None when there is no such release, or its record is spoiled."""
    try:
        found = files.read_json(record_path(node, site, release))
    except AgentError:
        return None
    return found if isinstance(found, dict) and found.get("id") == release else None
