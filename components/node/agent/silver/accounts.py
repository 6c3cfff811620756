"""A site's user: its own group, no login, no way to become another user."""

import os
import secrets

from . import files


def ensure(node, user, site):
    """Creates the user if missing. True when it was created."""
    try:
        node.ids(user)
        return False
    except KeyError:
        words = ["--system", "--user-group", "--no-create-home", "--home-dir", f"/srv/silver/{site}", "--shell", "/usr/sbin/nologin"]
        node.run(["useradd", *words, user])
        return True


def ensure_server(node, user, group, home):
    """The user that a site's server runs as: the site can connect to the server, but not act as its user."""
    try:
        node.ids(user)
        return False
    except KeyError:
        words = ["--system", "--gid", group, "--no-create-home", "--home-dir", home, "--shell", "/usr/sbin/nologin"]
        node.run(["useradd", *words, user])
        return True


def ensure_home(node, user, site):
    """A site's directory: owned by root; only root and the site can enter."""
    _, gid = node.ids(user)
    changed = files.make_directory(node.paths.site(site), 0o750, gid)
    changed = files.make_directory(node.paths.releases(site), 0o755) or changed
    key = f"{node.paths.site(site)}/secret.txt"
    if not os.path.exists(key):
        # For signing cookies and the like (SILVER_SECRET_FILE): made once, known only to the site.
        files.write(key, secrets.token_hex(32) + "\n", 0o640, gid)
    return changed
