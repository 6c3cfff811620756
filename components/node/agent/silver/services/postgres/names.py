"""Names and places of a site's server, derived from the site and the generation of its data."""

from ... import files
from ...lock import shared

PORT = "5432"


def server_user(use):
    return f"pg-{use.site}"


def place(use):
    return f"/srv/silver/{use.site}/data/pg/g{use.generation}"


def socket(use):
    return f"/run/silver/pg-{use.site}-g{use.generation}"


def settings(use):
    return f"/etc/silver/postgres/{use.site}-g{use.generation}"


def service(use):
    return f"silver-postgres-{use.site}@g{use.generation}.service"


def database(use):
    return f"{use.site.replace('-', '_')}_g{use.generation}"


def record_path(node, use):
    """Version and quota, beside the server's directory: neither is ever read from where the server can write."""
    return f"{node.paths.at(place(use))}.json"


def read(node, use):
    return files.read_json(record_path(node, use))


def turn(node, use, wait=True):
    """Keeps set-up and measuring apart: one at a time."""
    return shared(node, f"postgres-{use.site}", wait)
