"""The units of a release, as its record lists them: in the order in which they start. They end the other way round."""

from . import contract, state


def name(site, release, role, own=None):
    """`own` tells the units of one role apart. No role holds a `-` and no site a `.`: so two sites' units never have one name."""
    return f"silver-{role}-{site}{f'.{own}' if own else ''}@{release}.service"


def named(record):
    """Unit → its entry in a release's record."""
    return {name(record["site"], record["id"], entry["role"], entry.get("name")): entry for entry in record["units"]}


def of(node, site, release):
    """The same of a release on the disk; empty where it is not there, for then nothing of it was started."""
    record = state.record(node, site, release)
    return named(record) if record else {}


def starting(listed, at):
    """Those of `named` that start at `prepare` or at the `cut-over`."""
    return [service for service, entry in listed.items() if entry["starts"] == at]


def patterns(site):
    """For journalctl: every unit that a release of the site has or had, and no unit of another site."""
    roles = (*contract.read()["unitRoles"], "check")
    return [f"silver-{role}-{site}{own}@*.service" for role in roles for own in ("", ".*")]
