"""What this node has, for people and for the rollout."""

from . import addresses, hand_over, jobs, lease, site_services, state, unit, units


def site(node, name):
    present = state.read(node, name)
    here = ("prepare", "cut-over") if present["works"] else ("prepare",)
    listed = {
        release: [service for service, entry in units.of(node, name, release).items() if entry["starts"] in here]
        for release in present["releases"]
    }
    running = unit.active(node, [service for services in listed.values() for service in services])
    wrong = hand_over.told(node, name)
    found = []
    for release in present["releases"]:
        record, place = state.record(node, name, release), addresses.find(node, name, release)
        if record is not None and place is not None:
            found.append(
                {
                    "id": release,
                    "bundle": record["bundle"]["id"],
                    **place,
                    "units": [
                        {"name": service, "active": service in running} | ({"problem": wrong[service]} if service in wrong else {})
                        for service in listed[release]
                    ],
                }
            )
    return {
        "site": name,
        "serial": present["serial"],
        "live": present["live"],
        "previous": present["previous"],
        "releases": found,
        "generation": present["generation"],
        "works": present["works"],
        "jobs": jobs.status(node, name),
        "holder": lease.holder(node, name),
        "services": site_services.status(node, name),
    }


def status(node, name):
    return {"sites": [site(node, each) for each in state.sites(node) if name in (None, each)]}
