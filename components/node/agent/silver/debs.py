"""Debian packages that an app brings as files. Its environment allows it, since root runs what is in them."""

import os
import re

from . import files, listing, packages, releases, spoiled
from .errors import AgentError
from .lines import lines_of

# Package → the site that brought it.
RECORD = "debs.json"
# A file may be a newer version of its own package.
UPGRADES = ("-o", "APT::Get::Upgrade=true")


def install(node, release):
    """Installs what is not there in this version; returns the changes. Error `package`."""
    if not release.get("debs"):
        return []
    site = release["site"]
    directory = releases.app(node, site, release["id"])
    found = [read(node, f"{directory}/{each['path']}", each) for each in release["debs"]]
    node.begin("packages", "waiting for apt")
    with packages.at_work(node) as back:
        record = spoiled.read(node, node.paths.var(RECORD), spoiled.is_texts, lambda: {}) or {}
        todo = [each for each in found if is_wanted(node, site, each, record)]
        try:
            if todo:
                # Written first: what is half installed is the site's, too.
                files.write_json(node.paths.var(RECORD), {**record, **{each["package"]: site for each in todo}})
                packages.fetch(node, [each["path"] for each in todo], site, [*UPGRADES, *(each["file"] for each in todo)])
        finally:
            masked = packages.quiet(node)
    return [*({"what": f"package {each['package']} {each['version']}", "why": f"brought by {site}"} for each in todo), *masked, *back]


def read(node, path, deb):
    """What a file says of itself. Its bytes are those of the plan: they are compared here, too, where root is about to run them."""
    if os.path.islink(path) or not os.path.isfile(path) or listing.digest_of(path) != deb["digest"]:
        raise AgentError("bundle-differs", f"{deb['path']} is not the file that was planned", fix="roll out again")
    fields = ("Package", "Version", "Architecture")
    done = node.run(["dpkg-deb", "--field", path, *fields], ok=None)
    told = dict(re.findall(r"^(\w+): (\S+)$", done.out, re.MULTILINE))
    if done.code != 0 or told.keys() != set(fields):
        log = lines_of(done.out + done.err)[-5:]
        raise AgentError("package", f"{deb['path']} is not a Debian package", fix="ship the file as dpkg-deb makes it", log=log)
    return {"path": deb["path"], "file": path, "package": told["Package"], "version": told["Version"]}


def is_wanted(node, site, deb, record):
    """Whether it has to be installed. What came from elsewhere is never replaced."""
    done = node.run(["dpkg-query", "-W", "-f=${db:Status-Status} ${Version}", deb["package"]], ok=None)
    status, _, version = done.out.strip().partition(" ")
    if done.code != 0 or status != "installed":
        return True
    owner = record.get(deb["package"])
    if version == deb["version"]:
        return False
    if owner == site and node.run(["dpkg", "--compare-versions", version, "lt", deb["version"]], ok=None).code == 0:
        return True
    whose = {None: "from elsewhere", site: "brought by an earlier release"}.get(owner, f"brought by the site {owner}")
    raise AgentError(
        "package",
        f"{deb['path']} is {deb['package']} {deb['version']}, and the node has version {version}, {whose}",
        fix="ship the version that is there, or, of a package of the app's own, a later one",
    )
