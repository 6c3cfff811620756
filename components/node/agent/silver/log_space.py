"""Where an app keeps logs of its own: a file system of the site's, which bounds also what no look at its files can find."""

import os

from . import files, image, unit

BYTES = 1024**3


def image_path(site):
    return f"/srv/silver/{site}/logs.img"


def mount_name(site):
    return image.unit_name(f"/var/log/silver/{site}")


def set_up(node, site):
    """
    Makes and mounts it; returns the changes. A site must be able to serve where logs can't be written: its units want the mount, and
    do not need it. On a node without loop devices, which some containers are, logs are on the node's disk, and measured alone.
    """
    directory, path = node.paths.logs(site), node.paths.at(image_path(site))
    uid, gid = node.ids(f"site-{site}")
    files.make_directory_for(directory)
    if not image.has_loops(node):
        files.make_directory(directory, 0o750)
        image.own(directory, uid, gid)
        return []
    changes = []
    if not os.path.ismount(directory):
        set_aside(directory)
        # Nobody may write below the mount.
        files.make_directory(directory, 0o700)
    if not os.path.exists(path):
        node.say("prepare", f"making room for logs in {image_path(site)}")
        files.remove(f"{path}.new")
        image.reserve_nothing(f"{path}.new", BYTES)
        image.make(node, path, ["-J", "size=4", "-E", f"root_owner={uid}:{gid}"])
        changes.append({"what": image_path(site), "why": "missing"})
    changes += mount(node, site)
    image.own(directory, uid, gid)
    return changes


def mount(node, site):
    what = f"Logs of the site {site}: more than the image holds can't be written."
    # What is deleted goes back to the node's disk.
    return image.mount(node, image_path(site), f"/var/log/silver/{site}", what, ",discard")


def hold(node, site):
    """Mounts it again, as services/files.py does with the files."""
    if os.path.ismount(node.paths.logs(site)) or not os.path.exists(node.paths.at(image_path(site))):
        return []
    return mount(node, site) if unit.enabled(node, mount_name(site)) else []


def set_aside(directory):
    """Logs of a node that was set up before stay beside the new ones, under another name."""
    if os.path.isdir(directory) and not os.path.islink(directory):
        with os.scandir(directory) as entries:
            # The first will do, of any number that the app has made.
            if next(entries, None) is not None:
                os.rename(directory, f"{directory}.before")


def problem(node, site):
    """What is wrong, for people; None when all is well, or when the site has never run here."""
    if not os.path.exists(node.paths.at(image_path(site))) or os.path.ismount(node.paths.logs(site)):
        return None
    return "its log directory is not mounted, and what the app logs there is lost"


def remove(node, site):
    """Unmounts it, with its site. The logs stay."""
    name = mount_name(site)
    return [{"what": name, "why": "its site is removed"}] if unit.remove(node, name) else []


def discard(node, site):
    """Leaves nothing of a first rollout that failed."""
    changes = remove(node, site)
    directory = node.paths.logs(site)
    if os.path.ismount(directory) or not files.remove(node.paths.at(image_path(site))):
        return changes
    os.rmdir(directory)
    return [*changes, {"what": image_path(site), "why": "its first rollout failed"}]
