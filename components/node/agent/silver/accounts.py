"""A site's user: its own group, no login, no way to be anyone else."""

import os
import secrets

from . import files


def ensure(node, user, site):
    """Makes the user when it is not there. True when it was made."""
    try:
        node.ids(user)
        return False
    except KeyError:
        words = ["--system", "--user-group", "--no-create-home", "--home-dir", f"/srv/silver/{site}", "--shell", "/usr/sbin/nologin"]
        node.run(["useradd", *words, user])
        return True


def ensure_server(node, user, group, home):
    """The user that a server of a site runs as: the site can connect to it, and not be it."""
    try:
        node.ids(user)
        return False
    except KeyError:
        words = ["--system", "--gid", group, "--no-create-home", "--home-dir", home, "--shell", "/usr/sbin/nologin"]
        node.run(["useradd", *words, user])
        return True


def ensure_home(node, user, site):
    """A site's directory: root's, and nobody but root and the site gets in."""
    _, gid = node.ids(user)
    changed = files.make_directory(node.paths.site(site), 0o750, gid)
    changed = files.make_directory(node.paths.releases(site), 0o755) or changed
    key = f"{node.paths.site(site)}/secret.txt"
    if not os.path.exists(key):
        # The site's own, for signing cookies and the like (SILVER_SECRET_FILE): made once, known to nobody else.
        files.write(key, secrets.token_hex(32) + "\n", 0o640, gid)
    return changed
