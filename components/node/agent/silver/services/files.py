"""A directory for a site's files, within a quota."""

import os

from .. import files, volume


def place(use):
    return f"/srv/silver/{use.site}/data/g{use.generation}"


def what(use):
    return f"Files of the site {use.site}: their quota is the size of the image."


def values(node, use):
    return {"DIRECTORY": place(use)}


def needs(node, use):
    """A release without its files would only do harm."""
    return [f"RequiresMountsFor={place(use)}"]


def size(node, use):
    return volume.size(node, place(use))


def health(node, use):
    return None if volume.is_mounted(node, place(use)) else "not mounted"


def remove(node, use):
    return volume.remove(node, place(use))


def exists(node, use):
    return volume.exists(node, place(use))


def found(node, use):
    size = volume.most(node, place(use))
    return None if size is None else {"bytes": size}


def discard(node, use):
    return volume.discard(node, place(use))


def hold(node, use):
    return volume.hold(node, place(use), what(use))


def set_up(node, use):
    uid, gid = node.ids(use.user)
    files.make_directory(os.path.dirname(node.paths.at(place(use))), 0o750, gid)
    changes = volume.set_up(node, place(use), use.options["bytes"], (uid, gid), what(use))
    return changes + volume.resize(node, place(use), use.options["bytes"])
