"""Uploaded pictures and their thumbnails, in files that are named by the digest of a picture's bytes."""

import errno
import hashlib
import os
import re
import tempfile
from pathlib import Path

MOST_BYTES = 5 * 1024 * 1024

KINDS = {".png": "image/png", ".jpg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp"}

NAME = re.compile(r"[0-9a-f]{64}\.(png|jpg|gif|webp)")

# And what is not written to its end yet.
OURS = re.compile(rf"{NAME.pattern}|tmp\w+")


class Refused(Exception):
    """Why a picture can't be taken, for the person who sent it, and the status that says so to programs."""

    def __init__(self, status, words):
        super().__init__(words)
        self.status = status


def keep(content):
    """Name of the stored picture; None when none was sent."""
    if not content:
        return None
    if len(content) > MOST_BYTES:
        raise Refused("413 Content Too Large", "That picture is too large: 5 MB at most.")
    ending = ending_of(content)
    if ending is None:
        raise Refused("415 Unsupported Media Type", "That file is not a picture of a known kind: PNG, JPEG, GIF or WebP, please.")
    name = hashlib.sha256(content).hexdigest() + ending
    try:
        _write(path(name), content)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Refused("507 Insufficient Storage", "There is no room for another picture. Please sign without one.") from error
    return name


def ending_of(content):
    """Told by the first bytes: what a browser says of a file is only what its name says."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return ".png"
    if content.startswith(b"\xff\xd8\xff"):
        return ".jpg"
    if content[:6] in (b"GIF87a", b"GIF89a"):
        return ".gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return ".webp"
    return None


def find(name):
    """(path, kind) of a stored picture; None when there is none."""
    if not NAME.fullmatch(name):
        return None
    found = path(name)
    return (found, KINDS[found.suffix]) if found.is_file() else None


def find_thumbnail(name):
    """The same of its thumbnail, which a worker makes."""
    found = _thumbnail(name) if NAME.fullmatch(name) else None
    return (found, "image/webp") if found and found.is_file() else None


def without_thumbnail():
    """Names of pictures for which the worker has something to do."""
    return sorted(name for name in os.listdir(_directory()) if NAME.fullmatch(name) and not _thumbnail(name).exists())


def keep_thumbnail(name, content):
    _thumbnail(name).parent.mkdir(exist_ok=True)
    _write(_thumbnail(name), content)


def tidy(shown, before):
    """Removes what is not of the pictures in `shown`, unless it was written since; returns what it was."""
    kept = {file for name in shown for file in (path(name), _thumbnail(name))}
    ours = [file for folder in (_directory(), _directory() / "thumbnails") for file in folder.glob("*") if OURS.fullmatch(file.name)]
    gone = [file for file in ours if file not in kept and file.stat().st_mtime < before]
    for file in gone:
        file.unlink()
    return [file.name for file in gone]


def path(name):
    return _directory() / name


def _thumbnail(name):
    return _directory() / "thumbnails" / f"{name[:64]}.webp"


def _directory():
    return Path(os.environ["CONFIG_FILES"])


def _write(path, content):
    if path.exists():
        # It is as if it had just come: nobody tidies it away.
        os.utime(path)
        return
    # Nobody sees half a picture, not even after a crash.
    descriptor, new = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        os.unlink(new)
        raise
