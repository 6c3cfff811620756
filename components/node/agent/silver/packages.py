"""apt: installs what is missing, and never upgrades or removes anything."""

import contextlib
import os

from . import files
from .errors import AgentError, last_lines
from .lock import shared

# While a package is installed, its services stay as they are: what runs here is said by the node's state alone.
POLICY = "/usr/sbin/policy-rc.d"
POLICY_TEXT = "#!/bin/sh\n# silver-agent: no service starts by itself while it installs packages\nexit 101\n"
SECONDS = 900


def missing(node, packages):
    if not packages:
        return []
    done = node.run(["dpkg-query", "-W", "-f=${db:Status-Status} ${Package} ${Package}:${Architecture}\n", *packages], ok=None)
    present = set()
    for line in done.out.splitlines():
        status, *names = line.split()
        if status == "installed":
            present.update(names)
    return [name for name in packages if name not in present]


def install(node, packages):
    """Installs what is missing; returns the changes. Error `package` with apt's words."""
    with shared(node, "apt"):
        todo = missing(node, packages)
        if not todo:
            return []
        node.say("packages", f"installing {', '.join(todo)}")
        with quiet_services(node):
            done = apt_install(node, todo)
            if done.code != 0 and lists_are_old(done.err):
                node.say("packages", "apt-get update")
                update(node)
                done = apt_install(node, todo)
        if done.code != 0:
            raise refused(todo, done)
        return [{"what": f"package {name}", "why": "not installed"} for name in todo]


def apt(node, *words):
    argv = ["apt-get", "-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Use-Pty=0", "-q", *words]
    return node.run(argv, env={"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}, seconds=SECONDS, ok=None)


def apt_install(node, packages):
    return apt(
        node, "install", "-y", "--no-install-recommends", "--no-upgrade", "--no-remove", "-o", "Dpkg::Options::=--force-confold", *packages
    )


def update(node):
    done = apt(node, "update")
    if done.code != 0:
        raise AgentError(
            "package", "apt-get update failed", fix="look at /etc/apt/sources.list and the node's network", log=last_lines(done.err)
        )


def lists_are_old(words):
    """apt's ways to say that it knows no such package, or knows one that the mirror no longer has."""
    return any(
        sign in words for sign in ("Unable to locate package", "has no installation candidate", "Unable to fetch", "Failed to fetch")
    )


def refused(packages, done):
    words = last_lines(done.out + "\n" + done.err)
    unknown = [line.split()[-1] for line in words if "Unable to locate package" in line]
    if unknown:
        return AgentError("package", f"apt knows no package {', '.join(unknown)}", fix="correct the name under `packages`", log=words)
    # The second is what apt 3 says, as in Debian 13.
    if any(line.startswith("E:") and "remove" in line.lower() or "is selected for removal" in line for line in words):
        return AgentError(
            "package", f"installing {', '.join(packages)} would remove other packages", fix="see apt's words below", log=words
        )
    return AgentError("package", f"apt could not install {', '.join(packages)}", fix="see apt's words below", log=words)


@contextlib.contextmanager
def quiet_services(node):
    """A policy of the node's own is left alone; one that a killed agent left behind is ours to take away."""
    path = node.paths.at(POLICY)
    if os.path.exists(path) and files.differs(path, POLICY_TEXT.encode(), 0o755) is not None:
        yield
        return
    files.write(path, POLICY_TEXT, 0o755)
    try:
        yield
    finally:
        files.remove(path)


def clean_up(node):
    """Takes away the policy that an agent killed in the middle of an installation left behind."""
    with shared(node, "apt", wait=False) as ours:
        path = node.paths.at(POLICY)
        if ours and files.differs(path, POLICY_TEXT.encode(), 0o755) is None:
            files.remove(path)
