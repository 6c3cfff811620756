"""The flip of one node: intent, boot.cli, label, done; for the last node, also the cut-over."""

from . import journal, state, unit, units, varnish
from .errors import AgentError
from .varnish_cli import VarnishCli


def flip(node, lease, release, last):
    site = lease.site
    record = journal.read(node, site)
    present = state.read(node, site)
    if present["live"] == release:
        # Called again once the last node has flipped: from now on this one only goes forward.
        if last and record is not None and record["phase"] in ("flipped", "cut-over"):
            cut_over(node, site, record)
        return {"changes": [], "previous": present["previous"]}
    if record is None or record["phase"] != "prepare" or record["release"] != release:
        raise AgentError("usage", f"{release} was not prepared in this rollout", fix="prepare it first")
    if not VarnishCli(node).running():
        raise AgentError("vcl", "Varnish is not running on this node", fix="systemctl status varnish")
    record = journal.write(node, site, record, phase="flip", turned=True)
    for service in units.starting(units.of(node, site, release), "prepare"):
        unit.enable(node, service)
    with varnish.turn(node):
        changes = varnish.apply(node, {site: release})
        state.change(node, site, live=release, previous=present["live"])
    record = journal.write(node, site, record, phase="flipped")
    node.note(site, f"{release} is live, was {present['live'] or 'nothing'}")
    if last:
        cut_over(node, site, record)
    return {"changes": changes, "previous": present["live"]}


def cut_over(node, site, record):
    """From its first line on, a node left to itself only goes forward."""
    journal.write(node, site, record, phase="cut-over")
