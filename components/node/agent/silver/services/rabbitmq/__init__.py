"""
RabbitMQ: each site has its own server with its own user, in a network of its own. Its clients know no sockets, and so a proxy leads into
that network: it listens at an address of the node's loopback, which only the site may come to.

The site logs in with a password that the agent makes. What it may do is read from a file whenever the server starts: nothing has to be
asked for, which would take a second Erlang and its seconds.
"""

import re
import socket

from ... import accounts, addresses, files, own_address, own_server, unit, volume
from ...errors import AgentError
from . import login, names, texts

MEGABYTE = 1024 * 1024
# On a busy node: it takes six seconds of a core.
START_SECONDS = 180
# Of its disk beyond the quota: it looks up to ten times a second how much is left, and then writes what it has taken.
ROOM_BYTES = 192 * MEGABYTE
# A client begins with it, and a server answers with a frame (1) of the channel 0: the method `start` (10) of a connection (10).
GREETING = b"AMQP\0\0\x09\x01"
FRAME, METHOD = b"\1\0\0", b"\0\x0a\0\x0a"


# What the site is told


def values(node, use):
    found = addresses.find(node, use.site, names.key(use)) or {}
    told = {"ADDRESS": found.get("address", ""), "PORT": found.get("port", "")}
    return {**told, "VHOST": use.site, "USER": use.user, "PASSWORD": login.password(node, use) or ""}


# What is seen of it


def needs(node, use):
    """A release starts after it and keeps running without it: pages that need no messages are still served."""
    return own_server.needs(names.service(use)) + own_server.needs(names.proxy(use, "socket"))


def size(node, use):
    return volume.size(node, names.place(use))


def health(node, use):
    if not own_server.runs(node, names.service(use)):
        return "not running"
    if not greets(node, use):
        return "not answering"
    if volume.is_mounted(node, names.place(use)) and size(node, use) > use.options["bytes"]:
        return "over its quota: it takes no messages until some are read"
    if memory(node, use) > use.options["memory"]:
        return "out of memory: it takes no messages until some are read"
    return None


def greets(node, use):
    """Whether it answers as RabbitMQ does, by its proxy, as the site comes to it."""
    found = addresses.find(node, use.site, names.key(use))
    if found is None:
        return False
    try:
        with socket.create_connection((found["address"], found["port"]), own_server.ANSWER_SECONDS) as server:
            server.sendall(GREETING)
            said = b""
            while len(said) < 11 and (more := server.recv(11 - len(said))):
                said += more
    except OSError:
        return False
    return said[:3] == FRAME and said[7:] == METHOD


def memory(node, use):
    """What it compares with its limit itself, in bytes; 0 when it is gone."""
    pid = node.run(["systemctl", "show", "--value", "--property=MainPID", names.service(use)], ok=None).out.strip()
    found = re.search(r"^VmRSS:\s+(\d+) kB$", node.read(f"/proc/{pid}/status"), re.MULTILINE) if pid.isdecimal() else None
    return int(found[1]) * 1024 if found else 0


def exists(node, use):
    return volume.exists(node, names.place(use))


def found(node, use):
    text, limits = node.read(f"{names.settings(use)}.conf"), node.read(f"{names.settings(use)}.json")
    number = lambda pattern, text: (match := re.search(pattern, text, re.MULTILINE)) and int(match[1])  # noqa: E731
    held, most = number(r"^# quota = (\d+)$", text), number(r"^vm_memory_high_watermark.absolute = (\d+)$", text)
    connections = number(r'"max-connections":(\d+)', limits)
    if held and most and connections:
        return {"bytes": held, "memory": most, "connections": connections}
    # The manifest's defaults.
    whole = volume.most(node, names.place(use))
    return {"bytes": quota(whole), "memory": 224 * MEGABYTE, "connections": 64} if whole else None


def listens(node, use):
    """By its unit, for a table that was lost."""
    seen = re.search(r"^ListenStream=([0-9.]+):([0-9]+)$", node.read(f"/etc/systemd/system/{names.proxy(use, 'socket')}"), re.MULTILINE)
    return (names.key(use), {"address": seen[1], "port": int(seen[2]), "server": "root"}) if seen else None


# What is made of it


def set_up(node, use):
    refuse_less(node, use)
    accounts.ensure_server(node, names.server_user(use), use.user, "/nonexistent")
    (uid, _), (_, gid) = node.ids(names.server_user(use)), node.ids(use.user)
    own_server.make_parents(node, names.place(use), gid)
    changes = own_server.make_disk(node, names.place(use), disk(use), (uid, gid), names.what(use))
    word = login.ensure(node, use)
    written = {f"{names.settings(use)}{end}": text for end, text in texts.settings_files(node, use, word).items()}
    changes += own_server.run(node, "RabbitMQ", names.service(use), texts.unit_text(use), written, gid, START_SECONDS)
    return changes + open_proxy(node, use)


def disk(use):
    """Size of the file system, of which up to an eighth is its own."""
    return (use.options["bytes"] + ROOM_BYTES) * 8 // 7 // MEGABYTE * MEGABYTE


def quota(most):
    return most * 7 // 8 // MEGABYTE * MEGABYTE - ROOM_BYTES


def refuse_less(node, use):
    """A quota below what it holds would stop an app that works."""
    before, wanted = found(node, use), use.options["bytes"]
    if before is not None and wanted < before["bytes"] and (held := size(node, use)) > wanted:
        raise AgentError(
            "service",
            f"the quota of {wanted // MEGABYTE} MB is less than RabbitMQ holds: {files.megabytes(held)}",
            fix="raise the quota in the manifest, or have the app read its messages",
        )


def open_proxy(node, use):
    """Takes an address and listens there. systemd holds it, as root: who else binds it is not heard."""
    found = own_address.take(node, use, names.key(use), "root")
    why = unit.install(node, {names.proxy(use, "service"): texts.proxy_text(use)}).get(names.proxy(use, "service"))
    if why not in (None, "missing"):
        unit.stop(node, [names.proxy(use, "socket")])
    changes = [{"what": names.proxy(use, "service"), "why": why}] if why else []
    return changes + own_server.run(node, "RabbitMQ", names.proxy(use, "socket"), texts.socket_text(use, found), {})


def hold(node, use):
    return own_server.hold_disk(node, names.service(use), names.place(use), names.what(use))


def remove(node, use):
    units = names.proxy(use, "socket"), names.proxy(use, "service"), names.service(use)
    changes = [change for name in units for change in own_server.remove(node, name)]
    own_address.give_back(node, use, names.key(use))
    for end in texts.ENDS:
        files.remove(node.paths.at(f"{names.settings(use)}{end}"))
    return changes + volume.remove(node, names.place(use))


def discard(node, use):
    files.remove(login.path(node, use))
    return volume.discard(node, names.place(use))
