"""apt: installs what is missing, and never upgrades or removes anything."""

import contextlib
import os
import re

from . import files, long_work, package_units, resolving
from .errors import AgentError, last_lines
from .lines import lines_of
from .lock import shared

# Installing a package must not start or stop its services: only the node's state decides what runs.
POLICY = "/usr/sbin/policy-rc.d"
POLICY_TEXT = "#!/bin/sh\n# silver-agent: no service starts by itself while it installs packages\nexit 101\n"
# Before the names of packages, and the mark by which apt's history shows whose installation it was.
INSTALL = ("-o", "Dpkg::Use-Pty=0", "-q", "install", "-y", "--no-install-recommends", "--no-upgrade", "--no-remove")
# Put before a program: overrides the node's /etc/environment.
ENVIRONMENT = ("env", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1", "LC_ALL=C.UTF-8")


def missing(node, packages):
    if not packages:
        return []
    done = node.run(["dpkg-query", "-W", "-f=${db:Status-Status} ${Package} ${Package}:${Architecture}\n", *packages], ok=None)
    present = set()
    for line in lines_of(done.out):
        status, *names = line.split()
        if status == "installed":
            present.update(names)
    return [name for name in packages if name not in present]


def install(node, packages, site=None):
    """Installs what is missing, for a site or for the node itself; returns the changes. Error `package` with apt's output."""
    if not missing(node, packages):
        return []
    node.begin("packages", "waiting for apt")
    with at_work(node) as back:
        todo = missing(node, packages)
        try:
            if todo:
                fetch(node, todo, site)
        finally:
            # A failed installation may have brought some of the packages, and so may that of an earlier session.
            masked = quiet(node)
    return [*({"what": f"package {name}", "why": "not installed"} for name in todo), *masked, *back]


@contextlib.contextmanager
def at_work(node):
    """
    Alone with apt, once what an earlier session began has ended; meanwhile no package starts anything. Yields a list, in which
    afterwards stands what was put back.
    """
    back = []
    with shared(node, "apt", waiting=turn(node)), quiet_services(node):
        long_work.settle(node, "packages", "waiting for what an earlier session installs")
        resolving.keep(node)
        try:
            yield back
        finally:
            # While apt goes on without its session, it may still change this: whoever comes next puts it back.
            if long_work.sweep(node, "packages"):
                back += resolving.put_back(node)


def fetch(node, todo, site, words=None):
    """
    Installs, on whatever an installation left that was cut short. Error `package`.
    @param words: what apt is told, where that is not the names themselves
    """
    node.say("packages", f"installing {', '.join(todo)}")
    words = words or todo
    done = apt_install(node, site, words)
    if done.code != 0 and "dpkg was interrupted" in done.out:
        node.say("packages", "dpkg --configure -a: an installation was cut short")
        long_work.run(node, "packages", site, [*ENVIRONMENT, "dpkg", "--configure", "-a"])
        done = apt_install(node, site, words)
    if done.code != 0 and lists_are_old(done.out):
        node.say("packages", "apt-get update")
        unread = update(node, site)
        done = apt_install(node, site, words)
        if done.code != 0 and (unread or not_fetched(done.out)):
            raise out_of_reach(todo, unread or not_fetched(done.out), last_lines(done.out))
    if done.code != 0:
        raise refused(node, todo, done)


# By what an app's package would change the node for all sites: how names are resolved, who logs in how, what it boots, when it upgrades.
OF_THE_NODE = re.compile(
    r"systemd-resolved|resolvconf|openresolv|libnss-.+|libpam-(?!systemd|modules|runtime|cap).+|sssd-common"
    r"|unattended-upgrades|cron-apt|apticron|linux-(?:image|generic|virtual)(?:-.*)?|grub-(?:pc|efi-.*|cloud-.*)|network-manager"
)


def refuse_other_node(node, words):
    """Before anything is installed for a site: also what its packages depend on."""
    done = node.run(["apt-get", "-o", "APT::Cmd::Pattern-Only=true", "-s", *INSTALL, *words], ok=None, seconds=300)
    # What apt can't do is told by the installation itself. Before a version in brackets, which is there, stands one that only changes.
    coming = [match[1] for line in lines_of(done.out) if (match := re.match(r"Inst ([^\s:]+)\S* (?!\[)", line))]
    if found := sorted(name for name in coming if OF_THE_NODE.fullmatch(name)):
        raise AgentError(
            "package",
            f"{', '.join(found)} would change the node itself, for all of its sites",
            fix="leave it out, or, if the node shall have it, install it there as root",
        )


def quiet(node):
    """Keeps what came with packages of the agent's from running; returns the changes."""
    return package_units.quiet(node, " ".join(INSTALL))


def turn(node):
    """For the wait until other sites' apt has ended: says at once for whom it works, and then again after a while."""
    told = []

    def waiting():
        if not told:
            told.append(True)
            node.say("packages", f"waiting until apt has installed what {others(node)} needs")
        node.still_wanted()

    return waiting


def others(node):
    """For whom apt is at work."""
    sites = [match[1] for name in long_work.left(node, "packages") if (match := re.fullmatch(r"silver-packages@(.+)\.service", name))]
    return " and ".join(f"site {site}" for site in sorted(sites)) or "the node"


def apt(node, site, *words):
    # A name that apt does not know, and that has a dot, is a pattern to it: it would install whatever fits.
    argv = [*ENVIRONMENT, "apt-get", "-o", "DPkg::Lock::Timeout=120", "-o", "APT::Cmd::Pattern-Only=true", *words]
    return long_work.run(node, "packages", site, argv)


def apt_install(node, site, words):
    if site:
        refuse_other_node(node, words)
    return apt(node, site, *INSTALL, "-o", "Dpkg::Options::=--force-confold", *words)


def update(node, site):
    """Fetches apt's lists; returns what it says of those it could not fetch: it counts that as a warning, and succeeds."""
    done = apt(node, site, "-o", "Dpkg::Use-Pty=0", "-q", "update")
    if done.code != 0:
        raise AgentError(
            "package", "apt-get update failed", fix="look at /etc/apt/sources.list and the node's network", log=last_lines(done.out)
        )
    return not_fetched(done.out)


def not_fetched(words):
    """The lines in which apt says what it could not fetch, and why."""
    return [line.strip() for line in lines_of(words) if "Failed to fetch" in line]


def out_of_reach(packages, lines, log):
    archives = sorted({match[1] for line in lines if (match := re.search(r"(https?://[^\s/]+)", line))})
    return AgentError(
        "package",
        f"apt could not fetch {', '.join(packages)}: {', '.join(archives) or 'its archive'} can't be reached from this node",
        fix="check the node's network, its name resolution and /etc/apt/sources.list",
        log=[*lines, *(line for line in log if line not in lines)],
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


# Packages of Python 2 whose name for Python 3 is another one.
RENAMED = {
    "python-imaging": "python3-pil",
    "python-beautifulsoup": "python3-bs4",
    "libapache2-mod-php5": "libapache2-mod-php",
    "libmysqlclient-dev": "default-libmysqlclient-dev",
    "mysql-client": "default-mysql-client",
}


def todays_name(node, name):
    """The name under which apt has a package of former years; None when it has none."""
    today = RENAMED.get(name) or re.sub(r"^php[57](\.\d)?-", "php-", re.sub(r"^python2?(\.\d)?-", "python3-", name))
    known = today != name and node.run(["apt-cache", "show", "--no-all-versions", today], ok=None).code == 0
    return today if known else None


def refused(node, packages, done):
    words = last_lines(done.out)
    unknown = [match[1] for line in words if (match := UNKNOWN.search(line))]
    if unknown:
        today = [f"{new} in place of {name}" for name in unknown if (new := todays_name(node, name))]
        fix = f"write {', '.join(today)} under `packages`" if today else "correct the name under `packages`"
        return AgentError("package", f"apt has no package {', '.join(unknown)}", fix=fix, log=words)
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
    """
    Puts right what an agent left that died during an installation, once apt has ended; returns the changes. Whoever is at work with
    apt does so by itself.
    """
    with shared(node, "apt", wait=False) as ours:
        if not ours or not long_work.sweep(node, "packages"):
            return []
        changes = quiet(node)
        path = node.paths.at(POLICY)
        if files.differs(path, POLICY_TEXT.encode(), 0o755) is None:
            files.remove(path)
        return changes + resolving.put_back(node)
