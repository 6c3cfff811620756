"""PostgreSQL: each site has its own server with its own user. Only the site and the agent can log in.

The superuser `postgres` is the agent's. It logs in to the database of the same name, where only the agent owns anything: what a site put
into its own database would run as any user who logs in there.
"""

import os

from ... import database_quota, files, own_address, own_server, packages
from . import database, extensions, logins, names, quota, server

# Settings of Debian's own tools: the package would create and start a cluster that no site uses.
NO_CLUSTER = "/etc/postgresql-common/createcluster.d/silver.conf"

hold = quota.hold


def values(node, use):
    own = {"DATABASE": names.database(use), "USER": use.user, "SOCKET": names.socket(use), "PORT": names.PORT}
    return own | logins.values(node, use)


def needs(node, use):
    """A release starts after it and keeps running without it: pages that need no database are still served."""
    return own_server.needs(names.service(use))


def size(node, use):
    record = names.read(node, use)
    return record.get("used", 0) if record else 0


def health(node, use):
    return database_quota.problem(names.read(node, use)) or (None if server.runs(node, use) else "not running")


def before_install(node):
    """Leaves an administrator's own clusters and their settings alone."""
    if packages.missing(node, ["postgresql-common"]):
        files.make_directory_for(node.paths.at(NO_CLUSTER))
        files.write(node.paths.at(NO_CLUSTER), "# silver-agent: each site has a server of its own\ncreate_main_cluster = false\n")


def exists(node, use):
    return os.path.isdir(node.paths.at(names.place(use))) and names.read(node, use) is not None


def found(node, use):
    return None if server.has_template(node, use) else options_of(node, use)


def options_of(node, use):
    return server.options_of(node, use) if exists(node, use) else None


def listens(node, use):
    place = server.listens(node, use)
    return (names.key(use), place) if place else None


def client(node, use):
    return ["psql", f"--host={names.socket(use)}", f"--port={names.PORT}", f"--username={use.user}", names.database(use)]


def discard(node, use):
    with names.turn(node, use):
        files.remove(names.record_path(node, use))
        files.remove(logins.path(node, use))
        gone = files.remove_tree(node.paths.at(names.place(use)))
    return [{"what": names.place(use), "why": "its first rollout failed"}] if gone else []


def judge(node, use):
    """PostGIS comes with a database: one that stands without it can't have it."""
    if use.kind == names.POSTGIS and exists(node, use) and server.runs(node, use):
        extensions.judge(node, use)


def set_up(node, use):
    with names.turn(node, use):
        changes = server.make_server(node, use)
        place = logins.listen(node, use)
        changes += server.run_server(node, use, place)
        if place is None:
            own_address.give_back(node, use, names.key(use))
        changes += database.make_database(node, use)
        changes += quota.begin(node, use)
        made, new = logins.make(node, use)
        quota.admit_logins(node, use, new)
        return changes + made + extensions.make(node, use)


def remove(node, use):
    changes = own_server.remove(node, names.service(use))
    own_address.give_back(node, use, names.key(use))
    for end in server.ENDS:
        files.remove(f"{node.paths.at(names.settings(use))}{end}")
    return changes
