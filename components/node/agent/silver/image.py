"""A file system of fixed size in a file, mounted by a unit: who fills it fills nothing else."""

import errno
import os

from . import files, unit
from .errors import AgentError, last_lines

# Bytes that must stay free on the node once an image is allocated.
SPARE_BYTES = 256 * 1024 * 1024


def has_loops(node):
    return os.path.exists(node.paths.at("/dev/loop-control"))


def make(node, image, words):
    """Makes a file system in `<image>.new`, which has its size; it gets its final name once it holds a whole one."""
    new = f"{image}.new"
    try:
        # Nothing is reserved for root.
        node.run(["mkfs.ext4", "-q", "-F", "-m", "0", *words, new])
    except AgentError:
        files.remove(new)
        raise
    os.rename(new, image)
    files.sync_directory(os.path.dirname(image))


def allocate(path, size):
    """Allocates the space now, so that no other site can use it up."""
    have = os.stat(path).st_size if os.path.exists(path) else 0
    room = os.statvfs(os.path.dirname(path))
    free = room.f_bavail * room.f_frsize
    if size - have + SPARE_BYTES > free:
        raise AgentError(
            "no-space",
            f"a quota of {size // 1024**2} MB for files needs {(size - have) // 1024**2} MB more on this node, "
            f"and {max(free - SPARE_BYTES, 0) // 1024**2} MB are free",
            fix="free some space, or lower the quota",
        )
    fd = open_new(path)
    try:
        os.posix_fallocate(fd, 0, size)
        os.fsync(fd)
    finally:
        os.close(fd)


def reserve_nothing(path, size):
    """Takes disk as it fills: for what is small nearly always, and must only never grow beyond its size."""
    fd = open_new(path)
    try:
        os.truncate(fd, size)
    finally:
        os.close(fd)


def open_new(path):
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def unit_name(directory):
    """The name that systemd requires for a mount at this place."""
    words = directory.strip("/").split("/")
    return (
        "-".join("".join(c if c.isascii() and (c.isalnum() or c in "_.") else f"\\x{ord(c):02x}" for c in word) for word in words)
        + ".mount"
    )


def mount(node, image, directory, what, options=""):
    """Mounts an image, now and at boot. @param what: what it holds, as in "Files of the site blog: …" """
    name = unit_name(directory)
    text = f"""# {what}
[Unit]
Description={what.split(":")[0]}

[Mount]
What={image}
Where={directory}
Type=ext4
Options=loop,nodev,nosuid,noexec{options}

[Install]
WantedBy=multi-user.target
"""
    why = unit.install(node, {name: text}).get(name)
    unit.enable(node, name)
    if name in unit.active(node, [name]):
        return []
    if not has_loops(node):
        raise AgentError(
            "service",
            "this node has no loop devices, which a quota for files needs",
            fix="run: modprobe loop; a container must be given /dev/loop-control and /dev/loop0 to /dev/loop7",
        )
    done = node.run(["systemctl", "start", name], ok=None, seconds=120)
    if done.code != 0:
        raise AgentError(
            "service",
            f"could not mount {directory}",
            fix="see the output below; every loop device may be in use: losetup --list",
            log=unit.log(node, [name], 10) or last_lines(done.err),
        )
    return [{"what": name, "why": why or "was not mounted"}]


def own(directory, uid, gid):
    """Gives the top directory to a site's user. Nothing else may be in it that is not the site's."""
    seen = os.stat(directory)
    if (seen.st_uid, seen.st_gid, seen.st_mode & 0o7777) != (uid, gid, 0o750):
        os.chown(directory, uid, gid)
        os.chmod(directory, 0o750)
    # Without a look at what is in it: the site may have put any number of names there. One that is read-only, as after an error of its
    # own, says so even of a name that is not there.
    try:
        os.rmdir(f"{directory}/lost+found")
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ENOTEMPTY, errno.EROFS):
            raise
