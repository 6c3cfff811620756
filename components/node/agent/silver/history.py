"""history.jsonl: one line per rollout, and one per command that was run; append-only."""

from datetime import UTC, datetime

from . import files


def now():
    """For people to read; never used in logic."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def last(node, site):
    """The newest complete line of a rollout; None when there is none."""
    lines = [line for line in files.read_lines(node.paths.history(site)) if "run" not in line]
    return lines[-1] if lines else None


def last_token(node, site):
    """The largest token of all complete lines; 0 when there is none."""
    tokens = [line.get("token") for line in files.read_lines(node.paths.history(site))]
    return max((token for token in tokens if isinstance(token, int)), default=0)


def append(node, site, record):
    """Adds one line per token: finishing again after a crash adds no second."""
    before = last(node, site)
    if before is None or before.get("token") != record["token"]:
        files.append_line(node.paths.history(site), {"when": now(), **record})


def append_run(node, site, record):
    files.append_line(node.paths.history(site), {"when": now(), **record})
