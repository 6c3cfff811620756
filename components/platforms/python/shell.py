"""An interpreter with the app loaded: its variables and libraries, and the object that the runner names."""

import code
import os
import sys
import traceback

CONF = os.path.dirname(os.path.abspath(__file__))


def load():
    """The names that it begins with. An app that does not load is no reason to have no interpreter."""
    sys.path.insert(0, CONF)
    try:
        from silver_app import load_application
        from silver_environment import SITE
    finally:
        sys.path.remove(CONF)
    names = {"__name__": "__console__", "__doc__": None}
    try:
        names[SITE["object"]] = load_application()
    except Exception:
        traceback.print_exc()
    known = f"{SITE['object']} is {SITE['runner']}'s" if SITE["object"] in names else "it did not load"
    return names, f"{SITE['site']} {SITE['release']}: {known}"


def complete(names):
    """Lines that can be edited, and names that Tab completes."""
    import readline
    import rlcompleter

    readline.set_completer(rlcompleter.Completer(names).complete)
    readline.parse_and_bind("tab: complete")


names, banner = load()
# Python's own place for the current directory, where the app's other programs find it, too.
sys.path.insert(0, "")
complete(names)
code.interact(banner=banner, local=names, exitmsg="")
