"""Files as a node needs them: written whole or not at all, on the disk before anyone relies on them, and only when they differ."""

import contextlib
import errno
import json
import os
import re
import shutil
import stat

from .errors import AgentError

# Deleted when the disk is full, so that the writes that end a rollout still fit.
RESERVE_BYTES = 64 * 1024 * 1024
_reserve = None
# The end of the name of what was in a file's place.
ASIDE = ".spoiled"


def keep_reserve(path):
    """Creates the reserve if there is room, and remembers where it is."""
    global _reserve
    _reserve = path
    with contextlib.suppress(OSError):
        if stat.S_ISREG(os.lstat(path).st_mode) and os.path.getsize(path) == RESERVE_BYTES:
            return False
        clear(path)
    room = os.statvfs(os.path.dirname(path))
    if room.f_bavail * room.f_frsize < 4 * RESERVE_BYTES:
        return False
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.posix_fallocate(fd, 0, RESERVE_BYTES)
    finally:
        os.close(fd)
    return True


def use_reserve(path):
    """Remembers where the reserve is, without creating it."""
    global _reserve
    _reserve = path


def _with_reserve(work):
    """Runs `work`; when the disk is full, deletes the reserve and tries once more."""
    try:
        return work()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not _reserve or not os.path.isfile(_reserve):
            raise
        os.unlink(_reserve)
        return work()


def sync_directory(path):
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_directory(path, mode=0o755, gid=None):
    """Makes a directory what it should be. True when something changed."""
    changed = False
    try:
        os.mkdir(path, mode)
        changed = True
    except FileExistsError:
        if not os.path.isdir(path) or os.path.islink(path):
            raise AgentError("file", f"{path} is not a directory", fix=f"move {path} away") from None
    seen = os.lstat(path)
    if gid is not None and (seen.st_uid, seen.st_gid) != (os.geteuid(), gid):
        os.chown(path, os.geteuid(), gid)
        changed = True
    if stat.S_IMODE(seen.st_mode) != mode:
        os.chmod(path, mode)
        changed = True
    return changed


def differs(path, data, mode, gid=None):
    """Why the file is not what it should be; None when it is."""
    try:
        seen = os.lstat(path)
    except FileNotFoundError:
        return "missing"
    if not stat.S_ISREG(seen.st_mode):
        return "not a plain file"
    if seen.st_size != len(data):
        return "content differs"
    with open(path, "rb") as file:
        if file.read() != data:
            return "content differs"
    if stat.S_IMODE(seen.st_mode) != mode:
        return f"mode {stat.S_IMODE(seen.st_mode):04o}, should be {mode:04o}"
    if seen.st_uid != os.geteuid() or (gid is not None and seen.st_gid != gid):
        return "owner differs"
    return None


def write(path, data, mode=0o644, gid=None):
    """Writes a file if it differs; returns why it did, or None. A crash leaves the old or the new file, never half of one."""
    if isinstance(data, str):
        data = data.encode()
    why = differs(path, data, mode, gid)
    if why is not None:
        _with_reserve(lambda: _replace(path, data, mode, gid))
    return why


def write_first(path, data, mode=0o600):
    """Writes a file where there is none; False when somebody else came first, whose file stays."""
    try:
        _with_reserve(lambda: _replace(path, data.encode(), mode, None, put=_link))
    except FileExistsError:
        return False
    return True


def _link(new, path):
    os.link(new, path)
    os.unlink(new)


def _replace(path, data, mode, gid, put=os.rename):
    directory, name = os.path.split(path)
    # Of this process alone: another one may write the same file. One that died has left its own.
    for left in os.listdir(directory):
        if (found := re.fullmatch(rf"\.{re.escape(name)}\.(\d+)\.new", left)) and not os.path.exists(f"/proc/{found[1]}"):
            clear(f"{directory}/{left}")
    new = f"{directory}/.{name}.{os.getpid()}.new"
    clear(new)
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        try:
            if gid is not None:
                os.fchown(fd, os.geteuid(), gid)
            os.fchmod(fd, mode)
            with open(fd, "wb", closefd=False) as file:
                file.write(data)
            os.fsync(fd)
        finally:
            os.close(fd)
        if os.path.isdir(path) and not os.path.islink(path):
            set_aside(path)
        put(new, path)
    except BaseException:
        if os.path.lexists(new):
            os.unlink(new)
        raise
    sync_directory(directory)


def canonical(value):
    """JSON that is the same for the same data."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def write_json(path, value, mode=0o600, gid=None):
    return write(path, canonical(value) + "\n", mode, gid)


def set_aside(path):
    """Renames what is in a file's place, whatever it is, for a person to look at."""
    clear(path + ASIDE)
    os.rename(path, path + ASIDE)


def clear(path):
    """Removes whatever is there."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def at_once(path, flags):
    """Opens a file for reading without waiting for the other side of a pipe that is in its place."""
    return os.open(path, flags | os.O_NONBLOCK)


def read_json(path, default=None):
    fix = f"look at {path}; only the agent writes it"
    try:
        with open(path, encoding="utf-8", opener=lambda path, flags: at_once(path, flags | os.O_NOFOLLOW)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise AgentError("file", f"{path} is not a file", fix=fix)
            return json.load(file)
    except FileNotFoundError:
        return default
    except (ValueError, RecursionError):
        raise AgentError("file", f"{path} is not JSON", fix=fix) from None
    except OSError as error:
        if error.errno not in (errno.EISDIR, errno.ELOOP, errno.ENXIO):
            raise
        raise AgentError("file", f"{path} is not a file", fix=fix) from None


def keep_own(path, mode=0o600):
    """Gives an existing file back to root, with its mode; returns why, or None."""
    seen = os.lstat(path)
    if seen.st_uid != os.geteuid():
        os.chown(path, os.geteuid(), os.getegid())
        os.chmod(path, mode)
        return "owner differs"
    if stat.S_IMODE(seen.st_mode) != mode:
        os.chmod(path, mode)
        return f"mode {stat.S_IMODE(seen.st_mode):04o}, should be {mode:04o}"
    return None


def open_lock(path):
    """A descriptor of a lock's file, which holds nothing: whatever else is in its place is set aside."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    try:
        return os.open(path, flags, 0o600)
    except OSError as error:
        if error.errno not in (errno.EISDIR, errno.ELOOP):
            raise
    set_aside(path)
    return os.open(path, flags, 0o600)


def append_line(path, value):
    """Adds one JSON line, on the disk when this returns. A line torn by a crash is ended first, so that it spoils no other."""
    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        set_aside(path)

    def work():
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(fd).st_size
            torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
            line = (b"\n" if torn else b"") + canonical(value).encode() + b"\n"
            if os.write(fd, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
            os.fsync(fd)
        finally:
            os.close(fd)
        sync_directory(os.path.dirname(path))

    _with_reserve(work)


def read_lines(path):
    """All lines that are whole JSON objects; torn ones are left out."""
    try:
        with open(path, encoding="utf-8", errors="replace", opener=at_once) as file:
            lines = file.read().split("\n")
    except (FileNotFoundError, IsADirectoryError):
        return []
    records = []
    for line in lines:
        try:
            records.append(json.loads(line))
        except (ValueError, RecursionError):
            continue
    return [record for record in records if isinstance(record, dict)]


def remove(path):
    """Removes a file for good. True when it existed."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    except IsADirectoryError:
        set_aside(path)
    sync_directory(os.path.dirname(path))
    return True


def remove_tree(path):
    """Removes a directory. Renames it first, so that a half-removed one is never mistaken for a whole one."""
    if not os.path.lexists(path):
        return False
    gone = f"{path}.gone"
    if not path.endswith(".gone"):
        if os.path.lexists(gone):
            shutil.rmtree(gone)
        os.rename(path, gone)
        sync_directory(os.path.dirname(path))
        path = gone
    shutil.rmtree(path)
    return True


def put(path, data, mode, gid=None):
    """Writes into a directory that nobody reads yet, and that is synced as a whole."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(fd, "w", encoding="utf-8") as file:
        if gid is not None:
            os.fchown(fd, os.geteuid(), gid)
        os.fchmod(fd, mode)
        file.write(data)


def megabytes(size):
    """For people. Rounds up: usage never looks smaller than it is."""
    return f"{-(-size // 1024**2)} MB"


def make_directory_for(path):
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
