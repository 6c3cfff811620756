"""Whose node this is: one environment's. What another one asks for is refused before anything is touched."""

from . import files, history, lease, lock, spoiled, state
from .errors import AgentError

FIELDS = ("id", "name", "backend", "node", "since")
# Of a claim that can't be read any more: nobody takes such a node by itself, and it is handed over like any other.
UNKNOWN = {"id": "0" * 64, "name": "unknown/unknown", "backend": "unknown", "node": "unknown", "since": "unknown"}


def record_path(node):
    return node.paths.var("claim.json")


def copy_path(node):
    """In another directory: without one that can be read, nobody would know whose node it is."""
    return node.paths.at("/etc/silver/claim.json")


def read(node):
    """The claim; None when the node is nobody's."""
    return spoiled.read(node, record_path(node), is_claim, lambda: copy(node) or UNKNOWN) or copy(node)


def copy(node):
    return spoiled.read(node, copy_path(node), is_claim, lambda: None)


def is_claim(value):
    return isinstance(value, dict) and all(isinstance(value.get(field), str) for field in FIELDS)


def take(node, owner, given_by=None):
    """
    Makes the node `owner`'s. Error `claimed` when it is another's.
    @param given_by: id of the owner that hands it over
    """
    with lock.shared(node, "claim"):
        before = read(node)
        if before is None or before["id"] != given_by:
            refuse_others(node, owner)
        elif given_by != owner["id"]:
            refuse_rollouts(node)
        same = before is not None and before["id"] == owner["id"]
        record = {**owner, "since": before["since"] if same else history.now()}
        for path in (record_path(node), copy_path(node)):
            files.make_directory_for(path)
            files.write_json(path, record)
    if same:
        return []
    return [{"what": "the node's owner", "why": "it had none" if before is None else f"it was {before['name']}"}]


def refuse_others(node, owner):
    """Error `claimed` when the node is another environment's."""
    found = read(node)
    if found is None or found["id"] == owner["id"]:
        return
    name, environment = owner["node"], owner["name"].rpartition("/")[2]
    raise AgentError(
        "claimed",
        f"{name} is another environment's: {told(found, owner)}",
        fix=f"take {name} out of one of the two, or hand it over: silver claim {name} -e {environment}, which asks for the owner's name",
    )


def told(found, owner):
    """Whose a node is, for people."""
    if found["id"] == UNKNOWN["id"]:
        return f"its record is spoiled, and until it is handed over it is called {found['name']}"
    alike = found["name"] == owner["name"] and found["backend"] == owner["backend"]
    other = ", made anew since" if alike else ""
    return f"{found['name']}, whose state is in {found['backend']}{other}, has it as {found['node']} since {found['since']}"


def refuse_rollouts(node):
    """A rollout that is under way ends before its node is handed over."""
    for site in state.sites(node):
        if (holder := lease.holder(node, site)) is not None:
            raise AgentError(
                "leased",
                f"{site} is being rolled out by {holder['who']} (since {holder['since']})",
                fix="wait until that has ended, or stop it",
                holder=holder,
            )


def give_up(node, owner):
    """Makes the node nobody's. What another environment has claimed, or this one under another name, stays."""
    with lock.shared(node, "claim"):
        found = read(node)
        if found is None or (found["id"], found["node"]) != (owner["id"], owner["node"]):
            return []
        # The copy alone would bring it back.
        files.remove(copy_path(node))
        files.remove(record_path(node))
    return [{"what": "the node's owner", "why": f"{owner['name']} gave it up"}]
