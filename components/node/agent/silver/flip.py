"""The cut-over of one node: intent, boot.cli, label, done."""

from . import journal, state, unit, units, varnish
from .errors import AgentError
from .varnish_cli import VarnishCli


def flip(node, lease, release, last):
    site = lease.site
    record = journal.read(node, site)
    present = state.read(node, site)
    if present["live"] == release:
        # Said again when the last node has followed: from now on this one only goes forward.
        if last and record is not None and record["phase"] == "flipped":
            journal.write(node, site, record, phase="cut-over")
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
    journal.write(node, site, record, phase="cut-over" if last else "flipped")
    node.note(site, f"{release} is live, was {present['live'] or 'nothing'}")
    return {"changes": changes, "previous": present["live"]}
