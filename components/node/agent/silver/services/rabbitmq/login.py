"""How the site logs in: by one password, of which the server gets a digest."""

import base64
import hashlib

from ... import own_login
from . import names

PREFIX = "RABBITMQ"


def path(node, use):
    return own_login.path(node, names.place(use))


def password(node, use):
    """None when it has none yet."""
    return own_login.password(node, use, names.place(use), PREFIX)


def ensure(node, use):
    return own_login.ensure(node, use, names.place(use), PREFIX)


def digest(word):
    """What RabbitMQ keeps of a password. The salt follows from it, so that the same is written each time: no two are alike."""
    salt = hashlib.sha256(f"salt {word}".encode()).digest()[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + word.encode()).digest()).decode()
