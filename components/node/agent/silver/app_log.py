"""What an app said and what went wrong, from the journal: readable, one line an entry, without what a server tells of itself."""

import datetime
import json
import re

# ErrorLogFormat of a release's Apache, which conf/silver_log.py writes as well for what the app says (module `app`).
FORMAT = re.compile(r"\[([a-z_0-9]*):([a-z0-9]+)\] \[pid (\d+)[^\]]*\] (?:\[(?:client|remote) [^\]]*\] )?(.*)", re.DOTALL)
QUIET = ("info", "notice", "debug")
# Among what Apache and mod_wsgi tell at those levels, this went wrong: a process that took too long, and where it was, or one that died.
GRAVE = re.compile(r"time limit exceeded|deadlock|Dumping stack|Thread \d+ executing|called from file|by signal|exit signal")
ESCAPE = re.compile(rb"\\(x[0-9a-f]{2}|[abfnrtv\\])")
LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"\\": b"\\"}
# syslog's levels, for what systemd says of a unit: 5 that a process ended, 6 that it was started.
NOTICE = 5


def parsed(text):
    """An entry of `journalctl --output json`; None for one that was cut, as it had no end."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def line(entry):
    """An entry as one line; None when there is nothing in it for a person."""
    text = message(entry)
    unit = unit_of(entry)
    if unit == "init.scope" or entry.get("_PID") == "1":
        return stamped(entry, "systemd", text) if int(entry.get("PRIORITY", 6)) <= NOTICE else None
    pid = entry.get("_PID", "")
    if match := FORMAT.fullmatch(text):
        module, level, pid, text = match.groups()
        if level in QUIET and not GRAVE.search(text):
            return None
        if module != "app":
            text = unescape(text)
    # How php-fpm passes on what PHP said.
    text = text.removeprefix("PHP message: ")
    role = re.match(r"silver-([a-z]+)-", unit)
    return stamped(entry, f"{role[1] if role else entry.get('SYSLOG_IDENTIFIER', '?')}[{pid}]", text)


def unit_of(entry):
    """The unit that says it, or that of the run of a job of which the agent says it, wherever that runs."""
    about = entry.get("OBJECT_SYSTEMD_UNIT", "")
    return about if about.startswith("silver-job-") else entry.get("_SYSTEMD_UNIT", "")


def message(entry):
    """journald tells text that is not UTF-8 as a list of bytes, and says when it broke a line that was too long."""
    found = entry.get("MESSAGE") or ""
    text = found if isinstance(found, str) else bytes(found).decode("utf-8", "backslashreplace")
    return text + " …" if entry.get("_LINE_BREAK") == "line-max" else text


def unescape(text):
    """What Apache wrote before it escaped it: everything but ASCII, and the backslash."""
    raw = ESCAPE.sub(lambda match: LETTERS.get(match[1]) or bytes.fromhex(match[1][1:].decode()), text.encode())
    return raw.decode("utf-8", "backslashreplace")


def stamped(entry, who, text):
    moment = datetime.datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6).astimezone()
    return f"{moment:%Y-%m-%dT%H:%M:%S%z} {who}: {text}"
