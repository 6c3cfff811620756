"""Names and places of a site's server, derived from the site and the generation of its data."""

import os
import re

from ... import database_quota, spoiled
from ...lock import shared

# Of the socket's name; one that listens on an address has another port there.
PORT = "5432"
# The type of service, and the extension that it brings.
POSTGIS = "postgis"
# The database that a site's own is copied from, where it has an extension that only the superuser can make.
TEMPLATE = "silver_postgis"


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


def key(use):
    """Of its address in the node's table, where it has one."""
    return f"postgres-g{use.generation}"


def database(use):
    return f"{use.site.replace('-', '_')}_g{use.generation}"


def record_path(node, use):
    """Version and quota, beside the server's directory: neither is ever read from where the server can write."""
    return f"{node.paths.at(place(use))}.json"


def read(node, use):
    """None when there is no server. A lost record is made again from the server's unit, or from its directory."""
    remake = lambda: remade(node, use)  # noqa: E731
    return spoiled.read(node, record_path(node, use), is_record, remake, lambda made: made is not None)


def is_record(value):
    if not isinstance(value, dict) or not re.fullmatch(r"[0-9]+", str(value.get("version"))):
        return False
    return "quota" not in value or database_quota.is_record(value)


def remade(node, use):
    if not os.path.isdir(node.paths.at(place(use))):
        return None
    started = re.search(r"^ExecStart=/usr/lib/postgresql/([0-9]+)/bin/postgres ", node.read(f"/etc/systemd/system/{service(use)}"), re.M)
    # What the server wrote itself is believed where it can be nothing but a number.
    own = re.fullmatch(r"[0-9]+", node.read(f"{place(use)}/PG_VERSION"))
    if not started and not own:
        return None
    record = {"version": started[1] if started else own[0]}
    # What the database allows is not known: the next measurement opens it well below its quota, the next set-up below it.
    return record | database_quota.unknown(use.options["bytes"]) if "bytes" in use.options else record


def turn(node, use, wait=True):
    """Keeps set-up and measuring apart: one at a time."""
    return shared(node, f"postgres-{use.site}", wait)
