"""
A directory of a site in a file system of its own: an image beside it, of fixed size, so that it fills up before the node does. The kernel
enforces its quota.
"""

import os
import stat
import struct

from . import files, image, unit
from .errors import AgentError, last_lines


def is_mounted(node, place):
    return os.path.ismount(node.paths.at(place))


def size(node, place):
    """Bytes in use."""
    return used(node.paths.at(place)) if is_mounted(node, place) else 0


def exists(node, place):
    return os.path.isfile(node.paths.at(f"{place}.img"))


def most(node, place):
    """The size it was made with, or grew to; None when it does not exist."""
    return os.path.getsize(node.paths.at(f"{place}.img")) if exists(node, place) else None


def remove(node, place):
    """Unmounts it. Its data stays."""
    name = image.unit_name(place)
    return [{"what": name, "why": "its site is removed"}] if unit.remove(node, name) else []


def discard(node, place):
    """Deletes its data."""
    directory = node.paths.at(place)
    # Whoever still has a file open keeps it mounted.
    if os.path.ismount(directory) or not files.remove(f"{directory}.img"):
        return []
    os.rmdir(directory)
    return [{"what": f"{place}.img", "why": "its first rollout failed"}]


def mount(node, place, what):
    return image.mount(node, f"{place}.img", place, what)


def hold(node, place, what):
    """Mounts it again: a mount has no Restart=. One that is not to start at boot somebody has put away, and is left alone."""
    if is_mounted(node, place) or not exists(node, place) or not unit.enabled(node, image.unit_name(place)):
        return []
    return mount(node, place, what)


def set_up(node, place, size, owner, what):
    """
    Makes it and mounts it; returns the changes. An existing one keeps its size.
    @param owner user and group of the top directory
    @param what what it holds, as in "Files of the site blog: …"
    """
    directory = node.paths.at(place)
    path = f"{directory}.img"
    # Nobody may write below the mount: a site must notice when its files are not mounted.
    if not os.path.ismount(directory):
        files.make_directory(directory, 0o700)
    changes = []
    if not os.path.exists(path):
        make_image(node, path, size, owner)
        changes.append({"what": path, "why": "a new service"})
    changes += mount(node, place, what)
    image.own(directory, *owner)
    return changes


def make_image(node, path, size, owner):
    node.say("services", f"making {path} of {size // 1024**2} MB")
    files.remove(f"{path}.new")
    image.allocate(f"{path}.new", size)
    # No discard: the space stays the site's own.
    image.make(node, path, ["-E", f"nodiscard,root_owner={owner[0]}:{owner[1]}"])


def resize(node, place, size):
    """
    Makes it match its quota; returns the changes. It grows while it is in use. A lower quota reserves the rest: a mounted file system
    can't shrink.
    """
    directory = node.paths.at(place)
    path = f"{directory}.img"
    held = used(directory)
    if held > size:
        raise AgentError(
            "service",
            f"the quota of {size // 1024**2} MB is less than the files use: {files.megabytes(held)}",
            fix="raise the quota in the manifest, or have the app delete files",
        )
    block, blocks, reserved = superblock(path)
    device = node.run(["losetup", "--noheadings", "--output=NAME", "--associated", path]).out.strip()
    grown = blocks < size // block
    if grown:
        grow(node, path, device, blocks * block, size)
        block, blocks, reserved = superblock(path)
    back = max(blocks - size // block, 0)
    if back * 2 > blocks:
        raise AgentError(
            "service",
            f"the quota can be lowered to half of its largest size at most, which was {blocks * block // 1024**2} MB",
            fix=f"write {-(-blocks * block // 2 // 1024**2)}M or more",
        )
    if back != reserved:
        node.run(["tune2fs", "-r", str(back), device])
    if grown or back != reserved:
        return [{"what": directory, "why": f"its quota is now {size // 1024**2} MB"}]
    return []


def free(node, place):
    """Bytes that are left."""
    room = os.statvfs(node.paths.at(place))
    return room.f_bavail * room.f_frsize


def room(node, place):
    """Bytes that it holds when nothing is left of it, which are the same at any time."""
    return size(node, place) + free(node, place)


def spare(place):
    """Room that is given up when the file system is full, for what only then makes room again."""
    return f"{place}/spare"


def spared(node, place):
    try:
        seen = os.lstat(node.paths.at(spare(place)))
    except FileNotFoundError:
        return 0
    return seen.st_size if stat.S_ISREG(seen.st_mode) else 0


def keep_spare(node, place, size):
    """Unless it is there already, or what uses the place may need the room right now. Error `service`."""
    if spared(node, place) or free(node, place) < 2 * size:
        return
    path = node.paths.at(spare(place))
    # Who can write there may put anything in its way, also in between.
    try:
        files.clear(path)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.posix_fallocate(fd, 0, size)
        finally:
            os.close(fd)
    except OSError as error:
        fix = f"see what is in the way: ls -l {place}"
        raise AgentError("service", f"no room could be spared in {place}: {error.strerror}", fix=fix) from None


def give_spare(node, place):
    """True where there was some."""
    return files.remove(node.paths.at(spare(place)))


def used(directory):
    room = os.statvfs(directory)
    return (room.f_blocks - room.f_bfree) * room.f_frsize


def grow(node, path, device, before, size):
    node.say("services", f"growing {path} to {size // 1024**2} MB")
    image.allocate(path, size)
    node.run(["losetup", "--set-capacity", device])
    done = node.run(["resize2fs", device], ok=None, seconds=300)
    if done.code == 0:
        return
    os.truncate(path, before)
    node.run(["losetup", "--set-capacity", device])
    raise AgentError(
        "service",
        f"the quota can't be raised to {size // 1024**2} MB while the files are in use",
        fix="see the output below; a container needs CAP_SYS_RESOURCE for it",
        log=last_lines(done.out + "\n" + done.err),
    )


def superblock(path):
    """(bytes per block, blocks, reserved blocks) of an ext4 file system (ext4(5), the kernel's ext4/globals)."""
    with open(path, "rb") as file:
        file.seek(1024)
        data = file.read(1024)
    low, reserved_low = struct.unpack_from("<II", data, 4)
    (scale,) = struct.unpack_from("<I", data, 24)
    high, reserved_high = struct.unpack_from("<II", data, 0x150)
    return 1024 << scale, high << 32 | low, reserved_high << 32 | reserved_low
