"""Units that came with packages which the agent installed: none runs, at boot or after an upgrade, unless the platform wants it.
Nor does what root would run from directories of cron, apt, the network, dhclient and logins.

What an administrator installed is not looked at, and what an administrator unmasks or puts back later is left so: each is quieted once.
"""

import glob
import gzip
import os
import re
import shutil
import zlib

from . import files, spoiled, unit
from .lines import lines_of

# apt's record of what it installed, and for whom. Rotated once a month.
HISTORY = "/var/log/apt/history.log"
RECORD = "package-units.json"
# In Debian's and Ubuntu's packages /lib is a link to /usr/lib.
DIRECTORIES = ("/usr/lib/systemd/system", "/lib/systemd/system", "/etc/systemd/system")
SHIPPED = re.compile(r"(?:/usr)?/lib/systemd/system/([^/]+\.(?:service|socket|timer|path))\Z")
SCRIPT = re.compile(r"/etc/init\.d/([^/]+)\Z")
# Where root runs whatever it finds. Files of packages are all conffiles there: dpkg brings back none that is gone.
RUN_BY_ROOT = re.compile(
    r"/etc/(?:cron\.(?:d|hourly|daily|weekly|monthly|yearly)|apt/apt\.conf\.d|network/if-(?:pre-up|up|down|post-down)\.d"
    r"|dhcp/dhclient-(?:enter|exit)-hooks\.d|update-motd\.d)/[^/.][^/]*\Z"
)
# What was there.
ASIDE = "package-files"
# The platform's own, and the bus over which programs of the system speak with each other.
WANTED = {"varnish.service", "dbus.service", "dbus.socket"}


def quiet(node, mark):
    """
    Masks what is new; returns the changes.
    @param mark: words of apt's command line by which the agent's installations are known
    """
    record = node.paths.var(RECORD)
    known = set(spoiled.read(node, record, spoiled.is_list_of_texts, lambda: None) or [])
    paths = shipped(node, installed(node, mark))
    new = [name for name in started(node, units(paths)) if name not in known | WANTED and not own(node, name)]
    run = [path for path in paths if RUN_BY_ROOT.match(path) and path not in known]
    # By one that died before it recorded that.
    gone = [path for path in run if os.path.lexists(aside(node, path))]
    run = [path for path in run if path not in gone and os.path.lexists(node.paths.at(path))]
    if not new and not run and not gone:
        return []
    changes = unit.mask(node, new, "came with a package, and would start by itself")
    changes += [set_aside(node, path) for path in run]
    files.make_directory_for(record)
    files.write_json(record, sorted(known.union(new, run, gone)))
    return changes


def aside(node, path):
    return f"{node.paths.var(ASIDE)}{path}"


def set_aside(node, path):
    place = aside(node, path)
    files.make_directory_for(place)
    shutil.move(node.paths.at(path), place)
    return {"what": path, "why": f"came with a package, and root would run it: it is in /var/lib/silver/{ASIDE} now"}


def own(node, name):
    """Whether an administrator has put a unit of this name in place of the package's."""
    path = node.paths.unit(name)
    return os.path.lexists(path) and not os.path.islink(path)


def installed(node, mark):
    """Packages that the agent's apt brought, with those they depend on."""
    found = set()
    for path in sorted(glob.glob(f"{node.paths.at(HISTORY)}*")):
        for entry in text(path).split("\n\n"):
            lines = dict(line.split(": ", 1) for line in lines_of(entry) if ": " in line)
            if mark in lines.get("Commandline", ""):
                found.update(re.findall(r"([^\s:,]+):\S+ \([^)]*\)", lines.get("Install", "")))
    return sorted(found)


def text(path):
    """A file of apt's history; empty where a fault has spoiled it, which must stop nobody."""
    try:
        with gzip.open(path, "rt", errors="replace") if path.endswith(".gz") else open(path, errors="replace") as file:
            return file.read()
    except (OSError, EOFError, zlib.error):
        return ""


def shipped(node, packages):
    """Paths of what packages hold."""
    return lines_of(node.run(["dpkg-query", "-L", *packages], ok=None).out) if packages else []


def units(paths):
    """Names of the units among them; a script of old in /etc/init.d becomes a service of its name."""
    names = [(match := SHIPPED.match(path)) and match[1] or (match := SCRIPT.match(path)) and f"{match[1]}.service" for path in paths]
    return sorted({name for name in names if name})


def started(node, names):
    """Those that something starts: another unit that wants them, or a runlevel."""
    at = node.paths.at
    links = [f"{directory}/*.{kind}/*" for directory in DIRECTORIES for kind in ("wants", "requires")]
    wants = [path for pattern in links for path in glob.glob(at(pattern))]
    # Of a template any instance.
    wanted = {re.sub(r"@[^@]*(\.\w+)\Z", r"@\1", os.path.basename(path)) for path in wants}
    wanted.update(f"{os.path.basename(path)[3:]}.service" for path in glob.glob(at("/etc/rc[2-5].d/S[0-9][0-9]*")))
    return [name for name in names if name in wanted]
