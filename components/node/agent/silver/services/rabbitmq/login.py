"""How the site logs in: by a password that stands in a file of root's and in what its releases are told."""

import base64
import hashlib
import secrets

from ... import environ, files, spoiled, state
from . import names


def path(node, use):
    return f"{node.paths.at(names.place(use))}.login.json"


def password(node, use):
    """None when it has none yet. A lost one is what the releases know."""
    remake = lambda: remade(node, use)  # noqa: E731
    found = spoiled.read(node, path(node, use), is_login, remake, lambda made: made is not None)
    return found["password"] if found else None


def is_login(value):
    return isinstance(value, dict) and isinstance(value.get("password"), str)


def remade(node, use):
    live = state.read(node, use.site)["live"]
    known = (environ.read(node, use.site, live) or {}) if live else {}
    found = known.get("CONFIG_RABBITMQ_PASSWORD")
    return {"password": found} if found and known.get("CONFIG_RABBITMQ_USER") == use.user else None


def ensure(node, use):
    """One for the site: it stays the same, so that a rollout restarts nothing."""
    found = password(node, use)
    if found is None:
        found = secrets.token_hex(24)
        files.write_json(path(node, use), {"password": found})
    return found


def digest(word):
    """What RabbitMQ keeps of a password. The salt follows from it, so that the same is written each time: no two are alike."""
    salt = hashlib.sha256(f"salt {word}".encode()).digest()[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + word.encode()).digest()).decode()
