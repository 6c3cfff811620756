"""A directory whose files the site's Apache serves by itself, within a quota."""

from ..directory_service import DirectoryService


def place(site, generation):
    return f"/srv/silver/{site}/data/web/g{generation}"


_directory = DirectoryService(place, lambda site: f"Writable root of the site {site}: its quota is the size of the image.")

values = _directory.values
needs = _directory.needs
size = _directory.size
health = _directory.health
exists = _directory.exists
found = _directory.found
hold = _directory.hold
set_up = _directory.set_up
discard = _directory.discard
remove = _directory.remove
