"""An app's files on a node: owned by root, read-only for the site, with times derived from their content."""

import base64
import os
import shutil
import stat


def modified_nanoseconds(sha256):
    """A time in 2001 to 2017 from a content hash: equal files have equal times, different files different ones, to the nanosecond."""
    number = int(sha256[:32], 16)
    return (1_000_000_000 + number % 500_000_000) * 1_000_000_000 + (number >> 64) % 1_000_000_000


def normalise(tree, entries):
    """Sets owner, modes and times. Copies a file linked from another release before changing its mode: that release keeps its own."""
    for entry in entries:
        path = f"{tree}/{entry.path}"
        seen = os.lstat(path)
        if entry.target is not None:
            os.chown(path, os.geteuid(), os.getegid(), follow_symlinks=False)
            continue
        mode = 0o755 if entry.executable else 0o644
        when = modified_nanoseconds(entry.sha256)
        if (seen.st_uid, seen.st_gid, stat.S_IMODE(seen.st_mode), seen.st_mtime_ns) == (os.geteuid(), os.getegid(), mode, when):
            continue
        if seen.st_nlink > 1:
            shutil.copyfile(path, f"{tree}.copy")
            os.rename(f"{tree}.copy", path)
        os.chown(path, os.geteuid(), os.getegid())
        os.chmod(path, mode)
        os.utime(path, ns=(when, when))
    for directory, _, _ in os.walk(tree):
        os.chown(directory, os.geteuid(), os.getegid())
        os.chmod(directory, 0o755)


def is_untouched(path, entry):
    """Whether a file is still as `normalise` left it: a write would have changed its time."""
    seen = os.lstat(path)
    return entry.sha256 is not None and stat.S_ISREG(seen.st_mode) and seen.st_mtime_ns == modified_nanoseconds(entry.sha256)


def link_from(source, tree, entries):
    """Makes a tree of links to a release with the same bundle: no byte is stored twice."""
    for entry in entries:
        path = f"{tree}/{entry.path}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if entry.target is not None:
            os.symlink(entry.target, path)
        else:
            os.link(f"{source}/{entry.path}", path)


def write(tree, entries, contents, gid):
    """Makes a tree of files from a request, base64 by path: owned by root, readable only for one group."""
    for entry in entries:
        path = f"{tree}/{entry.path}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if entry.target is not None:
            os.symlink(entry.target, path)
            continue
        with open(path, "xb") as file:
            file.write(base64.b64decode(contents.get(entry.path, "")))
        os.chown(path, os.geteuid(), gid)
        os.chmod(path, 0o750 if entry.executable else 0o640)
    for directory, _, _ in os.walk(tree):
        os.chown(directory, os.geteuid(), gid)
        os.chmod(directory, 0o750)
