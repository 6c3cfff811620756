"""The password by which a site logs in to a server of its own: one for all its releases. It stands in a file of root's, and with them."""

import secrets

from . import addresses, environ, files, spoiled


def path(node, place):
    return f"{node.paths.at(place)}.login.json"


def password(node, use, place, prefix, had=False):
    """
    None when it has none yet. A lost one is what the releases know; one that nobody knows is made anew.
    @param place: of the server's data
    @param prefix: of the variables that tell it
    @param had: whether something else on the node says that it had one
    """

    def remade():
        known = [values[f"CONFIG_{prefix}_PASSWORD"] for values in told(node, use, prefix)]
        return {"password": known[0] if known else new()} if known or had else None

    found = spoiled.read(node, path(node, place), is_login, remade, lambda made: made is not None)
    return found["password"] if found else None


def is_login(value):
    return spoiled.has_form(value, {"password": str})


def ensure(node, use, place, prefix):
    """One that stays the same, so that a rollout restarts nothing."""
    found = password(node, use, place, prefix)
    if found is None:
        found = new()
        files.write_json(path(node, place), {"password": found})
    return found


def new():
    return secrets.token_hex(24)


def told(node, use, prefix):
    """Variables of each release on the node that comes to the server's address with the site's password."""
    every = (environ.read(node, use.site, release) or {} for release in releases(node, use))
    return [values for values in every if is_told(use, prefix, values)]


def is_told(use, prefix, values):
    """Not of a server that somebody else runs, which has the same variables."""
    mine = values.get(f"CONFIG_{prefix}_USER") == use.user and values.get(f"CONFIG_{prefix}_PASSWORD")
    return bool(mine) and addresses.is_server(values.get(f"CONFIG_{prefix}_HOST", ""))


def releases(node, use):
    """Also those that no state names: one that was rolled back serves until its last request has ended."""
    return sorted(name for name in spoiled.listed(node.paths.releases(use.site)) if not name.startswith("."))
