"""Makes a node match its state. Writes what differs and leaves the rest alone; the next run completes whatever was cut short."""

import os

from . import accounts, apt_sources, certificates, claim, files, firewall, hand_over, node_record, packages, ports, spoiled, unit, varnish
from .errors import AgentError
from .haproxy_cli import HaproxyCli
from .lock import shared
from .paths import BOOT_CLI, NFT_CONF


def converge(node, owner, state):
    """Error `os-differs` or `claimed` before anything is changed."""
    refuse_other_os(node, state)
    changes = claim.take(node, owner)
    changes += apply(node, state)
    return {"changes": changes + hand_over.leave(node, {site["name"] for site in state["sites"]})}


def heal(node):
    """Goes back to the last state. What Varnish reads when it starts is no reason to restart it while it serves. Returns the changes."""
    return apply(node, node_record.read(node), gently=True)


def apply(node, state, gently=False):
    # A heal may run beside a state that comes.
    with shared(node, "state"):
        return apply_alone(node, state, gently)


def apply_alone(node, state, gently):
    prepare_directories(node)
    changes = unit.mask(node, state["units"]["stopped"], "must not run")
    changes += apt_sources.apply(node, state.get("apt", {}))
    changes += packages.install(node, state["packages"])
    changes += packages.clean_up(node)
    changes += users(node, state)
    owed = Owed(node, gently)
    changes += write_files(node, state, owed)
    return changes + follow_up(node, state, owed, gently)


def refuse_other_os(node, state):
    if node.os() != state["os"]:
        raise AgentError(
            "os-differs",
            f"{state['node']} runs {node.os()}, the environment declares {state['os']}",
            fix=f"write `os: {node.os()}` under the node in the environment, or install {state['os']} there",
        )


def prepare_directories(node):
    os.makedirs(node.paths.sites(), mode=0o755, exist_ok=True)
    os.makedirs(node.paths.var(""), mode=0o755, exist_ok=True)
    os.makedirs(node.paths.var("leases"), mode=0o700, exist_ok=True)
    files.keep_reserve(node.paths.var("reserve"))


def users(node, state):
    changes = []
    for site in state["sites"]:
        if accounts.ensure(node, site["user"], site["name"]):
            changes.append({"what": f"user {site['user']}", "why": "a new site"})
        if accounts.ensure_home(node, site["user"], site["name"]):
            changes.append({"what": node.paths.site(site["name"]), "why": "a new site, or its mode or owner differed"})
    return changes


class Owed:
    """What a changed file requires: recorded on disk before the file is written, so that a crash between the two loses nothing."""

    def __init__(self, node, gently=False):
        self.gently = gently
        self.path = node.paths.var("owed.json")
        # What is spoiled may have been anything. Nothing that visitors reach is restarted for it: what spoils a file has done so.
        self.actions = set(spoiled.read(node, self.path, spoiled.is_list_of_texts, lambda: ["daemon-reload", "nft-load", "top-vcl"]) or [])

    def add(self, action):
        if self.gently and action in ("varnish-restart", "https-restart"):
            action = "daemon-reload"
        if action is not None and action not in self.actions:
            self.actions.add(action)
            files.write_json(self.path, sorted(self.actions))

    def paid(self, action):
        if action in self.actions:
            self.actions.discard(action)
            files.write_json(self.path, sorted(self.actions))


def write_files(node, state, owed):
    changes = []
    files.make_directory_for(node.paths.at(BOOT_CLI))
    os.chown(node.paths.vcl_directory(), os.geteuid(), node.group("varnish"))
    os.chmod(node.paths.vcl_directory(), 0o750)
    for file in state["files"]:
        path, mode = node.paths.at(file["path"]), int(file["mode"], 8)
        if files.differs(path, file["content"].encode(), mode) is None:
            continue
        owed.add(file.get("after"))
        files.make_directory_for(path)
        changes.append({"what": file["path"], "why": files.write(path, file["content"], mode)})
    if why := node_record.keep(node, state):
        changes.append({"what": "the node's record of its state", "why": why})
    return changes


def follow_up(node, state, owed, gently):
    """In order of dependency: units known, firewall loaded, certificates made, Varnish's start file written, then the units started."""
    if owed.actions & {"daemon-reload", "varnish-restart", "https-restart"}:
        unit.reload(node)
        owed.paid("daemon-reload")
    changes = []
    if node.read(NFT_CONF) and ("nft-load" in owed.actions or not firewall.is_loaded(node)):
        firewall.load_all(node)
        owed.paid("nft-load")
        changes.append({"what": "the node's firewall", "why": "its rules changed, or were not loaded"})
    # Where one can't be made, Varnish goes on as it is.
    changes += certificates.settle(node, state["https"]) if "https" in state else certificates.leave(node)
    web = "varnish.service" in state["units"]["running"]
    # One that nobody can reach serves nobody.
    if web and not ports.serves(node) if gently else "varnish-restart" in owed.actions:
        node.run(["systemctl", "stop", "varnish.service"], ok=None)
        files.remove(node.paths.at(certificates.HAND_OVER))
    with varnish.turn(node):
        changes += varnish.apply(node)
    owed.paid("top-vcl")
    if ports.KEEPER in state["units"]["running"] and ports.exposed(node):
        # It has run, and somebody has taken back what it did.
        unit.stop(node, [ports.KEEPER])
    if not gently and "https-restart" in owed.actions:
        node.run(["systemctl", "stop", certificates.UNIT], ok=None)
    changes += run_units(node, state["units"]["running"])
    if "https" in state:
        HaproxyCli(node).wait()
    if not gently:
        owed.paid("https-restart")
        owed.paid("varnish-restart")
    return changes


def run_units(node, units):
    changes = []
    if "varnish.service" in units:
        ports.refuse_foreign(node)
    seen = unit.show(node, units)
    asleep = [name for name in units if seen[name].get("UnitFileState") != "enabled"]
    if asleep:
        node.run(["systemctl", "enable", "--quiet", *asleep])
        changes += [{"what": name, "why": "was not enabled"} for name in asleep]
    for name in units:
        if seen[name].get("ActiveState") != "active":
            node.say("units", f"starting {name}")
            unit.start(node, name)
            changes.append({"what": name, "why": f"was {seen[name].get('ActiveState', 'unknown')}"})
    return changes
