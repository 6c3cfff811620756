"""Makes a node match its state. Writes what differs and leaves the rest alone; the next run completes whatever was cut short."""

import os

from . import accounts, files, firewall, packages, unit, varnish
from .errors import AgentError
from .paths import BOOT_CLI, NFT_CONF


def converge(node, state):
    refuse_other_os(node, state)
    prepare_directories(node)
    changes = mask(node, state["units"]["stopped"])
    changes += packages.install(node, state["packages"])
    changes += users(node, state)
    owed = Owed(node)
    changes += write_files(node, state, owed)
    changes += follow_up(node, state, owed)
    return {"changes": changes}


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


def mask(node, units):
    """Masks units that must not run, before their package is installed: nothing starts them, not even by accident."""
    changes = []
    for name in units:
        path = node.paths.unit(name)
        if os.path.islink(path) and os.readlink(path) == "/dev/null":
            continue
        node.run(["systemctl", "disable", "--now", "--quiet", name], ok=None)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        node.run(["systemctl", "mask", "--quiet", name])
        changes.append({"what": name, "why": "must not run"})
    return changes


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

    def __init__(self, node):
        self.path = node.paths.var("owed.json")
        self.actions = set(files.read_json(self.path) or [])

    def add(self, action):
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
    names = {"node": state["node"], "sites": state["sites"]}
    if why := files.write_json(node.paths.var("node.json"), names):
        changes.append({"what": "the node's list of sites", "why": why})
    return changes


def follow_up(node, state, owed):
    """In order of dependency: units known, firewall loaded, Varnish's start file written, then the units started."""
    if "daemon-reload" in owed.actions or "varnish-restart" in owed.actions:
        unit.reload(node)
        owed.paid("daemon-reload")
    changes = []
    if node.read(NFT_CONF) and ("nft-load" in owed.actions or not firewall.is_loaded(node)):
        firewall.load_all(node)
        owed.paid("nft-load")
        changes.append({"what": "the node's firewall", "why": "its rules changed, or were not loaded"})
    if "varnish-restart" in owed.actions:
        node.run(["systemctl", "stop", "varnish.service"], ok=None)
    with varnish.turn(node):
        changes += varnish.apply(node)
    owed.paid("top-vcl")
    changes += run_units(node, state["units"]["running"])
    owed.paid("varnish-restart")
    return changes


def run_units(node, units):
    changes = []
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
