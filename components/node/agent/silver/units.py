"""The units of a release, in the order of its record. They start in this order and stop in reverse."""

import glob
import os
import re

from . import contract, state


def name(site, release, role, own=None, kind="service"):
    """`own` distinguishes units of one role. No role contains a `-` and no site a `.`, so two sites' units never share a name."""
    return f"silver-{role}-{site}{f'.{own}' if own else ''}@{release}.{kind}"


def named(record):
    """Unit → its entry in a release's record."""
    named = {}
    for entry in record["units"]:
        named[name(record["site"], record["id"], entry["role"], entry.get("name"), entry.get("kind", "service"))] = entry
    return named


def of(node, site, release):
    """The same for a release on the disk; without its record by the units that are there, so that none runs on when it is retired."""
    record = state.record(node, site, release)
    return named(record) if record else left(node, site, glob.escape(release))


def left(node, site, release, at=None):
    """
    Units of a release whose record is lost, in the order of the roles: which of them starts last is not known any more.
    @param release: a pattern
    @param at: only those that start at that moment
    """
    found = {}
    for role, starts in contract.read()["unitRoles"].items():
        # What a timer starts has its name.
        kinds = {"timer": starts, "service": "timer"} if role == "cron" else {"service": starts}
        for kind, moment in kinds.items():
            pattern = f"{node.paths.unit(f'silver-{role}-{site}')}*@{release}.{kind}"
            for name in sorted(map(os.path.basename, glob.glob(pattern) if at in (None, moment) else [])):
                if own := re.match(rf"silver-{role}-{site}(?:\.([^@]+))?@", name):
                    found[name] = {"role": role, "starts": moment, **({"name": own[1]} if own[1] else {})}
    return found


def starting(listed, at):
    """Those of `named` that start at `prepare`, at the `cut-over`, or by their `timer`."""
    return [service for service, entry in listed.items() if entry["starts"] == at]


def patterns(site, roles=None):
    """A journalctl pattern for every unit that a release of the site has or had, and no other site's. `roles`: only of these."""
    every = (*contract.read()["unitRoles"], "check", "job")
    return [f"silver-{role}-{site}{own}@*.service" for role in roles or every for own in ("", ".*")]
