"""Releases on the disk: received, assembled, removed."""

import os
from typing import NamedTuple

from . import bytecode, discard, environ, files, listing, redact, rendered, state, tree, unit, units, varnish
from .errors import AgentError

# With less than this, a node can't even end a rollout cleanly.
LEAST_BYTES = 128 * 1024 * 1024
LEAST_INODES = 2_000

# Beside a release's wheels: SHA-256 of the listing they were checked against.
WHEELS_DIGEST = "wheels.sha256"


def app(node, site, release):
    return f"{node.paths.release(site, release)}/app"


def wheels(node, site, release):
    """The libraries of a release's requirements.txt; the directory exists only with that file."""
    return f"{node.paths.release(site, release)}/wheels"


def partial(node, site, release):
    return f"{node.paths.release(site, release)}.partial"


def receive(node, site, release, bundle, wheel_set=None):
    """Makes room for an upload; no directory for what is already here, in this release or another."""
    check_room(node)
    present = state.read(node, site)["releases"]
    here = release in present
    if not here:
        sweep(node, site)
    directory = partial(node, site, release)
    answer = room(f"{directory}/app", here or same_bundle(node, site, bundle), [app(node, site, earlier) for earlier in present])
    if wheel_set is not None:
        earlier = [wheels(node, site, earlier) for earlier in present]
        answer["wheels"] = room(f"{directory}/wheels", here or same_wheels(node, site, wheel_set), earlier)
    return answer


def room(directory, have, earlier):
    if have:
        return {"directory": None, "linkFrom": []}
    os.makedirs(directory, mode=0o755)
    return {"directory": directory, "linkFrom": [path for path in earlier if os.path.isdir(path)]}


def check_room(node, place="/srv/silver", more=0):
    """
    Refuses to fill a disk up; error `no-space`.
    @param more: bytes that are about to be written there
    """
    room = os.statvfs(node.paths.at(place))
    free, needed = room.f_bavail * room.f_frsize, LEAST_BYTES + more
    if free < needed:
        message = f"{free // 1024**2} MB are free below {place}, but {needed // 1024**2} are needed"
        raise AgentError("no-space", message, fix="free some space")
    if room.f_files and room.f_favail < LEAST_INODES:
        message = f"{room.f_favail} inodes are free below {place}, but {LEAST_INODES} are needed"
        raise AgentError("no-space", message, fix="remove small files")


def same_bundle(node, site, bundle):
    """A release on the disk with this bundle; None when there is none."""
    for release in state.read(node, site)["releases"]:
        record = state.record(node, site, release)
        if record and record["bundle"]["id"] == bundle and os.path.isdir(app(node, site, release)):
            return release
    return None


def same_wheels(node, site, digest):
    """A release on the disk with this wheel set; None when there is none."""
    for release in state.read(node, site)["releases"]:
        if read_text(f"{node.paths.release(site, release)}/{WHEELS_DIGEST}") == digest and os.path.isdir(wheels(node, site, release)):
            return release
    return None


def read_text(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def assemble(node, release, listed, secrets, bound, wheel_set=None, config=None):
    """Assembles a release from what was received; it gets its final name once it is whole and on the disk."""
    site, name = release["site"], release["id"]
    directory, final = partial(node, site, name), node.paths.release(site, name)
    bundle = release["bundle"]
    parts = [Part("app", f"bundle {bundle['id']}", listed, bundle["digest"], same_bundle(node, site, bundle["id"]))]
    if wheel_set is not None:
        digest = wheel_set["digest"]
        parts.append(Part("wheels", "the wheel set", wheel_set["listing"], digest, same_wheels(node, site, digest)))
    for part in parts:
        bring(node, site, name, part)
    if wheel_set is not None:
        files.put(f"{directory}/{WHEELS_DIGEST}", wheel_set["digest"], 0o644)
    write_files(node, release, directory)
    if config is not None:
        write_config(node, release, config, directory)
    environ.write(node, release, secrets, bound, directory)
    node.run(["sync", "--file-system", directory])
    files.remove_tree(final)
    os.rename(directory, final)
    files.sync_directory(os.path.dirname(final))


class Part(NamedTuple):
    """A directory of a release that is checked against a listing: what its app team shipped, or its libraries."""

    directory: str
    # Its name in messages.
    what: str
    listing: str
    digest: str
    # A release on the disk with the same part, or None.
    same_as: str | None


def bring(node, site, release, part):
    """Completes a part of a release: checked, owned by root, compiled."""
    directory, final = f"{partial(node, site, release)}/{part.directory}", f"{node.paths.release(site, release)}/{part.directory}"
    entries = listing.parse(part.listing, part.digest)
    node.say("prepare", f"checking {len(entries)} files of {part.what}")
    known = set()
    if not os.path.isdir(directory):
        if part.same_as is None:
            raise AgentError("bundle-differs", f"nothing of {part.what} was received", fix="roll out again")
        os.makedirs(directory)
        tree.link_from(f"{node.paths.release(site, part.same_as)}/{part.directory}", directory, entries)
        # Every byte was compared on arrival: a release with the same part need not read them all again.
        known = {entry.path for entry in entries if tree.is_untouched(f"{directory}/{entry.path}", entry)}
    listing.verify(directory, entries, known)
    tree.normalise(directory, entries)
    earlier = [f"{node.paths.release(site, name)}/{part.directory}" for name in state.read(node, site)["releases"]]
    bytecode.compile_tree(directory, final, entries, earlier, node.still_at_it)


def write_files(node, release, directory):
    for path, (content, mode, gid) in rendered.of(node, release).items():
        os.makedirs(os.path.dirname(f"{directory}/{path}"), mode=0o755, exist_ok=True)
        files.put(f"{directory}/{path}", content, mode, gid)
    files.put(f"{directory}/release.json", files.canonical(release), 0o600)


def write_config(node, release, config, directory):
    """The configuration directory: only the site can read it."""
    place = release["configDirectory"]
    entries = listing.parse(config["listing"], place["digest"])
    _, gid = node.ids(release["user"])
    tree.write(f"{directory}/{place['path']}", entries, config["files"], gid)
    listing.verify(f"{directory}/{place['path']}", entries)


def check_record(node, release, secrets):
    """A release is immutable: an existing one must be exactly the one wanted. What is spoiled of it, the rollout brings again."""
    site, name = release["site"], release["id"]
    record = state.record(node, site, name)
    if record is None:
        files.write(state.record_path(node, site, name), files.canonical(release), 0o600)
    elif record["digest"] != release["digest"]:
        raise AgentError(
            "bundle-differs",
            f"this node has another release with the id {name}",
            fix="change anything in the app: its id changes with it",
        )
    known = environ.read(node, site, name)
    changed = sorted(secret for secret in secrets if known is not None and known.get(secret) != secrets[secret])
    if changed:
        raise AgentError(
            "usage",
            f"{name} was made with a different value of {', '.join(changed)} under the same version",
            fix="give the changed secret a new version",
        )


def remove(node, site, release, archive=None):
    """Removes a release, into `archive` if given: first its units, last its directory, so that a crash is harmless."""
    redact.remember(node, site, release)
    present = state.read(node, site)
    if release in present["releases"]:
        left = [other for other in present["releases"] if other != release]
        state.change(node, site, releases=left, previous=None if present["previous"] == release else present["previous"])
    changes = []
    for service in reversed(units.of(node, site, release)):
        if unit.remove(node, service):
            changes.append({"what": service, "why": "its release is removed"})
    vcl = varnish.vcl_of(site, release)
    if discard.discard(node, site, release, vcl):
        discard.forget(node, site, release, vcl)
    files.remove_tree(partial(node, site, release))
    if take_away(node.paths.release(site, release), archive):
        changes.append({"what": node.paths.release(site, release), "why": "its release is removed"})
    return changes


def take_away(directory, archive):
    if archive is None or not os.path.isdir(directory):
        return files.remove_tree(directory)
    # An archive has no secrets: what redaction needs of them is in a file of its own.
    files.remove(f"{directory}/environ.json")
    os.rename(directory, f"{archive}/{os.path.basename(directory)}")
    files.sync_directory(archive)
    return True


def prune(node, site):
    """Removes stopped releases beyond `retain`, and leftovers that never became a release."""
    from . import jobs, runs

    present = state.read(node, site)
    first = [name for name in (present["live"], present["previous"]) if name]
    order = first + [name for name in present["releases"] if name not in first]
    beyond = [name for name in order if name != present["live"]][max(present["settings"]["retain"] - 1, 0) :]
    sweep(node, site)
    strays = set(os.listdir(node.paths.releases(site))) - set(present["releases"])
    used = runs.releases_in_use(node, site) | jobs.releases_in_use(node, site)
    candidates = [name for name in beyond + sorted(strays) if name not in used]
    listed = {name: set(units.of(node, site, name)) for name in candidates}
    running = unit.active(node, [service for services in listed.values() for service in services])
    return [change for name in candidates if not listed[name] & running for change in remove(node, site, name)]


def sweep(node, site):
    """Removes directories that were never completed, and those half removed."""
    for name in os.listdir(node.paths.releases(site)):
        if name.endswith((".partial", ".gone")):
            files.remove_tree(f"{node.paths.releases(site)}/{name}")
