"""Commands in a release's environment, for `silver run` and `silver shell`. Each has a transient unit and a directory of its own.

A session begins a command and ends it, at the latest when it ends itself; meanwhile a process of `silver-agent attach` gives it the
driver's stdin and stdout. The directory has given/, which the command sees as its /tmp/run: its words, and the files sent with it.
"""

import contextlib
import os
import re
import secrets
import signal
import time
from typing import NamedTuple

from . import files, history, redact, releases, rendered, site_services, spoiled, state, unit, units
from .errors import AgentError
from .lines import lines_of
from .lock import shared

ID = re.compile(r"[0-9a-f]{16}")
TERM = re.compile(r"[A-Za-z0-9+._-]{1,64}")


FORM = {"site": str, "release": str, "unit": str, "who": str, "program": str, "terminal": bool}


class Run(NamedTuple):
    """A command, as the session knows it that began it."""

    id: str
    record: dict
    since: float
    # Of a lock that dies with the session: then anybody may end the command.
    lock: int


def directory(node, run):
    return f"{node.paths.runs()}/{run}"


def begin(node, arguments):
    """Makes what a command needs; nothing runs yet."""
    site = arguments["site"]
    release = choose(node, site, arguments["release"])
    command = arguments["command"]
    if "service" in arguments:
        command = client(node, site, arguments["service"])
    releases.check_room(node, "/var/lib/silver", arguments["bytes"])
    sweep(node)
    name = secrets.token_hex(8)
    record = {
        "site": site,
        "release": release,
        "unit": units.name(site, release, "run", name),
        "who": arguments["who"],
        # Any other word may be a secret that no rollout knows.
        "program": command[0] if command else "shell",
        "terminal": arguments["terminal"],
    }
    gid = node.ids(state.record(node, site, release)["user"])[1]
    with shared(node, "runs"):
        os.makedirs(f"{directory(node, name)}/given", mode=0o755)
        os.chmod(node.paths.runs(), 0o700)
        lock = held(node, name)
    files.write(f"{directory(node, name)}/given/command.json", files.canonical(command), 0o640, gid)
    files.write_json(f"{directory(node, name)}/run.json", record)
    node.note(site, f"{record['who']} runs {shown(node, record)} in {release}")
    return Run(name, record, time.monotonic(), lock)


def choose(node, site, wanted):
    """The release whose environment is meant: the live one, or another that is here. Error `usage`."""
    if site not in state.sites(node):
        raise AgentError("usage", f"this node has no site {site}", fix="run pulumi up: it sets the node up for it first")
    present = state.read(node, site)
    if wanted is None and present["live"] is None:
        raise AgentError("usage", f"{site} has no live release on this node", fix="roll one out, or name one that is here: --release")
    release = wanted or present["live"]
    if release not in present["releases"] or state.record(node, site, release) is None:
        here = ", ".join(present["releases"]) or "none"
        raise AgentError("usage", f"{site} has no release {release} on this node", fix=f"its releases here: {here}")
    if not os.path.isfile(f"{node.paths.release(site, release)}/conf/run.service"):
        raise AgentError(
            "usage",
            f"{site} {release} runs no commands: its app is static, or it was made by an earlier version",
            fix="if its app has code, roll it out again",
        )
    return release


def client(node, site, name):
    """The words of the client of a service, as the site itself logs in. Error `usage`."""
    found = {use.name: (kind, use) for kind, use in site_services.uses(node, site)}
    if name not in found:
        raise AgentError(
            "usage", f"{site} has no service {name} on this node", fix=f"its services here: {', '.join(sorted(found)) or 'none'}"
        )
    kind, use = found[name]
    if not hasattr(kind, "client"):
        with_client = sorted(each for each in found if hasattr(found[each][0], "client"))
        fix = f"services that have one: {', '.join(with_client)}" if with_client else None
        raise AgentError("usage", f"the service {name} of {site} has no client", fix=fix)
    return kind.client(node, use)


def held(node, run):
    """Takes the lock of a command; None when the session that began it lives."""
    import fcntl

    fd = files.open_lock(f"{directory(node, run)}/lock")
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return fd
    except BlockingIOError:
        os.close(fd)
        return None


def record_of(node, run):
    """None for a command that has ended, or whose record a fault has spoiled."""
    with contextlib.suppress(AgentError):
        found = files.read_json(f"{directory(node, run)}/run.json")
        return found if spoiled.has_form(found, FORM) else None
    return None


def begun(node, run):
    """The record of a command that was begun and not yet ended. Error `usage`."""
    record = record_of(node, run) if ID.fullmatch(run) else None
    if record is None:
        raise AgentError("usage", "this command has ended, or never began")
    return record


def attach(node, run):
    """Runs a command with the stdin and stdout of this process; returns its exit code."""
    from . import terminal

    record = begun(node, run)
    words = ["systemd-run", "--quiet", "--wait", "--pipe", f"--unit={record['unit']}", *properties(node, run, record)]
    program = ["--", *program_of(node, record)]
    if record["terminal"]:
        kind = os.environ.get("TERM", "")
        words.append(f"--property=Environment=TERM={kind if TERM.fullmatch(kind) else 'dumb'}")
        uid, _ = node.ids(state.record(node, record["site"], record["release"])["user"])
        code = terminal.joined(lambda tty: node.run.attached([*words, *program], tty), uid)
    else:
        code = node.run.attached([*words, *program]).wait()
    how = ending(node, run)
    return code if how is None else how[0]


def unit_text(node, record):
    with open(f"{node.paths.release(record['site'], record['release'])}/conf/run.service", encoding="utf-8") as file:
        return file.read()


def program_of(node, record):
    return program_in(unit_text(node, record))


def properties(node, run, record):
    """The lines of conf/run.service: a transient unit has no file that could hold them."""
    return properties_in(rendered.fill(unit_text(node, record), {"RUN": directory(node, run)}))


def program_in(text):
    """The words that the text of a unit starts."""
    return re.search(r"^ExecStart=(.+)$", text, re.M)[1].split(" ")


def properties_in(text):
    """Its other lines, as words for systemd-run."""
    lines = [line for line in lines_of(text) if "=" in line and not line.startswith(("#", "ExecStart="))]
    return [f"--property={line}" for line in lines]


def ending(node, run):
    """(exit code, what to say of it or None) of a command that ran; None for one that did not."""
    result, _, status = node.read(f"/var/lib/silver/runs/{run}/ended").partition(" ")
    if not result:
        return None
    if status.isdigit():
        return int(status), None
    # Killed: by its name, as a shell counts it.
    number = getattr(signal, f"SIG{status}", signal.SIGKILL)
    if result == "oom-kill":
        return 128 + number, "it used more memory than the processes of the site may"
    return 128 + number, f"it was ended by {number.name}"


def end(node, run, why=None):
    """Ends a command that still runs, and takes away all that was made for it. Returns its exit code, and what to say of that."""
    record = run.record
    unit.stop(node, [record["unit"]])
    code, reason = ending(node, run.id) or (None, None)
    seconds = round(time.monotonic() - run.since, 1)
    told = {"who": record["who"], "release": record["release"], "run": shown(node, record), "code": code, "seconds": seconds}
    history.append_run(node, record["site"], told)
    how = "did not begin" if code is None else f"ended with {code}"
    node.note(
        record["site"], f"{told['run']} of {record['who']} {how} after {seconds:g} s" + (f": {why or reason}" if why or reason else "")
    )
    forget(node, run.id)
    os.close(run.lock)
    return {"code": code, "reason": reason}


def forget(node, run):
    with shared(node, "runs"):
        files.remove_tree(directory(node, run))


def shown(node, record):
    """The program, for the history and the log."""
    return redact.site_lines(node, record["site"], [record["program"]])[0]


def sweep(node):
    """Ends commands whose session died without ending them. Returns what failed, which keeps no other from its end."""
    with shared(node, "runs"):
        for half_removed in [name for name in listed(node) if not ID.fullmatch(name)]:
            files.clear(f"{node.paths.runs()}/{half_removed}")
        left = [(run, lock) for run in listed(node) if (lock := held(node, run)) is not None]
    failures = []
    for run, lock in left:
        try:
            end_left(node, run, lock)
        except Exception as error:
            failures.append(error)
            with contextlib.suppress(OSError):
                os.close(lock)
    return failures


def end_left(node, run, lock):
    record = record_of(node, run)
    if record is None:
        forget(node, run)
        os.close(lock)
    else:
        end(node, Run(run, record, time.monotonic(), lock), "its session died")


def end_all(node, site):
    """Ends the units of a site's commands: their sessions do the rest."""
    unit.stop(node, [record["unit"] for record in of_site(node, site)])


def releases_in_use(node, site):
    return {record["release"] for record in of_site(node, site)}


def of_site(node, site):
    """Records of the commands of a site that were begun."""
    found = [record_of(node, run) for run in listed(node)]
    return [record for record in found if record is not None and record["site"] == site]


def listed(node):
    return os.listdir(node.paths.runs()) if os.path.isdir(node.paths.runs()) else []
