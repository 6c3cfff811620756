"""Jobs of a site. A timer of the live release asks for a start; each start is a transient unit, which a later release leaves alone.

The units see to it that of a site one agent at a time starts runs, and one records how they ended: 128 may be due in the same second. So
nothing here waits for a run. jobs.json has what became of them: by name the runs under way, the last one that ended, failures in a row,
and starts that were skipped.
"""

import os
import secrets
import time
from types import NoneType

from . import contract, files, rendered, runs, spoiled, state, unit, units
from .lines import lines_of
from .lock import shared

EMPTY = {"minute": 0, "running": {}, "last": None, "failures": 0, "skipped": 0}
FORM = {
    "minute": int,
    "running": {str: {"began": int | float, "release": str}},
    "last": dict | NoneType,
    "failures": int,
    "skipped": int,
}
ENDED = {"began": int | float, "seconds": int | float, "result": str | NoneType}
# A unit that was just asked for may not be there yet.
NEW_SECONDS = 60


def path(node, site):
    return f"{node.paths.site(site)}/jobs.json"


def read(node, site):
    """What is known of each job, by name."""
    return spoiled.read(node, path(node, site), is_record, lambda: None) or {}


def is_record(value):
    if not spoiled.has_form(value, {str: FORM}):
        return False
    return all(job["last"] is None or spoiled.has_form(job["last"], ENDED) for job in value.values())


def change(node, site, name, **changes):
    record = read(node, site)
    files.write_json(path(node, site), {**record, name: {**EMPTY, **record.get(name, {}), **changes}})


def unit_name(site, release, name, run):
    return units.name(site, release, "job", f"{name}.{run}")


def under_way(node, site, name="*"):
    """Units of a job, or of all of the site's, in whatever release."""
    words = ["list-units", "--all", "--plain", "--no-legend", f"silver-job-{site}.{name}.*@*.service"]
    found = [line.split()[0] for line in lines_of(node.run(["systemctl", *words]).out) if line.strip()]
    # After a boot of a full node, units wait for each other.
    return [service for service, seen in unit.show(node, found).items() if unit.is_beginning(seen) or not unit.has_ended(seen)]


def releases_in_use(node, site):
    return {service.partition("@")[2].removesuffix(".service") for service in under_way(node, site)}


def start(node, site, release, name, overlap):
    """By a timer: starts a job, once in a minute, unless it has to wait for its last run. Returns what to say of it, or None."""
    # Around a cut-over, the timers of two releases may fire at once, and each start waits for its turn.
    minute = int((unit.began(node, units.name(site, release, "cron", name)) or time.time()) // 60)
    with shared(node, f"jobs-{site}"):
        release = in_charge(node, site, release, name)
        if release is None:
            return None
        job = {**EMPTY, **read(node, site).get(name, {})}
        if job["minute"] == minute:
            return None
        here, most = len(under_way(node, site, name)), 1 if overlap == "skip" else contract.read()["jobRunsAtOnce"]
        if here >= most:
            change(node, site, name, minute=minute, skipped=job["skipped"] + 1)
            return f"{name} is skipped: " + ("its last run has not ended" if most == 1 else f"{here} runs of it have not ended")
        run = secrets.token_hex(8)
        running = {**job["running"], run: {"began": time.time(), "release": release, "boot": node.boot()}}
        change(node, site, name, minute=minute, running=running)
    with open(f"{node.paths.release(site, release)}/conf/job.{name}.service", encoding="utf-8") as file:
        text = rendered.fill(file.read(), {"RUN": run})
    words = ["systemd-run", "--quiet", "--no-block", "--collect", f"--unit={unit_name(site, release, name, run)}"]
    done = node.run([*words, *runs.properties_in(text), "--", *runs.program_in(text)], ok=None)
    if done.code != 0:
        with shared(node, f"jobs-{site}"):
            record_end(node, site, name, run, "start", None)
        return f"{name} could not be started: {done.err.strip()}"
    return None


def in_charge(node, site, release, name):
    """
    The release in which a job starts that another's timer asked for: that one, or the live one where there was a cut-over before it was
    this start's turn. None where that has no such job, and where the site's work is not done here any more.
    """
    timer = lambda of: units.name(site, of, "cron", name, "timer")  # noqa: E731
    if unit.enabled(node, timer(release)):
        return release
    present = state.read(node, site)
    live = present["live"] if present["works"] else None
    # Its own timer starts at boot only in a moment.
    return live if live not in (None, release) and timer(live) in units.of(node, site, live) else None


def ending(node, run):
    """(result, status, when) of a run, as its unit wrote it down when that had ended; None where nothing is written."""
    try:
        with open(note(node, run), encoding="utf-8", opener=files.at_once) as file:
            result, _, status = file.read().strip().partition(" ")
            return (result, status, os.fstat(file.fileno()).st_mtime) if result else None
    except FileNotFoundError:
        return None


def note(node, run):
    return node.paths.at(f"/run/silver-job-{run}")


def end_turn(node, site, name, run, variables):
    """By the unit of a run that has ended, once it is its turn."""
    if ending(node, run) is None:
        # One of a release that an earlier version made tells it by its variables alone.
        end(node, site, name, run, variables.get("SERVICE_RESULT", ""), variables.get("EXIT_STATUS", ""))
    end_written(node, site)
    # Of a run that no record knows any more.
    files.remove(note(node, run))


def end_written(node, site):
    """Records all runs of the site that have ended, so that those whose agents still wait for their turn need none."""
    known = [(ending(node, run), name, run) for name, job in read(node, site).items() for run in job["running"]]
    for seen, name, run in sorted((each for each in known if each[0] is not None), key=lambda each: each[0][2]):
        end(node, site, name, run, *seen)


def end(node, site, name, run, *how):
    """Records how a run ended, and tells it among the lines of that run, unless another agent has done so."""
    with shared(node, f"jobs-{site}"):
        ended = record_end(node, site, name, run, *how)
    if ended is not None:
        node.tell_of(f"silver-job-{site}.{name}", *ended)


def record_end(node, site, name, run, result, status, when=None):
    """Returns its unit and what to say of it; None where it had ended."""
    job = {**EMPTY, **read(node, site).get(name, {})}
    if run not in job["running"]:
        return None
    began, service = job["running"][run]["began"], unit_name(site, job["running"][run]["release"], name, run)
    last = {"began": began, "seconds": round((when or time.time()) - began, 1), "result": how(result, status)}
    running = {each: value for each, value in job["running"].items() if each != run}
    failures = 0 if last["result"] is None else job["failures"] + 1
    change(node, site, name, running=running, last=last, failures=failures)
    files.remove(note(node, run))
    return service, f"{name} ended after {last['seconds']:g} s" + (f": {last['result']}" if last["result"] else "")


def how(result, status):
    """Why a run failed, for people; None when it did not."""
    match result:
        case "success":
            return None
        case "exit-code":
            return f"exit code {status}"
        case "timeout":
            return "it ran past its timeout"
        case "oom-kill":
            return "it used more memory than it may"
        case "start":
            return "it could not be started"
        case "lost":
            return "the node went down meanwhile"
        case other:
            return f"it was ended ({status or other})"


def settle(node, site):
    """Ends the records of runs whose unit is gone, and of which no agent could tell. Returns no changes."""
    if not any(job["running"] for job in read(node, site).values()):
        return []
    here = under_way(node, site)
    for name, job in read(node, site).items():
        for run, begun in job["running"].items():
            if unit_name(site, begun["release"], name, run) in here:
                continue
            seen = ending(node, run)
            if seen is None and time.time() - begun["began"] > NEW_SECONDS:
                seen = ("start" if begun.get("boot") == node.boot() else "lost", None)
            if seen is not None:
                end(node, site, name, run, *seen)
    return []


def end_all(node, site):
    """For a site that is removed."""
    unit.stop(node, under_way(node, site))
    files.remove(path(node, site))


def status(node, site):
    """The jobs of the live release, on the node that runs them."""
    present = state.read(node, site)
    if not present["works"] or not present["live"]:
        return []
    timers = {
        entry["name"]: service
        for service, entry in units.of(node, site, present["live"]).items()
        if entry["role"] == "cron" and service.endswith(".timer")
    }
    known, next_ones = read(node, site), unit.next_starts(node, list(timers.values()))
    found = []
    for name, timer in timers.items():
        job = {**EMPTY, **known.get(name, {})}
        told = {"running": len(job["running"]), "last": job["last"], "failures": job["failures"], "skipped": job["skipped"]}
        found.append({"name": name, "next": next_ones.get(timer), **told})
    return found
