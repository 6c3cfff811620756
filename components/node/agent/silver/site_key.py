"""A site's own key (SILVER_SECRET_FILE) is changed: the one before lies beside it, for what was signed by then."""

from . import accounts, files, spoiled, state
from .errors import AgentError


def path(node, site):
    return f"{node.paths.site(site)}/secret.txt"


def record_path(node, site):
    """Which serial of the site's state its key was last changed at."""
    return f"{node.paths.site(site)}/key.json"


def words(node, site):
    """What nobody may read of it: it, and the one before."""
    found = [accounts.read_key(file) for file in (path(node, site), f"{path(node, site)}.previous")]
    return {key.decode("latin-1").strip() for key in found if key is not None}


def rotate(node, site):
    """
    Returns the changes. What runs goes on with the key that it has read: so there is one rotation between two releases, or it would sign
    what nobody takes any more.
    """
    # It needs the words of keys itself.
    from . import redact

    user, present = f"site-{site}", state.read(node, site)
    last = spoiled.read(node, record_path(node, site), is_record, lambda: None)
    own, before = path(node, site), f"{path(node, site)}.previous"
    # One that was cut short has left the same key twice.
    if present["live"] is not None and last == {"serial": present["serial"]} and accounts.read_key(own) != accounts.read_key(before):
        raise AgentError(
            "usage",
            f"the key of {site} was rotated already, and the site has had no new release since",
            fix="roll out a new release first: what runs may still sign with the key before that one",
        )
    changes = accounts.put_back_key(node, user, site)
    _, gid = node.ids(user)
    # The journal still has what was said of the one before that.
    redact.remember_words(node, site, words(node, site))
    # The key last: one that nobody knows any more would end every session.
    files.write(before, accounts.read_key(own), 0o640, gid)
    files.write_json(record_path(node, site), {"serial": present["serial"]})
    files.write(own, accounts.new_key(), 0o640, gid)
    node.note(site, "its key was rotated")
    return [*changes, {"what": own, "why": "rotated; the one before is beside it"}]


def is_record(value):
    return spoiled.has_form(value, {"serial": int})
