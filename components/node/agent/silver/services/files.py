"""A directory for a site's files: its own file system in an image of fixed size, so that it fills up before the node does."""

import os
import struct

from .. import files, unit
from ..errors import AgentError, last_lines

# Bytes that must stay free on the node once the image is allocated.
SPARE_BYTES = 256 * 1024 * 1024


def place(use):
    return f"/srv/silver/{use.site}/data/g{use.generation}"


def values(node, use):
    return {"DIRECTORY": place(use)}


def needs(node, use):
    """A release without its files would only do harm."""
    return [f"RequiresMountsFor={place(use)}"]


def size(node, use):
    directory = node.paths.at(place(use))
    return used(directory) if os.path.ismount(directory) else 0


def health(node, use):
    return None if os.path.ismount(node.paths.at(place(use))) else "not mounted"


def remove(node, use):
    name = unit_name(place(use))
    return [{"what": name, "why": "its site is removed"}] if unit.remove(node, name) else []


def set_up(node, use):
    directory, size = node.paths.at(place(use)), use.options["bytes"]
    image = f"{directory}.img"
    uid, gid = node.ids(use.user)
    files.make_directory(os.path.dirname(directory), 0o750, gid)
    # Nobody may write below the mount: a site must notice when its files are not mounted.
    if not os.path.ismount(directory):
        files.make_directory(directory, 0o700)
    changes = []
    if not os.path.exists(image):
        make_image(node, image, size, uid, gid)
        changes.append({"what": image, "why": "a new service"})
    changes += mount(node, use)
    own(directory, uid, gid)
    return changes + resize(node, image, directory, size)


def make_image(node, image, size, uid, gid):
    """Gets its final name once it holds a whole file system."""
    node.say("services", f"making {image} of {size // 1024**2} MB")
    new = f"{image}.new"
    files.remove(new)
    allocate(new, size)
    try:
        # No discard: the space stays the site's own. Nothing is reserved for root, and the site owns the top directory.
        node.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-E", f"nodiscard,root_owner={uid}:{gid}", new])
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
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        os.posix_fallocate(fd, 0, size)
        os.fsync(fd)
    finally:
        os.close(fd)


def unit_name(directory):
    """The name that systemd requires for a mount at this place."""
    words = directory.strip("/").split("/")
    return (
        "-".join("".join(c if c.isascii() and (c.isalnum() or c in "_.") else f"\\x{ord(c):02x}" for c in word) for word in words)
        + ".mount"
    )


def mount(node, use):
    directory = place(use)
    name = unit_name(directory)
    text = f"""# Files of the site {use.site}: their quota is the size of the image.
[Unit]
Description=Files of the site {use.site}

[Mount]
What={directory}.img
Where={directory}
Type=ext4
Options=loop,nodev,nosuid,noexec

[Install]
WantedBy=multi-user.target
"""
    why = unit.install(node, {name: text}).get(name)
    unit.enable(node, name)
    if name in unit.active(node, [name]):
        return []
    if not os.path.exists(node.paths.at("/dev/loop-control")):
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
    seen = os.stat(directory)
    if (seen.st_uid, seen.st_gid, seen.st_mode & 0o7777) != (uid, gid, 0o750):
        os.chown(directory, uid, gid)
        os.chmod(directory, 0o750)
    found = f"{directory}/lost+found"
    if os.path.isdir(found) and not os.path.islink(found) and not os.listdir(found):
        os.rmdir(found)


def resize(node, image, directory, size):
    """Grows the file system while it is in use. A lower quota reserves the rest: a mounted file system can't shrink."""
    held = used(directory)
    if held > size:
        raise AgentError(
            "service",
            f"the quota of {size // 1024**2} MB is less than the files use: {files.megabytes(held)}",
            fix="raise the quota of files in the manifest, or have the app delete files",
        )
    block, blocks, reserved = superblock(image)
    device = node.run(["losetup", "--noheadings", "--output=NAME", "--associated", image]).out.strip()
    grown = blocks < size // block
    if grown:
        grow(node, image, device, blocks * block, size)
        block, blocks, reserved = superblock(image)
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


def used(directory):
    room = os.statvfs(directory)
    return (room.f_blocks - room.f_bfree) * room.f_frsize


def grow(node, image, device, before, size):
    node.say("services", f"growing {image} to {size // 1024**2} MB")
    allocate(image, size)
    node.run(["losetup", "--set-capacity", device])
    done = node.run(["resize2fs", device], ok=None, seconds=300)
    if done.code == 0:
        return
    os.truncate(image, before)
    node.run(["losetup", "--set-capacity", device])
    raise AgentError(
        "service",
        f"the quota can't be raised to {size // 1024**2} MB while the files are in use",
        fix="see the output below; a container needs CAP_SYS_RESOURCE for it",
        log=last_lines(done.out + "\n" + done.err),
    )


def superblock(image):
    """(bytes per block, blocks, reserved blocks) of an ext4 file system (ext4(5), the kernel's ext4/globals)."""
    with open(image, "rb") as file:
        file.seek(1024)
        data = file.read(1024)
    low, reserved_low = struct.unpack_from("<II", data, 4)
    (scale,) = struct.unpack_from("<I", data, 24)
    high, reserved_high = struct.unpack_from("<II", data, 0x150)
    return 1024 << scale, high << 32 | low, reserved_high << 32 | reserved_low
