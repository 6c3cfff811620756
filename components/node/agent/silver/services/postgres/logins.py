"""How an app comes to its database over TCP: by a role of each release, which becomes the site's own as it logs in.

Each has a password of its own, which stands in the release's variables and nowhere else but in a file of root's. It ends with the release:
so every rollout brings a new one, and what still runs of earlier releases goes on with theirs.
"""

import base64
import hashlib
import hmac
import os
import re
import secrets

from ... import addresses, environ, files, own_address, spoiled
from . import database, names

ROUNDS = 4096


def path(node, use):
    return f"{node.paths.at(names.place(use))}.logins.json"


def read(node, use):
    """Release → password. A lost record is made again from what the releases know."""
    return spoiled.read(node, path(node, use), spoiled.is_texts, lambda: remade(node, use) or None, bool) or {}


def remade(node, use):
    known = {release: environ.read(node, use.site, release) or {} for release in standing(node, use)}
    return {
        release: values["CONFIG_PG_PASSWORD"]
        for release, values in known.items()
        if values.get("CONFIG_PG_USER") == role(use, release) and values.get("CONFIG_PG_PASSWORD")
    }


def standing(node, use):
    """Releases that are on the node, and the one that is on its way."""
    found = {name for name in spoiled.listed(node.paths.releases(use.site)) if re.search(r"[0-9a-f]{8}\.[0-9a-f]{8}$", name)}
    return found | {use.release} - {None}


def role(use, release):
    """`site-blog-3fa2c1d0-c7b19e02`: at most 47 of the 63 characters that PostgreSQL allows."""
    bundle, own = release.rsplit(".", 1)
    return f"{use.user}-{bundle[-8:]}-{own}"


def wanted(node, use):
    """Release → password of each that may come over TCP: those that came so before, and the new one where the manifest asks for it."""
    known = read(node, use)
    kept = {release: known[release] for release in sorted(standing(node, use) & known.keys())}
    new = "tcp" in use.options and use.release is not None and use.release not in kept
    return {**kept, use.release: secrets.token_hex(24)} if new else kept


def listen(node, use):
    """Takes an address for the server where an app is to come over TCP, and opens it to the site alone; None where none is."""
    if not wanted(node, use) and "tcp" not in use.options:
        return None
    return own_address.take(node, use, names.key(use), names.server_user(use))


def make(node, use):
    """Makes the roles that are wanted, and ends all others. Returns the changes, and the roles that are new."""
    passwords = wanted(node, use)
    if not passwords and not os.path.lexists(path(node, use)):
        return [], []
    there, known = database.others(node, use), read(node, use)
    # Recorded first: what a release is told is never lost.
    files.write_json(path(node, use), passwords)
    words, made = [], []
    for release, password in passwords.items():
        name = database.name(role(use, release))
        if role(use, release) not in there:
            made.append(role(use, release))
            words.append(f"CREATE ROLE {name} LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;")
            words.append(f"GRANT {database.name(use.user)} TO {name};")
            words.append(f"ALTER ROLE {name} SET role = {database.value(use.user)};")
            words.append(f"ALTER ROLE {name} SET log_min_messages = fatal;")
        if role(use, release) not in there or release not in known:
            words.append(f"ALTER ROLE {name} PASSWORD {database.value(verifier(password))};")
        words.append(f"ALTER ROLE {name} CONNECTION LIMIT {use.options['connections']};")
    gone = sorted(there - {role(use, release) for release in standing(node, use)})
    words += [line for name in gone for line in ending(name)]
    if words:
        database.psql(node, use, "\n".join(words) + "\n")
    told = [{"what": f"login {name}", "why": "of a new release"} for name in made]
    ended = set(gone) - database.others(node, use) if gone else set()
    return [*told, *({"what": f"login {name}", "why": "its release is gone"} for name in sorted(ended))], made


def ending(role):
    """An app may have given it what keeps it from being dropped: then it can't log in any more."""
    name = database.name(role)
    yield f"ALTER ROLE {name} NOLOGIN PASSWORD NULL;"
    yield f"DO $$ BEGIN DROP ROLE {name}; EXCEPTION WHEN dependent_objects_still_exist THEN NULL; END $$;"


def verifier(password):
    """What PostgreSQL keeps of a password (SCRAM-SHA-256, RFC 5803): so the password itself never goes there."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)
    own = lambda words: hmac.digest(salted, words, "sha256")  # noqa: E731
    text = lambda data: base64.b64encode(data).decode()  # noqa: E731
    stored = hashlib.sha256(own(b"Client Key")).digest()
    return f"SCRAM-SHA-256${ROUNDS}:{text(salt)}${text(stored)}:{text(own(b'Server Key'))}"


def values(node, use):
    """What the release logs in with; empty for one that comes by the socket."""
    password, found = read(node, use).get(use.release), addresses.find(node, use.site, names.key(use))
    if "tcp" not in use.options or password is None or found is None:
        return {}
    return {"ADDRESS": found["address"], "PORT": found["port"], "USER": role(use, use.release), "PASSWORD": password}
