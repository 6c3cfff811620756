"""What a release's programs do before any of the app's code runs: os.environ, sys.path, and the app's own silvercustomize."""

import importlib
import importlib.util
import json
import os
import site
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
APP = os.path.join(ROOT, "app")

with open(os.path.join(ROOT, "conf", "site.json"), encoding="utf-8") as _file:
    SITE = json.load(_file)


def load_environment():
    """Before any of the app's code runs: libraries read os.environ when they are imported."""
    with open(os.path.join(ROOT, "environ.json"), encoding="utf-8") as file:
        os.environ.update(json.load(file))
    # The interpreter has looked already; what of the config may stand in a unit, it found there.
    time.tzset()


def add_wheels():
    """The libraries of requirements.txt before what the system has, as mod_wsgi adds its python-path; none where there are none."""
    system = list(sys.path)
    site.addsitedir(os.path.join(ROOT, "wheels"))
    sys.path[:] = [entry for entry in sys.path if entry not in system] + system


def extend_path():
    """src/, then lib/python with its .pth files, before what the system has."""
    system = list(sys.path)
    site.addsitedir(os.path.join(APP, "lib", "python"))
    vendored = [entry for entry in sys.path if entry not in system]
    sys.path[:] = [os.path.join(APP, "src"), *vendored, *system]


def customize():
    """The app's own silvercustomize.py runs first of all its code; it need not exist."""
    if importlib.util.find_spec("silvercustomize") is not None:
        importlib.import_module("silvercustomize")
