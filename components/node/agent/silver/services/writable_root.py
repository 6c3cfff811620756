"""A directory whose files the site's Apache serves by itself, within a quota."""

from ..directory_service import DirectoryService


def place(site, generation):
    return f"/srv/silver/{site}/data/web/g{generation}"


functions = DirectoryService(place, lambda site: f"Writable root of the site {site}: its quota is the size of the image.")
