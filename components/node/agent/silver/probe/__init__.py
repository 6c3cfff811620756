"""
Asks one service that somebody else runs, as the site would: a program of its own (`silver-agent probe`) that the agent starts as the
site's user. What it is asked comes by stdin, with the secret; what it found goes to stdout, in one line of JSON.

Each module of this folder is one type, with `hello(wire, asked)`: it logs in, and returns the server's version, or None where the server
does not say it. It raises `Refusal`.
"""

import importlib
import json
import os
import signal
import sys

from .wire import Refusal, Wire

# How it ends by its own clock: by a signal, and as runuser tells of that.
LATE = (-signal.SIGALRM, 128 + signal.SIGALRM)

# What each kind of refusal is, for whoever asked.
KINDS = ("unreachable", "slow", "tls", "protocol", "credential", "name", "busy", "version")


def main():
    asked = json.loads(sys.stdin.read())
    # Resolving a name knows no time limit. Nobody reads stdout after that.
    signal.setitimer(signal.ITIMER_REAL, asked["seconds"] + 1)
    print(json.dumps(ask(asked)), flush=True)
    # Threads of a resolver that still waits must not hold it up.
    os._exit(0)


def ask(asked):
    """`{"version": …}`, or `{"kind": …, "reason": …}`."""
    try:
        with Wire(asked) as wire:
            version = importlib.import_module(f"{__name__}.{asked['of']}").hello(wire, asked)
        if asked["version"] and version is not None and not is_of(version, asked["version"]):
            raise Refusal("version", f"is version {version}, and not {asked['version']}")
        if asked["version"] and version is None:
            raise Refusal("version", f"does not say its version, which should be {asked['version']}")
        return {"version": version}
    except Refusal as refusal:
        return {"kind": refusal.kind, "reason": refusal.reason}
    except Exception as error:
        return {"kind": "protocol", "reason": f"says what nobody understands ({type(error).__name__})"}


def is_found(value):
    """Whether it is what `ask` returns: the site, whose user asks, may have put something else there."""
    if not isinstance(value, dict):
        return False
    if "kind" in value:
        return value["kind"] in KINDS and isinstance(value.get("reason"), str)
    return "version" in value and (value["version"] is None or isinstance(value["version"], str))


def is_of(version, wanted):
    """Whether `16.4` is one of `16`, and not of `1`."""
    return version.split(".")[: wanted.count(".") + 1] == wanted.split(".")
