"""MySQL: MariaDB, of which each site has its own server with its own user, on a socket. Only the site and the agent can log in.

Its directory is a file system of its own, larger than the quota: what is measured too late fills that, and not the node. MariaDB dies of
a full disk and does not start on one, so the agent keeps some room there that it gives up when nothing else is left.
"""

from ... import database_quota, files, own_address, own_server, volume
from . import database, login, names, quota, room, server

hold = quota.hold


def values(node, use):
    own = {"DATABASE": names.database(use), "USER": use.user, "SOCKET": names.socket(use)}
    return own | login.values(node, use)


def needs(node, use):
    """A release starts after it and keeps running without it: pages that need no database are still served."""
    return own_server.needs(names.service(use))


def size(node, use):
    record = names.read(node, use)
    return record.get("used", 0) if record else 0


def health(node, use):
    return database_quota.problem(names.read(node, use)) or (None if server.runs(node, use) else "not running")


def exists(node, use):
    return volume.exists(node, names.place(use))


def found(node, use):
    return server.options_of(node, use) if exists(node, use) else None


def listens(node, use):
    place = server.listens(node, use)
    return (names.key(use), place) if place else None


def client(node, use):
    return [*database.CLIENT, f"--socket={names.socket(use)}", f"--user={use.user}", names.database(use)]


def discard(node, use):
    with names.turn(node, use):
        files.remove(names.record_path(node, use))
        files.remove(login.path(node, use))
        return volume.discard(node, names.place(use))


def set_up(node, use):
    with names.turn(node, use):
        changes = server.make_server(node, use)
        if room.is_full(node, use):
            room.relieve(node, use)
        place = login.listen(node, use)
        changes += server.run_server(node, use, place)
        if place is None:
            own_address.give_back(node, use, names.key(use))
        return changes + quota.begin(node, use)


def remove(node, use):
    changes = own_server.remove(node, names.service(use))
    own_address.give_back(node, use, names.key(use))
    for path in (names.settings(use), names.statements(use)):
        files.remove(node.paths.at(path))
    files.remove_tree(node.paths.at(names.directory(use)))
    return changes + volume.remove(node, names.place(use))
