"""What is under way on a site, on disk before it happens: a boot or the next lease undoes or finishes it.

Phases: `prepare` (a release is being set up), `flip` (its label is being turned), `flipped` (turned, more nodes follow),
`cut-over` (turned everywhere: only forward), `undo` and `remove` (both go on until they are done).
"""

from . import files, spoiled

PHASES = ("prepare", "flip", "flipped", "cut-over", "undo", "remove")


def read(node, site):
    # Without one, what serves follows the site's state, and what no state names goes with the next rollout.
    return spoiled.read(node, node.paths.journal(site), is_record, lambda: None)


def is_record(value):
    """Whether it has what an undo and an end need."""
    if not isinstance(value, dict) or value.get("phase") not in PHASES or not {"token", "who", "release"} <= value.keys():
        return False
    return "archive" in value if value["phase"] == "remove" else isinstance(value.get("before"), dict)


def write(node, site, record, **changes):
    """Writes the record with `changes`, and returns what is on disk now."""
    record = {**record, **changes}
    files.write_json(node.paths.journal(site), record)
    return record


def clear(node, site):
    files.remove(node.paths.journal(site))
