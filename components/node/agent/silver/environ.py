"""environ.json of a release: what its app finds in os.environ."""

from . import files, site_services, spoiled, state
from .errors import AgentError


def path(node, site, release):
    return f"{node.paths.release(site, release)}/environ.json"


def read(node, site, release):
    """Variables by name; None for a file that is gone or spoiled."""
    try:
        found = files.read_json(path(node, site, release))
    except AgentError:
        return None
    return found if spoiled.is_texts(found) else None


def write(node, release, secrets, bound, directory=None):
    """A release never changes, but its services may move: their values are always current."""
    site, name = release["site"], release["id"]
    values = {**own(node, release), **release["variables"], **bound, **secrets}
    target = f"{directory}/environ.json" if directory else path(node, site, name)
    why = files.write_json(target, values, 0o640, node.ids(release["user"])[1])
    return [{"what": target, "why": why}] if why else []


def own(node, release):
    """What every release has."""
    values = {"SILVER_CANONICAL_HOSTNAME": node.name(), "SILVER_INSTANCE_NAME": release["id"]}
    if "configDirectory" in release:
        values["SILVER_APP_CONFIG"] = f"{node.paths.release(release['site'], release['id'])}/{release['configDirectory']['path']}"
    return values


def put_back(node, release):
    """Gives the file its owner and mode; makes a lost one again from the release's record, its services and other releases."""
    known = read(node, release["site"], release["id"])
    if known is not None:
        why = files.write_json(path(node, release["site"], release["id"]), known, 0o640, node.ids(release["user"])[1])
        return [{"what": path(node, release["site"], release["id"]), "why": why}] if why else []
    return write(node, release, secrets_elsewhere(node, release), bound(node, release))


def secrets_elsewhere(node, release):
    """Values of its secrets, from releases that were made with the same versions of them. Error `file` when one is nowhere else."""
    found = {}
    for record, values in others(node, release):
        found |= {
            name: values[name] for name, version in release["secrets"].items() if record["secrets"].get(name) == version and name in values
        }
    if missing := sorted(release["secrets"].keys() - found.keys()):
        raise lost(node, release, f"no other release has the value of {', '.join(missing)}")
    return found


def bound(node, release):
    """What its services say of themselves now."""
    try:
        return site_services.variables(node, release["site"], release["id"])
    except KeyError:
        # Recorded by an earlier agent, without its variables.
        for record, values in others(node, release):
            known = own(node, record).keys() | record["variables"].keys() | record["secrets"].keys()
            return {name: value for name, value in values.items() if name not in known}
    raise lost(node, release, "no other release has the variables of its services")


def others(node, release):
    """(record, variables) of each other release of the site that has both, newest first."""
    for name in state.read(node, release["site"])["releases"]:
        record, values = state.record(node, release["site"], name), read(node, release["site"], name)
        if name != release["id"] and record is not None and values is not None:
            yield record, values


def lost(node, release, why):
    return AgentError(
        "file",
        f"{release['site']}: {path(node, release['site'], release['id'])} is spoiled, and {why}",
        fix="raise the version in the manifest, then run silver up: a new release gets a new one",
    )
