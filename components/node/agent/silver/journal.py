"""What is under way on a site, on disk before it happens: a boot or the next lease undoes or finishes it.

Phases: `prepare` (a release is being set up), `flip` (its label is being turned), `flipped` (turned, more nodes follow),
`cut-over` (turned everywhere: only forward), `undo` and `remove` (both go on until they are done).
"""

from . import files


def read(node, site):
    return files.read_json(node.paths.journal(site))


def write(node, site, record, **changes):
    """Writes the record with `changes`, and returns what is on disk now."""
    record = {**record, **changes}
    files.write_json(node.paths.journal(site), record)
    return record


def clear(node, site):
    files.remove(node.paths.journal(site))
