"""systemd units, whatever they are of."""

import os

from . import files
from .errors import AgentError, last_lines


def show(node, units):
    """Properties of units, by name. A unit that systemd does not know is `inactive`."""
    if not units:
        return {}
    wanted = "Id,ActiveState,SubState,Result,ExecMainStatus,UnitFileState,NeedDaemonReload,NRestarts,LoadState"
    done = node.run(["systemctl", "show", f"--property={wanted}", *units])
    found = {}
    for block in done.out.strip().split("\n\n"):
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        found[fields.get("Id", "")] = fields
    return {unit: found.get(unit, {}) for unit in units}


def active(node, units):
    return {unit for unit, seen in show(node, units).items() if seen.get("ActiveState") in ("active", "reloading")}


def reload(node):
    node.run(["systemctl", "daemon-reload"])


def install(node, texts):
    """Writes units; why, of those that differed. systemd reads one it has never seen by itself; only a known one needs a reload."""
    found = {unit: files.write(node.paths.unit(unit), text) for unit, text in texts.items()}
    written = {unit: why for unit, why in found.items() if why is not None}
    # Asked only now that all are there: they may name each other.
    if any(seen.get("NeedDaemonReload") == "yes" for seen in show(node, list(written)).values()):
        reload(node)
    return written


def enabled(node, unit):
    return os.path.islink(node.paths.unit_link(unit))


def enable(node, unit):
    """So that a reboot brings it back. `systemctl enable` makes the same link, and then reloads every unit of the node."""
    link = node.paths.unit_link(unit)
    if os.path.islink(link):
        return False
    os.makedirs(os.path.dirname(link), exist_ok=True)
    os.symlink(f"../{unit}", link)
    files.sync_directory(os.path.dirname(link))
    return True


def disable(node, unit):
    return files.remove(node.paths.unit_link(unit))


def start(node, unit):
    """Starts a unit; error `unit` with its last log lines."""
    done = node.run(["systemctl", "start", unit], ok=None, seconds=120)
    if done.code != 0:
        raise AgentError(
            "unit", f"{unit} did not start", fix=f"see: systemctl status {unit}", log=log(node, [unit]) or last_lines(done.err)
        )


def begin_to_start(node, unit):
    """How it fares is for systemd to see to."""
    node.run(["systemctl", "start", "--no-block", unit], ok=None)


def stop(node, units):
    """Asks one unit after the other to stop and waits until it has: its own time limit ends what hangs."""
    for unit in units:
        node.run(["systemctl", "stop", unit], ok=None, seconds=900)
        node.run(["systemctl", "reset-failed", unit], ok=None)


def begin_to_stop(node, units):
    """Asks units to stop, and leaves it to systemd to see to it in their order."""
    if units:
        node.run(["systemctl", "stop", "--no-block", *units], ok=None)


def end(node, units):
    """Ends units that nobody has asked anything yet: Apache's way out waits for apps that hang or keep dying."""
    if units:
        begin_to_stop(node, units)
        node.run(["systemctl", "kill", "--signal=SIGKILL", *units], ok=None)
        stop(node, units)


def remove(node, unit):
    """Stops a unit and takes its file away."""
    disable(node, unit)
    stop(node, [unit])
    return files.remove(node.paths.unit(unit))


def log(node, units, lines=40):
    """The last words of units and of systemd about them."""
    if not units:
        return []
    node.run(["journalctl", "--sync"], ok=None)
    which = [word for unit in units for word in ("--unit", unit)]
    done = node.run(["journalctl", *which, "--lines", str(lines), "--output", "cat", "--no-pager", "--quiet"], ok=None)
    return done.out.splitlines()


def spoken(node, unit, lines=40):
    """The last lines that a unit wrote itself since it was started, without systemd's words about it."""
    done = node.run(["systemctl", "show", "--property=InvocationID", "--value", unit], ok=None)
    node.run(["journalctl", "--sync"], ok=None)
    words = ["--lines", str(lines), "--output", "cat", "--no-pager", "--quiet"]
    return node.run(["journalctl", *words, f"_SYSTEMD_INVOCATION_ID={done.out.strip()}"], ok=None).out.splitlines()
