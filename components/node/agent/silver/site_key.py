"""A site's own key (SILVER_SECRET_FILE) is changed: the one before lies beside it, for what was signed by then."""

import os

from . import accounts, files, state
from .errors import AgentError


def path(node, site):
    return f"{node.paths.site(site)}/secret.txt"


def record_path(node, site):
    """Which serial of the site's state its key was last changed at."""
    return f"{node.paths.site(site)}/key.json"


def rotate(node, site):
    """
    Returns the changes. What runs goes on with the key that it has read: so there is one rotation between two releases, or it would sign
    what nobody takes any more.
    """
    user, serial = f"site-{site}", state.read(node, site)["serial"]
    last = files.read_json(record_path(node, site)) if os.path.isfile(record_path(node, site)) else None
    if isinstance(last, dict) and last.get("serial") == serial and state.read(node, site)["live"] is not None:
        raise AgentError(
            "usage",
            f"the key of {site} was rotated already, and the site has had no new release since",
            fix="roll out a new release first: what runs may still sign with the key before that one",
        )
    changes = accounts.put_back_key(node, user, site)
    _, gid = node.ids(user)
    # First of all: a key that nobody knows any more would end every session.
    files.write(f"{path(node, site)}.previous", accounts.read_key(path(node, site)), 0o640, gid)
    files.write(path(node, site), accounts.new_key(), 0o640, gid)
    files.write_json(record_path(node, site), {"serial": serial})
    node.note(site, "its key was rotated")
    return [*changes, {"what": path(node, site), "why": "rotated; the one before is beside it"}]
