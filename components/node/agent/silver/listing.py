"""A bundle's canonical listing, and checking a directory against it."""

import hashlib
import json
import os
import posixpath
import stat
from typing import NamedTuple

from .errors import AgentError
from .lines import lines_of


class Entry(NamedTuple):
    path: str
    executable: bool
    # Hex, for a file; None for a link.
    sha256: str | None
    target: str | None


def parse(text, digest):
    """The entries of a listing whose SHA-256 is the bundle's digest."""
    if hashlib.sha256(text.encode()).hexdigest() != digest:
        raise AgentError("bundle-differs", "the listing does not match the bundle's digest", fix="roll out again")
    entries = []
    for line in lines_of(text):
        match json.loads(line):
            case [str(path), "file", bool(executable), str(sha256)]:
                entries.append(Entry(path, executable, sha256, None))
            case [str(path), "link", str(target)]:
                entries.append(Entry(path, False, None, target))
            case _:
                raise AgentError("usage", f"listing: {line[:80]!r} is neither a file nor a link")
    for entry in entries:
        check_inside(entry)
    return entries


def check_inside(entry):
    """Nothing in a bundle may be or point outside it."""
    parts = entry.path.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in entry.path:
        raise AgentError("bundle-differs", f"{entry.path!r} does not stay inside the app", fix="rename it")
    if entry.target is None:
        return
    end = posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), entry.target))
    if entry.target.startswith("/") or end == ".." or end.startswith("../"):
        raise AgentError("bundle-differs", f"the link {entry.path} leads out of the app, to {entry.target}", fix="ship the file itself")


def walk(tree):
    """Paths of everything in a directory that is not itself a directory, and of empty directories."""
    found = set()
    for directory, names, others in os.walk(tree):
        prefix = os.path.relpath(directory, tree)
        prefix = "" if prefix == "." else prefix + "/"
        links = [name for name in names if os.path.islink(f"{directory}/{name}")]
        found.update(prefix + name for name in others + links)
        if not names and not others and prefix:
            found.add(prefix)
    return found


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def difference(tree, entry):
    """How a path of the tree differs from the listing; None when it doesn't."""
    path = f"{tree}/{entry.path}"
    seen = os.lstat(path)
    if entry.target is not None:
        if not stat.S_ISLNK(seen.st_mode):
            return "not a link"
        return None if os.readlink(path) == entry.target else "leads elsewhere"
    if not stat.S_ISREG(seen.st_mode):
        return "not a plain file"
    return None if digest_of(path) == entry.sha256 else "other bytes"


def verify(tree, entries, known=frozenset()):
    """Refuses a directory that differs from the listing, and names what differs. `known` paths are not read."""
    found = walk(tree)
    listed = {entry.path for entry in entries}
    problems = [f"{path}: not in the bundle" for path in sorted(found - listed)]
    for entry in entries:
        if entry.path not in found:
            problems.append(f"{entry.path}: missing")
        elif entry.path not in known and (why := difference(tree, entry)):
            problems.append(f"{entry.path}: {why}")
    if problems:
        raise AgentError(
            "bundle-differs",
            f"what arrived is not the bundle: {problems[0]}" + (f" and {len(problems) - 1} more" if len(problems) > 1 else ""),
            fix="roll out again; if it happens again, something else writes there or changed the app meanwhile",
            log=problems[:40],
        )
