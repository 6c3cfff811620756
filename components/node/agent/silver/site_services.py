"""The services of one site, of all types: set up, made known to its releases, limited, inspected, stopped."""

import re

from . import files, packages, services, state, unit
from .errors import AgentError
from .lock import shared


def uses(node, site):
    """(module, use) of each service that was ever set up, in the site's current data generation."""
    generation = state.read(node, site)["generation"]
    recorded = files.read_json(node.paths.services(site)) or []
    return [(services.of(each["type"]), services.Use(site, generation, each["name"], each["options"])) for each in recorded]


def set_up(node, lease, arguments):
    """Makes every service of a site match its options, and returns where each is."""
    site, wanted = lease.site, arguments["services"]
    kinds = sorted(service["type"] for service in wanted)
    # What is settled here is the node's: two sites may ask for their first service of a type at once.
    with shared(node, "services"):
        for kind in kinds:
            getattr(services.of(kind), "before_install", lambda node: None)(node)
    changes = packages.install(node, [name for service in wanted for name in service["packages"]], site)
    # Recorded first: half-made services are measured and stopped like the rest, as are those no longer asked for.
    record = [{key: service[key] for key in ("type", "name", "options")} for service in wanted]
    record += [each for each in files.read_json(node.paths.services(site)) or [] if each["type"] not in kinds]
    files.write_json(node.paths.services(site), record)
    variables = {}
    for (kind, use), service in zip(uses(node, site), wanted, strict=False):
        changes += kind.set_up(node, use)
        values = kind.values(node, use)
        variables |= {name: bind(text, values) for name, text in service["variables"].items()}
    return {"changes": changes + make_target(node, site), "variables": variables}


def bind(text, values):
    """Fills a variable's placeholders."""

    def value(found):
        if found[1] not in values:
            raise AgentError("usage", f"services: no service provides {found[0]}")
        return str(values[found[1]])

    return re.sub(r"@([A-Z]+)@", value, text)


def make_target(node, site):
    """One unit for all services of a site, in any generation: releases wait for it, also after a boot."""
    lines = [line for kind, use in uses(node, site) for line in kind.needs(node, use)]
    text = "\n".join(
        [f"# The data of the site {site}: its releases wait for it.", "[Unit]", f"Description=Data of the site {site}", *lines]
    )
    why = unit.install(node, {target(site): text + "\n"}).get(target(site))
    return [{"what": target(site), "why": why}] if why else []


def target(site):
    return f"silver-data-{site}.target"


def hold_all(node, site):
    """Keeps the services of a site within their limits, even if one of them fails. Returns the changes."""
    changes, failures = [], []
    for kind, use in uses(node, site):
        try:
            changes += kind.hold(node, use) if hasattr(kind, "hold") else []
        except AgentError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return changes


def status(node, site):
    """For people: each service of a site, its size, and what is wrong with it."""
    return [
        {"name": use.name, "type": kind.__name__.rpartition(".")[2], "bytes": kind.size(node, use), "problem": kind.health(node, use)}
        for kind, use in uses(node, site)
    ]


def remark(node, site):
    """A note on failing services, to add to any error of the site's releases; empty while all are well."""
    found = [(use.name, kind.health(node, use)) for kind, use in uses(node, site)]
    return "".join(f"; its service {name} is {problem}" for name, problem in found if problem is not None)


def remove(node, site):
    """Stops the services of a removed site. Returns the changes. Data stays."""
    changes = [change for kind, use in uses(node, site) for change in kind.remove(node, use)]
    unit.remove(node, target(site))
    files.remove(node.paths.services(site))
    return changes
