"""Where sites are. An app knows of its own site alone."""

import os

__all__ = ["instance_for_location", "normalize_location", "normalize_locations"]


def normalize_location(location, empty_path="/"):
    """(host, path) of `http://host/path`, `host/path` or `host`."""
    bare = location.partition("://")[2] or location
    host, slash, path = bare.partition("/")
    return host, slash + path if slash else empty_path


def normalize_locations(locations, empty_path="/"):
    return [normalize_location(location, empty_path) for location in locations]


def instance_for_location(hostname, path="/"):
    """The release at the site's canonical location; None for any other."""
    own = os.environ["SILVER_CANONICAL_HOSTNAME"], os.environ["SILVER_MATCH_PATH"]
    return os.environ["SILVER_INSTANCE_NAME"] if (hostname, path) == own else None
