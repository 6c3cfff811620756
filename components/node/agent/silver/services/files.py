"""A directory for a site's files, within a quota."""

from ..directory_service import DirectoryService


def place(site, generation):
    return f"/srv/silver/{site}/data/g{generation}"


functions = DirectoryService(place, lambda site: f"Files of the site {site}: their quota is the size of the image.")
