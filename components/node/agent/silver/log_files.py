"""Keeps room in an app's log directory, so that a log without end does not keep the app from writing the next one."""

import os
import stat

from . import files, state

# Three quarters of the file system, where it has one of its own (log_space.py).
MOST_BYTES = 768 * 1024**2
# More files or deeper directories than this are not logs, and scanning them would take too long.
MOST_FILES = 10_000
MOST_DEPTH = 16
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Non-blocking: a named pipe, or a file that the app holds a lease on, must not block the agent.
FILE = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class NoLogs(Exception):
    """The directory can't be scanned."""


def hold(node, site):
    """Empties a site's largest log files when their total is too large, until half of the limit is free. Returns the changes."""
    place = node.paths.logs(site)
    try:
        logs = Logs(node, site, place)
    except (OSError, KeyError):
        # It has never run, or the path is not a directory.
        return []
    try:
        why = logs.empty_largest()
    except NoLogs:
        why = clear(node, place)
    finally:
        os.close(logs.root)
    if why is None:
        return []
    node.tell(site, state.read(node, site)["live"], why)
    return [{"what": place, "why": why}]


class Logs:
    """The log files of one site. The app may change anything at any moment; only files of its user are ever touched."""

    def __init__(self, node, site, place):
        self.user, _ = node.ids(f"site-{site}")
        self.root = os.open(place, DIRECTORY)
        self.device = os.fstat(self.root).st_dev

    def empty_largest(self):
        """What was done, for people; None when nothing was needed."""
        found = self.named()
        held = sum(size for size, _, _ in found.values())
        if held <= MOST_BYTES:
            return None
        freed, emptied = 0, []
        for size, name, reopen in sorted(found.values(), key=lambda file: -file[0]):
            if held - freed > MOST_BYTES // 2 and self.empty(reopen):
                freed += size
                emptied.append(name)
        if not emptied:
            return None
        more = f" and {len(emptied) - 1} more" if len(emptied) > 1 else ""
        return f"log files of {files.megabytes(held)}, the limit is {files.megabytes(MOST_BYTES)}: emptied {emptied[0][:200]!r}{more}"

    def is_own(self, seen):
        return stat.S_ISREG(seen.st_mode) and (seen.st_uid, seen.st_dev) == (self.user, self.device)

    def named(self):
        """Inode → (allocated bytes, name, how to open it), once per file however many names it has."""
        found, todo, count = {}, [()], 0
        while todo:
            parts = todo.pop()
            try:
                fd = self.open_below(parts, DIRECTORY)
            except OSError:
                continue
            try:
                with os.scandir(fd) as entries:
                    for entry in entries:
                        count += 1
                        if count > MOST_FILES or len(parts) >= MOST_DEPTH:
                            raise NoLogs
                        path = (*parts, entry.name)
                        try:
                            seen = entry.stat(follow_symlinks=False)
                        except OSError:
                            continue
                        if stat.S_ISDIR(seen.st_mode):
                            todo.append(path)
                        elif self.is_own(seen):
                            reopen = lambda path=path: self.open_below(path, FILE | os.O_NOFOLLOW)  # noqa: E731
                            found[seen.st_ino] = (allocated(seen), "/".join(path), reopen)
            finally:
                os.close(fd)
        return found

    def open_below(self, parts, flags):
        """Descends name by name, so that no symbolic link is followed, whenever it was created."""
        fd = os.dup(self.root)
        for index, part in enumerate(parts):
            above = fd
            try:
                fd = os.open(part, flags if index == len(parts) - 1 else DIRECTORY, dir_fd=above)
            finally:
                os.close(above)
        return fd

    def empty(self, reopen):
        """Truncates a file, if what the name now opens is still the site's own. Writers that have it open carry on."""
        try:
            fd = reopen()
        except OSError:
            return False
        try:
            if not self.is_own(os.fstat(fd)):
                return False
            os.ftruncate(fd, 0)
            return True
        finally:
            os.close(fd)


def allocated(seen):
    """Bytes on the disk: a file may be large and hold nothing."""
    return seen.st_blocks * 512


def clear(node, place):
    """Deletes with find, which descends to any depth by descriptors and only unlinks names. New files wait for the next run."""
    node.run(["find", "-P", place, "-xdev", "-mindepth", "1", "-delete"], ok=None)
    return f"more than {MOST_FILES} log files, or directories deeper than {MOST_DEPTH}: all were deleted"
