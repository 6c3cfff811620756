"""Names and places of a site's server, derived from the site and the generation of its data."""

from ... import database_quota, spoiled, volume
from ...lock import shared


def server_user(use):
    return f"mysql-{use.site}"


def place(use):
    """The file system for all that the server writes."""
    return f"/srv/silver/{use.site}/data/mysql/g{use.generation}"


def data(use):
    return f"{place(use)}/data"


def socket_directory(site, generation):
    return f"/run/silver/mysql-{site}-g{generation}"


def directory(use):
    return socket_directory(use.site, use.generation)


def socket(use):
    """Named as programs expect it in the directory where they look for one."""
    return f"{directory(use)}/mysqld.sock"


def settings(use):
    return f"/etc/silver/mysql/{use.site}-g{use.generation}.cnf"


def statements(use):
    """What the server does before anybody can log in, each time it starts."""
    return f"/etc/silver/mysql/{use.site}-g{use.generation}.sql"


def service(use):
    return f"silver-mysql-{use.site}@g{use.generation}.service"


def key(use):
    """Of its address in the node's table, where it has one."""
    return f"mysql-g{use.generation}"


def database(use):
    return f"{use.site.replace('-', '_')}_g{use.generation}"


def record_path(node, use):
    """The quota, beside the server's directory: never read from where the server can write."""
    return f"{node.paths.at(place(use))}.json"


def read(node, use):
    """None when there is no server. A lost record is made again."""
    remake = lambda: remade(node, use)  # noqa: E731
    return spoiled.read(node, record_path(node, use), is_record, remake, lambda made: made is not None)


def is_record(value):
    return isinstance(value, dict) and (not value or database_quota.is_record(value))


def remade(node, use):
    """What the database allows is not known: the next measurement opens it well below its quota, the next set-up below it."""
    if not volume.exists(node, place(use)):
        return None
    return database_quota.unknown(use.options["bytes"]) if "bytes" in use.options else {}


def turn(node, use, wait=True):
    """Keeps set-up and measuring apart: one at a time."""
    return shared(node, f"mysql-{use.site}", wait)
