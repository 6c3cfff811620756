"""How an app comes to its database over TCP: by a second account of the site's, with one password, to an address of the server's own.

The account stays when nobody comes so any more: what the app defined by it, such as a view or a trigger, works only as long as it is there.
"""

import hashlib

from ... import addresses, own_address, own_login
from . import names

PREFIX = "MYSQL"
# Of the second account: where its connections come from.
HOST = "`127.%`"


def path(node, use):
    return own_login.path(node, names.place(use))


def password(node, use):
    """None for a site that never came over TCP. Who did has the account still, which must go on having the rights of the other alone."""
    return own_login.password(node, use, names.place(use), PREFIX, HOST in node.read(names.statements(use)))


def listen(node, use):
    """Takes a password and an address where an app is to come over TCP, or one that is on the node still does; None where none does."""
    if "tcp" not in use.options and not own_login.told(node, use, PREFIX):
        return None
    own_login.ensure(node, use, names.place(use), PREFIX)
    return own_address.take(node, use, names.key(use), names.server_user(use))


def values(node, use):
    """What a release logs in with; empty for one that comes by the socket."""
    word, found = password(node, use), addresses.find(node, use.site, names.key(use))
    if "tcp" not in use.options or word is None or found is None:
        return {}
    return {"ADDRESS": found["address"], "PORT": found["port"], "PASSWORD": word}


def digest(word):
    """What MariaDB keeps of a password, so that it is told no more."""
    return "*" + hashlib.sha1(hashlib.sha1(word.encode()).digest()).hexdigest().upper()
