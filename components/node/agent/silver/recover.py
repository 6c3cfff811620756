"""Ends a rollout whose driver is gone: undone before the cut-over, finished after it. The agent decides nothing else itself."""

from . import files, finish, firewall, journal, lease, packages, paths, retire, state, undo, varnish
from .hand_over import hand_over

GONE = "the driver of the rollout went away"


def site(node, holding):
    """Recovers one site; `holding` is the lease or its stand-in. Returns the changes."""
    name = holding.site
    record = journal.read(node, name)
    if record is None:
        return []
    if record["phase"] == "remove":
        from . import remove

        return remove.go_on(node, name, record)["changes"]
    left = Left(name, record)
    settings = state.read(node, name)["settings"]
    if record["phase"] == "cut-over":
        hand_over(node, name, record["before"]["live"], record["release"], wait=False)
        finish.end(node, left, record, record["release"], "live", f"{GONE}; this node finished it", 0, settings)
        return [{"what": f"{name} {record['release']}", "why": f"{GONE} after the cut-over: finished"}]
    changes = undo.undo(node, name)
    finish.end(node, left, record, record["release"], "reverted", f"{GONE}; this node undid it", 0, settings)
    return [{"what": f"{name} {record['release']}", "why": f"{GONE} before the cut-over: undone"}, *changes]


class Left:
    """Stands in for the lease of a dead rollout: the history shows its name."""

    def __init__(self, name, record):
        self.site, self.token, self.holder = name, record["token"], {"who": record["who"]}


def node_wide(node):
    """Runs after a boot, before Varnish starts; safe at any other time. Skips sites that a session is working on."""
    changes = []
    files.use_reserve(node.paths.var("reserve"))
    packages.clean_up(node)
    for name in state.sites(node):
        with lease.quiet(node, name) as ours:
            if ours and (record := journal.read(node, name)) is not None:
                changes += site(node, Left(name, record))
            if ours:
                retire.schedule_all(node, name, anew=False)
    if node.read(paths.NFT_CONF):
        firewall.load_all(node)
    with varnish.turn(node):
        changes += varnish.apply(node)
    return changes
