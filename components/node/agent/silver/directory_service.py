"""A type of service that is a directory of the site's, within a quota."""

import os

from . import files, volume


class DirectoryService:
    """The functions of such a type (services/__init__.py)."""

    def __init__(self, place, what):
        """
        @param place where it is, by site and data generation
        @param what what it holds, by site, as in "Files of the site blog: …"
        """
        self.place_of, self.what_of = place, what

    def place(self, use):
        return self.place_of(use.site, use.generation)

    def what(self, use):
        return self.what_of(use.site)

    def values(self, node, use):
        return {"DIRECTORY": self.place(use)}

    def needs(self, node, use):
        """A release without its files would only do harm."""
        return [f"RequiresMountsFor={self.place(use)}"]

    def size(self, node, use):
        return volume.size(node, self.place(use))

    def health(self, node, use):
        return None if volume.is_mounted(node, self.place(use)) else "not mounted"

    def remove(self, node, use):
        return volume.remove(node, self.place(use))

    def exists(self, node, use):
        return volume.exists(node, self.place(use))

    def found(self, node, use):
        size = volume.most(node, self.place(use))
        return None if size is None else {"bytes": size}

    def discard(self, node, use):
        return volume.discard(node, self.place(use))

    def hold(self, node, use):
        return volume.hold(node, self.place(use), self.what(use))

    def set_up(self, node, use):
        uid, gid = node.ids(use.user)
        # Whatever is in between is the agent's, as `data` itself.
        data = f"/srv/silver/{use.site}/data"
        for parent in dict.fromkeys((data, os.path.dirname(self.place(use)))):
            files.make_directory(node.paths.at(parent), 0o750, gid)
        changes = volume.set_up(node, self.place(use), use.options["bytes"], (uid, gid), self.what(use))
        return changes + volume.resize(node, self.place(use), use.options["bytes"])
