"""What this node has, for people and for the rollout."""

from . import addresses, lease, redact, site_services, state, unit, units
from .errors import AgentError


def site(node, name):
    present = state.read(node, name)
    listed = {release: list(units.of(node, name, release)) for release in present["releases"]}
    running = unit.active(node, [service for services in listed.values() for service in services])
    found = []
    for release in present["releases"]:
        record, place = state.record(node, name, release), addresses.find(node, name, release)
        if record is not None and place is not None:
            found.append(
                {
                    "id": release,
                    "bundle": record["bundle"]["id"],
                    **place,
                    "units": [{"name": service, "active": service in running} for service in listed[release]],
                }
            )
    return {
        "site": name,
        "serial": present["serial"],
        "live": present["live"],
        "previous": present["previous"],
        "releases": found,
        "generation": present["generation"],
        "holder": lease.holder(node, name),
        "services": site_services.status(node, name),
    }


def status(node, name):
    return {"sites": [site(node, each) for each in state.sites(node) if name in (None, each)]}


def logs(node, arguments):
    """Selects the app's lines by unit, which no other site can forge, and the rollout's by root."""
    name, release = arguments["site"], arguments["release"]
    if name not in state.sites(node):
        raise AgentError("usage", f"this node has no site {name}", fix="see: silver-agent status")
    if arguments["kind"] == "rollout":
        which = [f"SYSLOG_IDENTIFIER=silver-rollout-{name}", "_UID=0"]
    else:
        services = [*units.of(node, name, release), units.name(name, release, "check")] if release else units.patterns(name)
        which = [f"--unit={service}" for service in services]
    words = ["--lines", str(arguments["lines"]), "--output", "short-iso", "--no-pager", "--quiet"]
    done = node.run(["journalctl", *words, *which])
    return {"lines": redact.site_lines(node, name, done.out.splitlines())}
