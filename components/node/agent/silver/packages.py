"""apt: installs what is missing, and never upgrades or removes anything."""

import contextlib
import os
import re

from . import files, long_work
from .errors import AgentError, last_lines
from .lock import shared

# Installing a package must not start or stop its services: only the node's state decides what runs.
POLICY = "/usr/sbin/policy-rc.d"
POLICY_TEXT = "#!/bin/sh\n# silver-agent: no service starts by itself while it installs packages\nexit 101\n"
# Put before a program: overrides the node's /etc/environment.
ENVIRONMENT = ("env", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1", "LC_ALL=C.UTF-8")


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


def install(node, packages, site=None):
    """Installs what is missing, for a site or for the node itself; returns the changes. Error `package` with apt's output."""
    if not missing(node, packages):
        return []
    node.begin("packages", "waiting for apt")
    with shared(node, "apt", waiting=node.still_wanted), quiet_services(node):
        long_work.settle(node, "packages", "waiting for what an earlier session installs")
        todo = missing(node, packages)
        if not todo:
            return []
        node.say("packages", f"installing {', '.join(todo)}")
        done = apt_install(node, site, todo)
        if done.code != 0 and "dpkg was interrupted" in done.out:
            node.say("packages", "dpkg --configure -a: an installation was cut short")
            long_work.run(node, "packages", site, [*ENVIRONMENT, "dpkg", "--configure", "-a"])
            done = apt_install(node, site, todo)
        if done.code != 0 and lists_are_old(done.out):
            node.say("packages", "apt-get update")
            update(node, site)
            done = apt_install(node, site, todo)
        if done.code != 0:
            raise refused(todo, done)
        return [{"what": f"package {name}", "why": "not installed"} for name in todo]


def apt(node, site, *words):
    argv = [*ENVIRONMENT, "apt-get", "-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Use-Pty=0", "-q", *words]
    return long_work.run(node, "packages", site, argv)


def apt_install(node, site, packages):
    options = ["-y", "--no-install-recommends", "--no-upgrade", "--no-remove", "-o", "Dpkg::Options::=--force-confold"]
    return apt(node, site, "install", *options, *packages)


def update(node, site):
    done = apt(node, site, "update")
    if done.code != 0:
        raise AgentError(
            "package", "apt-get update failed", fix="look at /etc/apt/sources.list and the node's network", log=last_lines(done.out)
        )


def lists_are_old(words):
    """Whether apt says that a package is unknown, or that the mirror no longer has it."""
    return any(
        sign in words for sign in ("Unable to locate package", "has no installation candidate", "Unable to fetch", "Failed to fetch")
    )


# The second form is for packages that apt knows only from references in other packages.
UNKNOWN = re.compile(r"(?:Unable to locate package |Package '?(?=\S+ has no installation candidate))([^\s']+)")

# As apt 2 says it, apt 3.0 (Debian 13), and apt 3.1 (Ubuntu 26.04).
REMOVES = re.compile(r"^E:.*remove|is selected for removal|\d\. \S+ Conflicts \S", re.IGNORECASE)


def refused(packages, done):
    words = last_lines(done.out)
    unknown = [match[1] for line in words if (match := UNKNOWN.search(line))]
    if unknown:
        return AgentError("package", f"apt has no package {', '.join(unknown)}", fix="correct the name under `packages`", log=words)
    if any(REMOVES.search(line) for line in words):
        return AgentError(
            "package", f"installing {', '.join(packages)} would remove other packages", fix="see apt's output below", log=words
        )
    return AgentError("package", f"apt could not install {', '.join(packages)}", fix="see apt's output below", log=words)


@contextlib.contextmanager
def quiet_services(node):
    """Leaves the node's own policy alone, but removes one that a killed agent left."""
    path = node.paths.at(POLICY)
    if os.path.exists(path) and files.differs(path, POLICY_TEXT.encode(), 0o755) is not None:
        yield
        return
    files.write(path, POLICY_TEXT, 0o755)
    try:
        yield
    finally:
        # If this session ends before apt does, `clean_up` removes it later.
        if long_work.sweep(node, "packages"):
            files.remove(path)


def clean_up(node):
    """Removes what an agent left when it died during an installation, once apt has ended."""
    with shared(node, "apt", wait=False) as ours:
        path = node.paths.at(POLICY)
        if ours and long_work.sweep(node, "packages") and files.differs(path, POLICY_TEXT.encode(), 0o755) is None:
            files.remove(path)
