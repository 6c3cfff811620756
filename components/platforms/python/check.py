"""Asks the app's own checker about the configuration of a release: conf/check.service runs it before the release starts.

It ends with an error when the checker raises one, returns False, or ends so itself; what it writes is for whoever rolls out.
"""

import importlib
import operator
import os
import runpy
import sys

CONF = os.path.dirname(os.path.abspath(__file__))


def make_environment():
    """os.environ and sys.path as the app has them, by what conf/wsgi.py does before it loads the application; the app's directory."""
    # Only while this is imported: to the app, conf/ is not on sys.path.
    sys.path.insert(0, CONF)
    import silver_environment

    sys.path.remove(CONF)
    silver_environment.load_environment()
    silver_environment.add_wheels()
    silver_environment.extend_path()
    silver_environment.customize()
    return silver_environment.APP


def is_python(path):
    """Such a script runs in this process: so it finds the app's libraries, and no secret stands in a process's environment block."""
    with open(path, "rb") as file:
        first = file.readline(200)
    return path.endswith(".py") or (first.startswith(b"#!") and b"python" in first)


def call(checker, directory):
    module, _, name = checker.partition(":")
    if operator.attrgetter(name)(importlib.import_module(module))(directory) is False:
        sys.exit(f"{checker} returned False")


def start(path, directory):
    words = [path] if directory is None else [path, directory]
    if not is_python(path):
        os.execv(path, words)
    sys.argv = words
    sys.path.insert(0, os.path.dirname(path))
    runpy.run_path(path, run_name="__main__")


def main(checker):
    app = make_environment()
    directory = os.environ.get("SILVER_APP_CONFIG")
    if ":" in checker:
        call(checker, directory)
    else:
        start(os.path.join(app, checker), directory)


main(sys.argv[1])
