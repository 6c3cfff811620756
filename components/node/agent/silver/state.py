"""A site's state on this node: what serves, what served before, which releases exist."""

import os

from . import files

EMPTY = {
    "serial": 0,
    "live": None,
    "previous": None,
    # Ids of the releases on the disk, newest first.
    "releases": [],
    "generation": 1,
    # From the last rollout; used when the next one dies before it sends its own.
    "settings": {"retain": 5, "graceSeconds": 600, "drainSeconds": 60},
}


def read(node, site):
    return {**EMPTY, **(files.read_json(node.paths.state(site)) or {})}


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


def record(node, site, release):
    """A release's record, as the rollout sent it; None when there is no such release."""
    return files.read_json(f"{node.paths.release(site, release)}/release.json")
