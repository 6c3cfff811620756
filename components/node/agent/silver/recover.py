"""Ends a rollout whose driver is gone: undone before the cut-over, finished after it. The agent decides nothing else itself."""

from . import (
    accounts,
    certificates,
    discard,
    environ,
    files,
    finish,
    firewall,
    hand_over,
    journal,
    lease,
    node_record,
    packages,
    paths,
    retire,
    site_services,
    state,
    undo,
    unit,
    varnish,
)
from .errors import AgentError
from .faults import apart

GONE = "the driver of the rollout went away"


def site(node, holding):
    """Recovers one site; `holding` is the lease or its stand-in. Returns the changes."""
    name = holding.site
    record = journal.read(node, name)
    if record is None:
        # It may have died between the set-up of services and the release.
        return site_services.take_back(node, name)
    if record["phase"] == "remove":
        from . import remove

        return remove.go_on(node, name, record)["changes"]
    left = Left(name, record)
    settings = state.read(node, name)["settings"]
    if record["phase"] == "cut-over":
        state.change(node, name, works=record.get("works", False))
        hand_over.hand_over(node, name)
        finish.end(node, left, record, record["release"], "live", f"{GONE}; this node finished it", 0, settings)
        return [{"what": f"{name} {record['release']}", "why": f"{GONE} after the cut-over: finished"}]
    changes = undo.undo(node, name)
    changes += site_services.take_back(node, name)
    finish.end(node, left, record, record["release"], "reverted", f"{GONE}; this node undid it", 0, settings)
    return [{"what": f"{name} {record['release']}", "why": f"{GONE} before the cut-over: undone"}, *changes]


class Left:
    """Stands in for the lease of a dead rollout: the history shows its name."""

    def __init__(self, name, record):
        self.site, self.token, self.holder = name, record["token"], {"who": record["who"]}


def node_wide(node):
    """Runs after a boot, before Varnish starts; safe at any other time. Skips sites that a session is working on."""
    files.use_reserve(node.paths.var("reserve"))
    changes = []
    # A rollout that was cut short has to be undone all the same.
    with apart(node.say, "packages"):
        changes += packages.clean_up(node)
    changes += node_record.put_back(node)
    if any(change["what"].startswith(paths.UNITS) for change in changes):
        unit.reload(node)
    for name in state.sites(node):
        # One site's broken record stops only that site.
        with apart(node.note, name):
            changes += after_boot(node, name)
    if node.read(paths.NFT_CONF):
        try:
            firewall.load_all(node)
        except AgentError as error:
            # The kernel keeps the rules it has, and a status says so where there are none; sites have to serve.
            node.say("firewall", f"{paths.NFT_CONF}: {error.message}")
    # http has to serve all the same, and a status says what is wrong.
    with apart(node.say, "https"):
        changes += certificates.look(node)
    with varnish.turn(node):
        changes += varnish.apply(node)
    changes += discard.sweep(node)
    return changes


def after_boot(node, name):
    changes = []
    with lease.quiet(node, name) as ours:
        if ours and (record := journal.read(node, name)) is not None:
            changes += site(node, Left(name, record))
        if ours:
            retire.schedule_all(node, name, anew=False)
            changes += put_back(node, name)
    return changes


def put_back(node, name):
    """What the app of a site reads when it starts, where that is spoiled."""
    changes = accounts.put_back_key(node, f"site-{name}", name)
    live = state.read(node, name)["live"]
    record = live and state.record(node, name, live)
    return changes + environ.put_back(node, record) if record else changes
