"""history.jsonl: one line a rollout, only ever added to."""

from datetime import UTC, datetime

from . import files


def now():
    """For people to read; never computed with."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def last(node, site):
    """The newest whole line; None when there is none."""
    lines = files.read_lines(node.paths.history(site))
    return lines[-1] if lines else None


def append(node, site, record):
    """Adds a line, once a token: what is finished again after a crash is written once."""
    before = last(node, site)
    if before is None or before.get("token") != record["token"]:
        files.append_line(node.paths.history(site), {"when": now(), **record})
