"""A directory for a site's files: its own file system in an image of fixed size, so that it fills up before the node does."""

import os
import struct

from .. import files, image, unit
from ..errors import AgentError, last_lines


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
    name = image.unit_name(place(use))
    return [{"what": name, "why": "its site is removed"}] if unit.remove(node, name) else []


def exists(node, use):
    return os.path.isfile(node.paths.at(f"{place(use)}.img"))


def found(node, use):
    return {"bytes": os.path.getsize(node.paths.at(f"{place(use)}.img"))} if exists(node, use) else None


def discard(node, use):
    directory = node.paths.at(place(use))
    # Whoever still has a file open keeps it mounted.
    if os.path.ismount(directory) or not files.remove(f"{directory}.img"):
        return []
    os.rmdir(directory)
    return [{"what": f"{place(use)}.img", "why": "its first rollout failed"}]


def mount(node, use):
    return image.mount(node, f"{place(use)}.img", place(use), f"Files of the site {use.site}: their quota is the size of the image.")


def hold(node, use):
    """Mounts it again: a mount has no Restart=. One that is not to start at boot somebody has put away, and is left alone."""
    if os.path.ismount(node.paths.at(place(use))) or not exists(node, use) or not unit.enabled(node, image.unit_name(place(use))):
        return []
    return mount(node, use)


def set_up(node, use):
    directory, size = node.paths.at(place(use)), use.options["bytes"]
    path = f"{directory}.img"
    uid, gid = node.ids(use.user)
    files.make_directory(os.path.dirname(directory), 0o750, gid)
    # Nobody may write below the mount: a site must notice when its files are not mounted.
    if not os.path.ismount(directory):
        files.make_directory(directory, 0o700)
    changes = []
    if not os.path.exists(path):
        make_image(node, path, size, uid, gid)
        changes.append({"what": path, "why": "a new service"})
    changes += mount(node, use)
    image.own(directory, uid, gid)
    return changes + resize(node, path, directory, size)


def make_image(node, path, size, uid, gid):
    node.say("services", f"making {path} of {size // 1024**2} MB")
    files.remove(f"{path}.new")
    image.allocate(f"{path}.new", size)
    # No discard: the space stays the site's own. The site owns the top directory.
    image.make(node, path, ["-E", f"nodiscard,root_owner={uid}:{gid}"])


def resize(node, path, directory, size):
    """Grows the file system while it is in use. A lower quota reserves the rest: a mounted file system can't shrink."""
    held = used(directory)
    if held > size:
        raise AgentError(
            "service",
            f"the quota of {size // 1024**2} MB is less than the files use: {files.megabytes(held)}",
            fix="raise the quota of files in the manifest, or have the app delete files",
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
