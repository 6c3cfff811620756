"""Starts a command in the environment of a release, in a unit of its own: run.py DIRECTORY.

DIRECTORY has command.json, the words: of a worker or a job in the release, of `silver run` in what the agent makes for each command. None
of them mean the interpreter of the app's platform. They stand in no unit and no journal.
"""

import fcntl
import json
import os
import signal
import sys
import termios

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
APP = os.path.join(ROOT, "app")


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def set_environment(paths):
    """The app's variables, and the places where its interpreter finds what is ours."""
    os.environ.update(read(f"{ROOT}/environ.json"))
    for name, path in paths.items():
        os.environ[name] = ":".join(each for each in (path, os.environ.get(name)) if each)
    os.environ["PATH"] = f"{APP}/bin:{os.environ.get('PATH', '/usr/local/bin:/usr/bin:/bin')}"


def find(name):
    """The file that a name stands for, from the app's directory or as a shell looks for it; None when there is none."""
    if "/" in name:
        return name if os.path.exists(name) else None
    found = [path for path in (f"{directory}/{name}" for directory in os.environ["PATH"].split(":")) if os.path.isfile(path)]
    return next((path for path in found if os.access(path, os.X_OK)), found[0] if found else None)


def refuse(code, why):
    sys.stderr.write(f"silver: {why}\n")
    sys.exit(code)


def start(words):
    name = words[0]
    # Debian has no `python`, and the app has only one.
    path = find(name) or (find("python3") if name == "python" else None)
    if path is None:
        where = "the app has no such file" if "/" in name else "neither bin/ of the app nor the node has such a program"
        refuse(127, f"{name}: command not found: {where}")
    if path.endswith(".py") and "/" in name and not os.access(path, os.X_OK):
        path, words = find("python3"), ["python3", path, *words[1:]]
    # Python ignores these; a command expects them as they are.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execv(path, words)
    except FileNotFoundError:
        refuse(127, f"{name}: the program in its first line is not on this node")
    except PermissionError:
        refuse(126, f"{name}: not a program: make it executable, or put its interpreter before it")
    except OSError as error:
        refuse(126, f"{name}: can't be run: {error.strerror}")


def take_terminal():
    """systemd has begun a session: with this its terminal can interrupt it, and hang it up."""
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def main(directory):
    take_terminal()
    own = read(f"{ROOT}/conf/run.json")
    set_environment(own["paths"])
    start(read(f"{directory}/command.json") or own["shell"])


main(sys.argv[1])
