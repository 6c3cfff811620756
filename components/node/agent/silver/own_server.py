"""A server that is one site's own: its unit and settings, made and kept running. Restarted, never reloaded."""

import os
import socket
import time

from . import files, unit, volume
from .errors import AgentError

START_SECONDS = 60
# A connection that says nothing for so long is ended. Logging in takes no password, and some milliseconds.
SILENT_SECONDS = 5
# Modes of the directory of its socket: for the site, and for the agent alone.
OPEN, CLOSED = 0o750, 0o700
ANSWER_SECONDS = 1
MOST_ANSWER = 64 * 1024

# Lines of [Service]: no network, no capabilities, nothing of the system that a server does not need. Where it may write stands with each.
SANDBOX = """RestrictAddressFamilies=AF_UNIX
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
PrivateDevices=yes
PrivateIPC=yes
ProtectHome=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
KeyringMode=private
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
# Most of the kernel's recent holes were in these parts, and no app needs them.
SystemCallFilter=~io_uring_enter io_uring_register io_uring_setup userfaultfd
SystemCallErrorNumber=EPERM
"""

# A line of [Service]. Before a program runs, its unit copies all mounts of the node, and one unit at a time: after a boot the last of
# many waits for minutes. If units gave up before that, none would ever start. A rollout waits for START_SECONDS.
PATIENCE = "TimeoutStartSec=15min"


def slice_name(site):
    """systemd reads a hyphen as nesting, but a site named a-b is not inside the site a."""
    escaped = site.replace("-", "\\x2d")
    return f"silver-{escaped}.slice"


def needs(name):
    """Lines for the unit of a release, which starts after it and keeps running without it."""
    return [f"Wants={name}", f"After={name}"]


def places(wanted):
    """Connections that a server has room for. Each costs memory. The number doubles, so few changes to a site restart the server."""
    most = 64
    while most < wanted:
        most *= 2
    return most


def runs(node, name):
    return name in unit.active(node, [name])


def run(node, kind, name, text, settings, group=None, seconds=START_SECONDS):
    """
    Runs a server with its current unit and settings, and enables it for the next boot; returns the changes. What is lost alone is no
    reason to restart it. Error `service`.
    @param settings path → text, of files that only root can write
    @param group who reads these; None: everybody
    @param seconds it has to start
    """
    readers = () if group is None else (0o640, group)
    changes, restart = [], False
    for path, content in settings.items():
        files.make_directory_for(node.paths.at(path))
        if why := files.write(node.paths.at(path), content, *readers):
            changes.append({"what": path, "why": why})
            restart = restart or why != "missing"
    if why := unit.install(node, {name: text}).get(name):
        changes.append({"what": name, "why": why})
        restart = restart or why != "missing"
    unit.enable(node, name)
    running = runs(node, name)
    if running and not restart:
        return changes
    if running:
        node.say("services", f"restarting {name}")
        unit.stop(node, [name])
    else:
        node.say("services", f"starting {name}")
    start(node, kind, name, seconds)
    return [*changes, {"what": name, "why": "its settings changed" if running else "did not run"}]


def start(node, kind, name, seconds=START_SECONDS):
    """Waits until it is ready, which its unit finds out."""
    node.run(["systemctl", "start", "--no-block", name])
    end = time.monotonic() + seconds
    while True:
        node.still_wanted()
        seen = unit.show(node, [name])[name]
        if seen.get("ActiveState") == "active":
            return
        if seen.get("ActiveState") == "failed" or seen.get("NRestarts", "0") != "0" or time.monotonic() >= end:
            log = unit.log(node, [name], 20)
            unit.stop(node, [name])
            fix = f"see its output below, then: systemctl start {name}"
            raise AgentError("service", f"{kind}: {name} did not start", fix=fix, log=log)
        time.sleep(0.05)


def remove(node, name):
    """Stops it when its site is removed; returns the changes."""
    return [{"what": name, "why": "its site is removed"}] if unit.remove(node, name) else []


# Its disk


def make_parents(node, place, gid):
    """The directories above the place of its data, which only the site's group enters."""
    for parent in (os.path.dirname(os.path.dirname(place)), os.path.dirname(place)):
        files.make_directory(node.paths.at(parent), 0o750, gid)


def make_disk(node, place, size, owner, what):
    """A file system of its own, which grows and never shrinks: what is there may need it. Returns the changes."""
    changes = volume.set_up(node, place, size, owner, what)
    if volume.most(node, place) < size:
        changes += volume.resize(node, place, size)
    return changes


def hold_disk(node, name, place, what):
    """Mounts its disk again. Returns the changes."""
    changes = volume.hold(node, place, what)
    if changes:
        # It was stopped with its disk.
        unit.begin_to_start(node, name)
    return changes


# Its answers


def insist(node, ask, is_kept_out, admit):
    """
    Asks a server that an app may keep the agent out of: it can take every place there by connections that say nothing. Then it is asked
    while nobody else can come to it: it sends those away in time, and who has logged in stays. Returns the last answer.
    @param admit: lets in whom a mode of its socket's directory lets in
    """
    # An agent that was killed may have left it closed.
    admit(OPEN)
    if not is_kept_out(done := ask()):
        return done
    end = time.monotonic() + 2 * SILENT_SECONDS
    admit(CLOSED)
    try:
        while is_kept_out(done := ask()) and time.monotonic() < end:
            node.still_at_it()
            time.sleep(0.2)
        return done
    finally:
        admit(OPEN)


def ask(node, path, question, end):
    """
    What a server says on its socket, up to the end of its answer; None when it does not answer. It may be in the hands of whoever broke
    into it: it gets little time, and little room.
    """
    said, last = b"", time.monotonic() + ANSWER_SECONDS
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            server.settimeout(ANSWER_SECONDS)
            server.connect(node.paths.at(path))
            server.sendall(question)
            while not said.endswith(end) and len(said) < MOST_ANSWER:
                server.settimeout(max(last - time.monotonic(), 0.001))
                if not (more := server.recv(4096)):
                    return None
                said += more
    except OSError:
        return None
    return said.decode("utf-8", "replace") if said.endswith(end) else None
