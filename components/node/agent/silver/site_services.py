"""The services of one site, of all types: set up, made known to its releases, limited, inspected, stopped."""

import re

from . import external, files, log_space, packages, services, spoiled, state, unit
from .errors import AgentError
from .lock import shared

# The type of each service that somebody else runs: of these a site may have several.
EXTERNAL = "external"


def uses(node, site):
    """(type, use) of each service that was ever set up, in the site's current data generation."""
    generation = state.read(node, site)["generation"]
    return [use_of(site, generation, each) for each in recorded(node, site)]


def recorded(node, site):
    """The services of a site as they were last set up. A lost record of a site that serves is made again from its data."""
    remake = lambda: remade(node, site) or None  # noqa: E731
    return spoiled.read(node, node.paths.services(site), is_record, remake, lambda made: made is not None) or []


def is_record(value):
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        return False
    return all(each.get("type") in services.types() and {"name", "options"} <= each.keys() for each in value)


def remade(node, site):
    present = state.read(node, site)
    # The data of a removed site stays, and is nobody's service.
    if present["live"] is None:
        return []
    found = {kind: services.of(kind).found(node, services.Use(site, present["generation"], kind, {}, kind)) for kind in services.types()}
    # Their names in the manifest are not known any more.
    return [{"type": kind, "name": kind, "options": options} for kind, options in found.items() if options is not None]


def use_of(site, generation, service, release=None):
    use = services.Use(site, generation, service["name"], service["options"], service["type"], release)
    return services.of(service["type"]), use


def set_up(node, lease, arguments):
    """Makes every service of a site match its options, and returns where each is."""
    site, release, wanted = lease.site, lease.holder["release"], arguments["services"]
    kinds = sorted({service["type"] for service in wanted})
    generation = state.read(node, site)["generation"]
    for service in wanted:
        kind, use = use_of(site, generation, service)
        getattr(kind, "judge", lambda node, use: None)(node, use)
    # What is settled here is the node's: two sites may ask for their first service of a type at once.
    with shared(node, "services"):
        for kind in kinds:
            getattr(services.of(kind), "before_install", lambda node: None)(node)
    changes = packages.install(node, [name for service in wanted for name in service["packages"]], site)
    # Recorded first: half-made services are measured and stopped like the rest, as are those no longer asked for.
    record = [{key: service[key] for key in ("type", "name", "options", "packages", "variables")} for service in wanted]
    for entry in record:
        if is_new(node, site, entry):
            entry["isNew"] = True
    now = {services.data_of(kind) for kind in kinds}
    before = recorded(node, site)
    record += [each for each in before if services.data_of(each["type"]) not in now and each["type"] != EXTERNAL]
    files.write_json(node.paths.services(site), record)
    changes += external.keep(node, site, arguments.get("secrets", {}))
    for each in before:
        if each["type"] == EXTERNAL and each["name"] not in [service["name"] for service in wanted if service["type"] == EXTERNAL]:
            kind, use = use_of(site, generation, each)
            changes += kind.remove(node, use)
    told = {}
    for service in wanted:
        kind, use = use_of(site, generation, service, release)
        changes += kind.set_up(node, use)
        told |= variables_of(node, service, use)
    return {"changes": changes + make_target(node, site), "variables": told}


def variables(node, site, release):
    """The variables of all services of a site, as a set-up for the release returned them; KeyError for a record that lacks their names."""
    generation, told = state.read(node, site)["generation"], {}
    # Those that are no longer asked for stand last, and give way.
    for each in reversed(recorded(node, site)):
        told |= variables_of(node, each, use_of(site, generation, each, release)[1])
    return told


def variables_of(node, service, use):
    values = services.of(service["type"]).values(node, use)
    return {name: bind(text, values) for name, text in service["variables"].items()}


def is_new(node, site, service):
    """Whether a service is made by a rollout before which the site had no data in it, and served nothing."""
    present = state.read(node, site)
    if present["live"] is not None:
        return False
    known = [each for each in recorded(node, site) if services.data_of(each["type"]) == services.data_of(service["type"])]
    kind, use = use_of(site, present["generation"], service)
    return any(each.get("isNew") for each in known) or not kind.exists(node, use)


def keep(node, site):
    """The site serves: from now on its data is never taken back."""
    record = recorded(node, site)
    if any("isNew" in each for each in record):
        files.write_json(node.paths.services(site), [{key: each[key] for key in each if key != "isNew"} for each in record])


def take_back(node, site):
    """Leaves nothing of the services, and of the room for logs, that a site's failed first rollout made. Returns the changes."""
    served = any(line.get("to") is not None for line in files.read_lines(node.paths.history(site)))
    if served or state.read(node, site)["live"] is not None:
        return []
    changes = log_space.discard(node, site)
    record = recorded(node, site)
    new = [each for each in record if each.get("isNew")]
    if not new:
        return changes
    generation = state.read(node, site)["generation"]
    for each in new:
        kind, use = use_of(site, generation, each)
        changes += kind.remove(node, use)
        changes += kind.discard(node, use)
    changes += external.keep(node, site, {})
    left = [each for each in record if each not in new]
    if left:
        files.write_json(node.paths.services(site), left)
        return changes + make_target(node, site)
    unit.remove(node, target(site))
    files.remove(node.paths.services(site))
    return changes


def put_back(node, site, service):
    """Makes one service as it was last set up. Never makes data: an empty place would pass for what was in it. Error `service`."""
    present = state.read(node, site)
    kind, use = use_of(site, present["generation"], service, present["live"])
    changes = packages.install(node, service.get("packages", []), site)
    if kind.exists(node, use) is False:
        raise AgentError(
            "service",
            f"the data of its service {use.name} ({service['type']}) is gone from this node",
            fix="put a copy of it in its place, then run silver heal again; a rollout would begin with nothing",
        )
    return changes + kind.set_up(node, use)


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
    """For people: each service of a site, its size and its limit, and what is wrong with it."""
    shown = []
    for kind, use in uses(node, site):
        if use.kind == EXTERNAL:
            # To ask it takes seconds: `verify` does.
            seen = {"type": use.options["of"], "bytes": 0, "limit": 0, "problem": None, "place": kind.address(node, use)}
        else:
            seen = {"type": use.kind, "bytes": kind.size(node, use), "limit": use.options["bytes"], "problem": kind.health(node, use)}
        shown.append({"name": use.name, **seen})
    return shown


def away(node, site):
    """What is wrong with the services of a site that somebody else runs: asks each."""
    found = [(use.name, kind.health(node, use)) for kind, use in uses(node, site) if use.kind == EXTERNAL]
    return [f"its service {name} is {problem}" for name, problem in found if problem is not None]


def remark(node, site):
    """A note on failing services, to add to any error of the site's releases; empty while all are well."""
    found = [(use.name, kind.health(node, use)) for kind, use in uses(node, site)]
    return "".join(f"; its service {name} is {problem}" for name, problem in found if problem is not None)


def remove(node, site):
    """Stops the services of a removed site. Returns the changes. Data stays."""
    changes = [change for kind, use in uses(node, site) for change in kind.remove(node, use)]
    changes += log_space.remove(node, site)
    external.keep(node, site, {})
    unit.remove(node, target(site))
    files.remove(node.paths.services(site))
    return changes
