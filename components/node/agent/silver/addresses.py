"""A loopback address and a port for each release, from one table for the whole node."""

import socket

from . import files
from .errors import AgentError
from .lock import shared

FIRST_PORT = 20_000
# 20001 … 52000: every number is one address in 127.64.0.0/16 and one port.
COUNT = 32_000


def table_path(node):
    return node.paths.var("addresses.json")


def read(node):
    return files.read_json(table_path(node)) or {"next": 1, "taken": {}}


def place(number):
    """Three dots and a port from a number; never .0 or .255, which some tools take for networks."""
    high, low = divmod(number - 1, 250)
    return {"address": f"127.64.{high}.{low + 1}", "port": FIRST_PORT + number}


def free(address):
    """Whether nothing listens there, not even an impostor."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address["address"], address["port"]))
        except OSError:
            return False
        return True


def find(node, site, release):
    """The release's address; None when it has none."""
    return read(node)["taken"].get(f"{site}/{release}")


def take(node, site, release):
    """The release's address, a new one when it has none. Goes round the table, so that a number is reused as late as possible."""
    with shared(node, "addresses"):
        table = read(node)
        key = f"{site}/{release}"
        if key not in table["taken"]:
            used = {taken["port"] for taken in table["taken"].values()}
            for step in range(COUNT):
                number = (table["next"] - 1 + step) % COUNT + 1
                found = place(number)
                if found["port"] not in used and free(found):
                    break
            else:
                raise AgentError("internal", "no loopback address is free on this node", fix="lower `retain`")
            table["taken"][key] = found
            table["next"] = number % COUNT + 1
            files.write_json(table_path(node), table)
        return table["taken"][key]


def give_back(node, site, release):
    """Call only once no VCL names it."""
    with shared(node, "addresses"):
        table = read(node)
        if table["taken"].pop(f"{site}/{release}", None) is not None:
            files.write_json(table_path(node), table)
