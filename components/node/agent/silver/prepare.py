"""Brings a release up beside the live one, where no visitor sees it yet."""

import contextlib
import socket
import time

from . import (
    addresses,
    blame,
    checker,
    debs,
    environ,
    files,
    firewall,
    hand_over,
    journal,
    log_space,
    packages,
    releases,
    rendered,
    state,
    undo,
    unit,
    units,
    varnish,
)
from .errors import AgentError


def check(node, lease, arguments):
    """Rules that the schema can't express."""
    release = arguments["release"]
    if release["site"] != lease.site or release["user"] != f"site-{lease.site}":
        raise AgentError("usage", f"release.site: {release['site']} is not the leased site {lease.site}")
    if set(arguments["secrets"]) != set(release["secrets"]):
        missing = sorted(set(release["secrets"]) ^ set(arguments["secrets"]))
        raise AgentError("usage", f"secrets: {', '.join(missing)} must be in both the release and the secrets")
    if ("libraries" in release) != ("wheels" in arguments):
        raise AgentError("usage", "wheels: they belong to a release with libraries, and to no other")
    if ("digest" in release.get("configDirectory", {})) != ("config" in arguments):
        raise AgentError("usage", "config: the files of the configuration directory come with the release that has its digest")
    paths = {file["path"] for file in release["files"]}
    checking = ["conf/check.service"] if "checker" in release else []
    for needed in ("conf/site.vcl", *checking, *(entry["file"] for entry in release["units"])):
        if needed not in paths:
            raise AgentError("usage", f"release.files: {needed} is missing")
    listed = units.named(release)
    if len(listed) < len(release["units"]):
        raise AgentError("usage", "release.units: two are of the same role and name")
    if units.name(lease.site, release["id"], "web") not in units.starting(listed, "prepare"):
        raise AgentError("usage", "release.units: no unit of the role web starts at prepare")
    if own := sorted(path for path in paths if not path.startswith("conf/")):
        raise AgentError("usage", f"release.files: {own[0]} is not below conf/")


def prepare(node, lease, arguments):
    check(node, lease, arguments)
    release, secrets = arguments["release"], arguments["secrets"]
    bound = arguments.get("bound", {})
    site, name = release["site"], release["id"]
    present = state.read(node, site)
    if name in present["releases"]:
        releases.check_record(node, release, secrets)
    if present["live"] == name:
        # Already live: only restore what the node has lost of it.
        changes = packages.install(node, release["packages"], site)
        changes += debs.install(node, release)
        changes += log_space.set_up(node, site)
        changes += environ.write(node, release, secrets, bound)
        changes += restore(node, release, arguments["startSeconds"])
        return result(node, site, name, changes)
    begin(node, lease, arguments, present)
    try:
        changes = packages.install(node, release["packages"], site)
        changes += log_space.set_up(node, site)
        if name in present["releases"]:
            changes += environ.write(node, release, secrets, bound)
        else:
            sent = {"wheel_set": arguments.get("wheels"), "config": arguments.get("config")}
            releases.assemble(node, release, arguments["listing"], secrets, bound, **sent)
            state.change(node, site, releases=[name, *present["releases"]])
            changes.append({"what": node.paths.release(site, name), "why": "new"})
        changes += debs.install(node, release)
        checker.check(node, release)
        changes += start(node, release, arguments["startSeconds"])
    except (AgentError, OSError):
        # What can't be undone now stays in the journal; report the first error.
        with contextlib.suppress(AgentError, OSError):
            undo.undo(node, site)
        raise
    return result(node, site, name, changes)


def restore(node, release, seconds):
    """Puts back what the node has lost of its live release: files, units, links, label. Returns the changes."""
    changes = rendered.put_back(node, release)
    changes += start(node, release, seconds)
    served = units.starting(units.named(release), "prepare")
    changes += [{"what": service, "why": "did not start at boot"} for service in served if unit.enable(node, service)]
    changes += hand_over.hand_over(node, release["site"])[1]
    with varnish.turn(node):
        return changes + varnish.apply(node)


def begin(node, lease, arguments, present):
    """Begins the journal: records the state before."""
    release = arguments["release"]
    site, name = lease.site, release["id"]
    listed = list(units.named(release))
    running = unit.active(node, listed)
    journal.write(
        node,
        site,
        {
            "phase": "prepare",
            "token": lease.token,
            "who": lease.holder["who"],
            "release": name,
            "turned": False,
            "handed": False,
            "works": arguments.get("works", False),
            "before": {
                "live": present["live"],
                "previous": present["previous"],
                "existed": name in present["releases"],
                "units": {service: {"active": service in running, "enabled": unit.enabled(node, service)} for service in listed},
            },
        },
    )


def result(node, site, name, changes):
    return {**addresses.find(node, site, name), "changes": changes}


def start(node, release, seconds):
    """Starts those of a release's units that serve and do not run, and loads its VCL; writes only what differs."""
    site, name = release["site"], release["id"]
    vcl = varnish.vcl_name(site, release["digest"])
    root = node.paths.release(site, name)
    listed = units.named(release)
    wanted = units.starting(listed, "prepare")
    place = addresses.take(node, site, name)
    began = time.time()
    changes = []
    if firewall.update(node):
        changes.append({"what": f"{place['address']}:{place['port']}", "why": "a new address"})
    written = unit.install(node, {service: text(f"{root}/{entry['file']}") for service, entry in listed.items()})
    changes += [{"what": service, "why": why} for service, why in written.items()]
    if why := files.write(node.paths.vcl(vcl), text(f"{root}/conf/site.vcl")):
        changes.append({"what": node.paths.vcl(vcl), "why": why})
    try:
        running = unit.active(node, wanted)
        for service in [service for service in wanted if service not in running]:
            node.say("prepare", f"starting {service}")
            unit.start(node, service)
            changes.append({"what": service, "why": "did not run"})
        # Compiles while the app starts.
        varnish.load(node, vcl)
        wait(node, wanted, place, seconds, began)
    except AgentError as error:
        if error.code == "unit":
            error.code = "start"
        if error.code == "start" and (cause := blame.of_node(node, site)):
            error.code, error.message, error.fix = cause.code, f"{error.message}; {cause.message}", cause.fix
        from . import redact

        error.log = redact.site_lines(node, site, error.log)
        raise
    return changes


def text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def wait(node, services, place, seconds, began):
    """Waits until the release listens; error `start` when one of its units gives up, or time is up."""
    end = time.monotonic() + seconds
    while not listens(place):
        node.still_wanted()
        for service, seen in unit.show(node, services).items():
            if seen.get("ActiveState") not in ("active", "reloading") or seen.get("NRestarts", "0") != "0":
                raise failed(node, services, began, f"{service} ended by itself ({seen.get('Result', 'unknown')})")
        if time.monotonic() >= end:
            raise failed(node, services, began, f"the release did not listen on {place['address']}:{place['port']} within {seconds:g} s")
        time.sleep(0.02)


def listens(place):
    try:
        socket.create_connection((place["address"], place["port"]), timeout=1).close()
        return True
    except OSError:
        return False


def failed(node, services, began, why):
    return AgentError("start", why, fix="see the app's words below", log=unit.said_since(node, services, began))
