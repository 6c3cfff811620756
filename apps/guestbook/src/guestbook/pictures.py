"""Uploaded pictures, in files that are named by the digest of their bytes."""

import errno
import hashlib
import os
import re
import tempfile
from pathlib import Path

MOST_BYTES = 5 * 1024 * 1024

KINDS = {".png": "image/png", ".jpg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp"}


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
        _write(_directory() / name, content)
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
    if not re.fullmatch(r"[0-9a-f]{64}\.(png|jpg|gif|webp)", name):
        return None
    path = _directory() / name
    return (path, KINDS[path.suffix]) if path.is_file() else None


def _directory():
    return Path(os.environ["CONFIG_FILES"])


def _write(path, content):
    if path.exists():
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
