"""Discards the VCL of a release that has stopped, once Varnish has no connection to that release left.

A VCL takes its pool of connections with it. Varnish closes those that it keeps for later requests on the way, and may die of it:
7.1 with `Assert error in VCP_Rel()`, after it has waited, deaf to its CLI, for the other side to close. The counter VBE.*.conn leaves
kept connections out, so the kernel is asked.
"""

import os
import time

from . import addresses, files, firewall, lease, spoiled, state, unit, units
from .lines import lines_of
from .varnish_cli import VarnishCli

# Longer than Varnish keeps an idle connection (backend_idle_timeout, 60 s), whatever the other side does.
PATIENCE_SECONDS = 65
# While a site is locked: what Apache closed as it stopped, Varnish closes at once.
LOCKED_SECONDS = 1
KEPT = ".kept"


def connections(node, site, release):
    """How many connections Varnish has to a release, kept ones included."""
    place = addresses.find(node, site, release)
    if place is None:
        return 0
    # Every state but TIME-WAIT, which no program holds any more.
    done = node.run(["ss", "--no-header", "--tcp", "--numeric", "dst", f"{place['address']}:{place['port']}"])
    return len(lines_of(done.out))


def wait(node, site, release, seconds):
    """Waits until no connection is left, or time is up. True when none is."""
    end = time.monotonic() + seconds
    while left := connections(node, site, release):
        if time.monotonic() >= end:
            break
        time.sleep(0.05)
    return left == 0


def discard(node, site, release, vcl):
    """Discards a VCL; requests in hand keep it until they end. False when it has to wait: then it is cold, and `sweep` comes back to it."""
    cli = VarnishCli(node)
    if cli.running() and vcl in cli.list()[0]:
        if not wait(node, site, release, LOCKED_SECONDS):
            files.write_json(node.paths.kept_vcl(vcl), {"site": site, "release": release})
            cli("vcl.state", vcl, "cold")
            return False
        cli("vcl.discard", vcl)
    files.remove(node.paths.kept_vcl(vcl))
    return True


def take_back(node, cli, vcl):
    """Makes a VCL that is loaded fit to serve: one that waited to be discarded is cold, and no label may point to it."""
    if os.path.exists(node.paths.kept_vcl(vcl)):
        cli("vcl.state", vcl, "auto")
        files.remove(node.paths.kept_vcl(vcl))


def forget(node, site, release, vcl):
    """Takes away what a removed release has outside its directory. Call only once Varnish no longer has its VCL."""
    files.remove(node.paths.vcl(vcl))
    addresses.give_back(node, site, release)
    firewall.update(node)


def sweep(node):
    """Discards what had to wait, except for sites that a session is working on. Returns the changes."""
    changes = []
    for vcl in waiting(node):
        kept = spoiled.read(node, node.paths.kept_vcl(vcl), is_kept, lambda: None)
        if kept is None:
            # Whose it is nobody knows now; Varnish forgets it when it starts again.
            continue
        site, release = kept["site"], kept["release"]
        with lease.quiet(node, site) as ours:
            if not ours:
                continue
            if unit.active(node, units.of(node, site, release)):
                # It was brought back, and whoever did so died before this file went.
                files.remove(node.paths.kept_vcl(vcl))
            elif discard(node, site, release, vcl):
                if release not in state.read(node, site)["releases"]:
                    forget(node, site, release, vcl)
                changes.append({"what": vcl, "why": "no connection is left"})
    return changes


def is_kept(value):
    return isinstance(value, dict) and all(isinstance(value.get(name), str) for name in ("site", "release"))


def waiting(node):
    try:
        names = os.listdir(node.paths.vcl_directory())
    except FileNotFoundError:
        return []
    return sorted(name.removesuffix(KEPT) for name in names if name.endswith(KEPT))
