"""A site's user: its own group, no login, no way to become another user."""

import os
import re
import secrets

from . import files

SHORTEST_KEY, LONGEST_KEY = 32, 4096


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


def run_as(user, group, argv):
    """
    A program as a user whose other processes are confined, which this one is not. It is of their group only besides: whoever is of another
    first is looked into by none of them (ptrace(2)), and so no way out of their sandbox.
    """
    return ["runuser", "-u", user, "-g", "nogroup", "-G", group, "--", *argv]


def ensure_home(node, user, site):
    """A site's directory: owned by root; only root and the site can enter."""
    _, gid = node.ids(user)
    changed = files.make_directory(node.paths.site(site), 0o750, gid)
    changed = files.make_directory(node.paths.releases(site), 0o755) or changed
    return bool(put_back_key(node, user, site)) or changed


def put_back_key(node, user, site):
    """For signing cookies and the like (SILVER_SECRET_FILE): made once, known only to the site. Returns the changes."""
    try:
        _, gid = node.ids(user)
    except KeyError:
        return []
    path = f"/srv/silver/{site}/secret.txt"
    key = read_key(node.paths.at(path))
    if key is None and os.path.lexists(node.paths.at(path)):
        files.set_aside(node.paths.at(path))
        node.note(site, f"{path} was spoiled: the site has a new key, and its visitors log in again")
    why = files.write(node.paths.at(path), key or new_key(), 0o640, gid)
    return [{"what": path, "why": why}] if why else []


def new_key():
    return f"{secrets.token_hex(32)}\n".encode()


def read_key(path):
    """None for one that is gone, cut or garbage. An administrator may have put one of another form there."""
    try:
        with open(path, "rb", opener=files.at_once) as file:
            key = file.read()
    except (FileNotFoundError, IsADirectoryError):
        return None
    text = key.decode("latin-1").strip()
    is_key = SHORTEST_KEY <= len(text) <= LONGEST_KEY and text.isprintable() and not re.fullmatch("[0-9a-f]{0,63}", text)
    return key if is_key else None
