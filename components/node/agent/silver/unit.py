"""systemd units of any kind."""

import calendar
import contextlib
import os
import time

from . import files
from .errors import AgentError, last_lines
from .lines import Last, lines_of

# Several tracebacks of a deep framework, from several processes at once.
PART_LINES = 300
# A worker's line has up to 48 kB.
PART_CHARACTERS = 1 << 21
# A worker may take an hour to end.
LONGEST_STOP_SECONDS = 3700


def show(node, units):
    """Properties of units, by name. An unknown unit is `inactive`."""
    if not units:
        return {}
    wanted = (
        "Id,ActiveState,SubState,Result,ExecMainStatus,UnitFileState,NeedDaemonReload,NRestarts,LoadState,Job,ActiveEnterTimestampMonotonic"
    )
    done = node.run(["systemctl", "show", f"--property={wanted}", *units])
    found = {}
    for block in done.out.strip().split("\n\n"):
        fields = dict(line.split("=", 1) for line in lines_of(block) if "=" in line)
        found[fields.get("Id", "")] = fields
    return {unit: found.get(unit, {}) for unit in units}


def active(node, units):
    return {unit for unit, seen in show(node, units).items() if is_active(seen)}


def is_active(seen):
    return seen.get("ActiveState") in ("active", "reloading")


def has_ended(seen):
    """Nothing of it runs, and systemd starts it no more by itself."""
    return seen.get("ActiveState", "inactive") in ("inactive", "failed")


def is_beginning(seen):
    """Whether systemd is about to start it: it waits for its turn, or for what it starts after."""
    return seen.get("Job", "0") not in ("", "0") or (seen.get("ActiveState") == "activating" and seen.get("SubState") != "auto-restart")


def ended_by_itself(seen):
    """Whether systemd had to start it again, or gave up."""
    return seen.get("NRestarts", "0") != "0" or seen.get("SubState") == "auto-restart" or seen.get("ActiveState") == "failed"


def how_it_ended(seen):
    """The last time, for people; empty where it runs again, and systemd has forgotten it."""
    match seen.get("Result"):
        case "success" if is_active(seen) or (is_beginning(seen) and not seen.get("SubState", "").startswith("auto-restart")):
            return ""
        case "success":
            return "with exit code 0, though a worker should keep running"
        case "exit-code":
            return f"with exit code {seen.get('ExecMainStatus', '?')}"
        case "oom-kill":
            return "because it used more memory than it may"
        case other:
            return f"({other or 'unknown'})"


def seconds_active(seen):
    """For how long it has run since its last start."""
    return time.monotonic() - int(seen.get("ActiveEnterTimestampMonotonic") or 0) / 1e6


def next_starts(node, timers):
    """Timer → when it starts its unit next, in seconds of the epoch; one that never does is left out."""
    found = {
        seen.get("Id", ""): moment(seen.get("NextElapseUSecRealtime", "")) for seen in show_times(node, timers, "NextElapseUSecRealtime")
    }
    return {timer: at for timer, at in found.items() if at is not None}


def began(node, service):
    """When one that starts now began to, in seconds of the epoch; None for any other."""
    # What a timer knows of it is lost once that has been stopped, and TRIGGER_TIMER_REALTIME_USEC is an earlier time, also for a start by
    # hand.
    (seen,) = show_times(node, [service], "ActiveState,InactiveExitTimestamp")
    return moment(seen.get("InactiveExitTimestamp", "")) if seen.get("ActiveState") == "activating" else None


def show_times(node, services, wanted):
    if not services:
        return []
    # Not --timestamp=unix: systemd 255 shows some of these for people all the same.
    done = node.run(["systemctl", "show", f"--property=Id,{wanted}", *services], env={"TZ": "UTC"})
    return [dict(line.split("=", 1) for line in lines_of(block) if "=" in line) for block in done.out.strip().split("\n\n")]


def moment(text):
    with contextlib.suppress(ValueError):
        return calendar.timegm(time.strptime(text, "%a %Y-%m-%d %H:%M:%S UTC"))
    return None


def reload(node):
    node.run(["systemctl", "daemon-reload"])


def install(node, texts):
    """
    Writes units; returns why, for those that differed. systemd loads a new one on its own. One that it knows needs a reload, and so does
    one whose file was lost while it ran: systemd says that it has none, or could not load it.
    """
    found = {unit: files.write(node.paths.unit(unit), text) for unit, text in texts.items()}
    written = {unit: why for unit, why in found.items() if why is not None}
    # Ask only once all are written: they may name each other.
    seen = show(node, list(written)).values()
    if any(each.get("NeedDaemonReload") == "yes" or each.get("LoadState", "loaded") != "loaded" for each in seen):
        reload(node)
    return written


def enabled(node, unit):
    return os.path.islink(node.paths.unit_link(unit))


def enable(node, unit):
    """Makes a unit start at boot. `systemctl enable` makes the same link, but then reloads every unit of the node."""
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
    """Starts a unit without waiting; systemd takes it from there."""
    node.run(["systemctl", "start", "--no-block", unit], ok=None)


def stop(node, units):
    """Stops one unit after the other and waits for each: its own time limit ends one that hangs."""
    for unit in units:
        node.run(["systemctl", "stop", unit], ok=None, seconds=LONGEST_STOP_SECONDS)
        node.run(["systemctl", "reset-failed", unit], ok=None)


def begin_to_stop(node, units):
    """Asks units to stop, without waiting; systemd orders them."""
    if units:
        node.run(["systemctl", "stop", "--no-block", *units], ok=None)


def end(node, units):
    """Kills units that have served no request yet: a clean stop of Apache would wait for apps that hang or keep dying."""
    if units:
        begin_to_stop(node, units)
        node.run(["systemctl", "kill", "--signal=SIGKILL", *units], ok=None)
        stop(node, units)


def kill(node, unit):
    """What hangs and would not stop; Restart= brings it back."""
    node.run(["systemctl", "kill", "--signal=SIGKILL", unit], ok=None)


def remove(node, unit):
    """Stops a unit and removes its file."""
    disable(node, unit)
    stop(node, [unit])
    return files.remove(node.paths.unit(unit))


def mask(node, units, why):
    """Masks units that must not run, also before their package is installed: nothing starts them, not even by accident."""
    changes = []
    for name in units:
        path = node.paths.unit(name)
        if os.path.islink(path) and os.readlink(path) == "/dev/null":
            continue
        node.run(["systemctl", "disable", "--now", "--quiet", name], ok=None)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        node.run(["systemctl", "mask", "--quiet", name])
        changes.append({"what": name, "why": why})
    return changes


def log(node, units, lines=40):
    """The last log lines of units, and systemd's about them."""
    if not units:
        return []
    node.run(["journalctl", "--sync"], ok=None)
    which = [word for unit in units for word in ("--unit", unit)]
    done = node.run(["journalctl", *which, "--lines", str(lines), "--output", "cat", "--no-pager", "--quiet"], ok=None)
    return lines_of(done.out)


def said_since(node, units, since):
    """What units said since a moment, and systemd about them. Of many lines the first and the last: an error's cause is often the first."""
    node.run(["journalctl", "--sync"], ok=None)
    which = [word for unit in units for word in ("--unit", unit)]
    words = ["--since", f"@{int(since)}", "--lines", "4000", "--output", "cat", "--no-pager", "--quiet"]
    first, last = [], Last(PART_LINES, PART_CHARACTERS)
    for line in node.run.lines(["journalctl", *which, *words]) if units else ():
        if line is None:
            node.still_at_it()
        elif not last.kept and len(first) < PART_LINES and sum(map(len, first)) + len(line) <= PART_CHARACTERS:
            first.append(line)
        else:
            last.add(line)
    return [*first, *last.kept]


def spoken(node, unit, lines=40):
    """The last lines that a unit itself wrote since its start, without systemd's about it."""
    done = node.run(["systemctl", "show", "--property=InvocationID", "--value", unit], ok=None)
    node.run(["journalctl", "--sync"], ok=None)
    words = ["--lines", str(lines), "--output", "cat", "--no-pager", "--quiet"]
    return lines_of(node.run(["journalctl", *words, f"_SYSTEMD_INVOCATION_ID={done.out.strip()}"], ok=None).out)
