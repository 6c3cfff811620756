"""The disk of a site's server: its size, what of it counts, and what is done when it is full."""

import os

from ... import unit, volume
from . import names

MEGABYTE = 1024 * 1024

# What a server takes that holds nothing: its logs, its system's tables, room for undoing (10.11 and 11.8 alike).
EMPTY_BYTES = 69 * MEGABYTE
# Temporary tables, in a file of at most this size that shrinks only when the server starts. It counts for nobody.
TEMPORARY_BYTES = 128 * MEGABYTE
# Given up when the disk is full: to start, and to delete, takes some.
SPARE_BYTES = 32 * MEGABYTE
# Beyond that, so that a small quota, too, can be left by more than a few rows before the disk is full.
ROOM_BYTES = 64 * MEGABYTE
# MariaDB takes up to 4 MB at once: with less, it can't go on.
FULL_BYTES = 8 * MEGABYTE


def disk(use):
    """
    Size of the file system. What is beyond the quota is filled by what is written before it is measured; up to a seventh of the rest is
    the file system's own, in a small one the most.
    """
    needed = use.options["bytes"] * 5 // 4 + EMPTY_BYTES + TEMPORARY_BYTES + SPARE_BYTES + ROOM_BYTES
    return needed * 8 // 7 // MEGABYTE * MEGABYTE


def look(node, use):
    """Bytes that count: of all that stands on the disk, also in files that have no name any more."""
    aside = sum(blocks(node.paths.at(path)) for path in (f"{names.data(use)}/ibtmp1", volume.spare(names.place(use))))
    return max(volume.size(node, names.place(use)) - EMPTY_BYTES - aside, 0)


def blocks(path):
    try:
        return os.lstat(path).st_blocks * 512
    except FileNotFoundError:
        return 0


def is_full(node, use):
    """Full, with room left that can be given up: once that is gone, nothing more can be done."""
    return volume.free(node, names.place(use)) < FULL_BYTES and volume.spared(node, names.place(use)) > 0


def relieve(node, use):
    """Makes room on a full disk. The server hangs, or has died and can't start: killed, it comes back, with its statements."""
    volume.give_spare(node, names.place(use))
    unit.kill(node, names.service(use))


def keep_spare(node, use):
    volume.keep_spare(node, names.place(use), SPARE_BYTES)
