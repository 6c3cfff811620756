"""A loopback address and a port for each release, and for each server of a site that listens on one, from one table for the node."""

import socket

from . import contract, files, spoiled, state
from .errors import AgentError
from .lock import shared

PORTS = contract.read()["releasePorts"]
# Every number from 1 on is one address in 127.64.0.0/16, for a release, or 127.65.0.0/16, for a server, and one port.
RELEASES, SERVERS = 64, 65
COUNT = PORTS["last"] - PORTS["first"] + 1


def table_path(node):
    return node.paths.var("addresses.json")


def read(node):
    return spoiled.read(node, table_path(node), is_table, lambda: remade(node), lambda made: made["taken"]) or {"next": 1, "taken": {}}


def is_table(value):
    if not isinstance(value, dict) or not isinstance(value.get("next"), int) or not isinstance(value.get("taken"), dict):
        return False
    return all(is_place(place) and key.count("/") == 1 for key, place in value["taken"].items())


def is_place(value):
    return isinstance(value, dict) and isinstance(value.get("address"), str) and isinstance(value.get("port"), int)


def remade(node):
    taken = spoiled.addresses(node, state.sites(node))
    last = max((place["port"] - PORTS["first"] + 1 for place in taken.values()), default=0)
    return {"next": last % COUNT + 1, "taken": taken}


def place(number, network=RELEASES):
    """Three dots and a port from a number; never .0 or .255, which some tools take for networks."""
    high, low = divmod(number - 1, 250)
    return {"address": f"127.{network}.{high}.{low + 1}", "port": PORTS["first"] + number - 1}


def is_server(address):
    return address.startswith(f"127.{SERVERS}.")


def free(address):
    """Whether nothing listens there, not even an impostor."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address["address"], address["port"]))
        except OSError:
            return False
        return True


def find(node, site, name):
    """The address of a release or a server; None when it has none."""
    return read(node)["taken"].get(f"{site}/{name}")


def take(node, site, name, server=None):
    """
    The address of a release or a server, a new one when it has none. Goes round the table, so that a number is reused as late as possible.
    @param server the user that a server runs as; None: it is a release
    """
    with shared(node, "addresses"):
        table = read(node)
        key = f"{site}/{name}"
        if key not in table["taken"]:
            used = {taken["port"] for taken in table["taken"].values()}
            for step in range(COUNT):
                number = (table["next"] - 1 + step) % COUNT + 1
                found = {**place(number, SERVERS), "server": server} if server else place(number)
                if found["port"] not in used and free(found):
                    break
            else:
                raise AgentError("internal", "no loopback address is free on this node", fix="lower `retain`")
            table["taken"][key] = found
            table["next"] = number % COUNT + 1
            files.write_json(table_path(node), table)
        return table["taken"][key]


def give_back(node, site, name):
    """True when it had one. Call only once no VCL names a release's."""
    with shared(node, "addresses"):
        table = read(node)
        if table["taken"].pop(f"{site}/{name}", None) is None:
            return False
        files.write_json(table_path(node), table)
        return True


def close(node, site, name, closed):
    """Whether the site may come to a server's address; the firewall holds it to that. True when it was otherwise."""
    with shared(node, "addresses"):
        table = read(node)
        found = table["taken"][f"{site}/{name}"]
        if found.get("closed", False) == closed:
            return False
        found["closed"] = closed
        files.write_json(table_path(node), table)
        return True
