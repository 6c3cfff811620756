"""Records that a fault has spoiled, cut to nothing or filled with garbage: made again from what is on the node.

A spoiled record stays beside the new one, for whoever wants to know what was in it.
"""

import contextlib
import os
import re
import shutil

from . import files, history
from .errors import AgentError
from .files import ASIDE
from .paths import BOOT_CLI

# What a record that can't be read holds: null would be no record.
NOTHING = object()


def read(node, path, right, remake, is_lost=None):
    """
    A record; None when there is none. One of another owner or mode is given back to root.
    @param right: whether a value has the form of such a record
    @param remake: makes it again; None stands for no record
    @param is_lost: whether what `remake` makes shows that one that is not there was lost. Default: one that is not there is right
    """
    try:
        value = files.read_json(path, NOTHING)
    except AgentError:
        return make_again(node, path, remake())
    if value is NOTHING:
        made = remake() if is_lost else None
        return make_missing(node, path, made) if is_lost and is_lost(made) else None
    # null, too.
    if not right(value):
        return make_again(node, path, remake())
    # Somebody who writes another one meanwhile gives it the right mode.
    with contextlib.suppress(FileNotFoundError):
        if why := files.keep_own(path):
            tell(node, path, f"is root's alone again: {why}")
    return value


def make_missing(node, path, value):
    """Writes a record where there is none, unless somebody else does meanwhile, who knows more. Returns the record."""
    files.make_directory_for(path)
    if not files.write_first(path, files.canonical(value) + "\n"):
        return files.read_json(path)
    tell(node, path, "was gone, and is made again from what is here")
    return value


def make_again(node, path, value):
    """Puts a record in the place of what is there, which is kept beside it. Returns the record."""
    # Another process may do the same, or read: at no moment is there no record where there is to be one.
    with contextlib.suppress(FileNotFoundError):
        if value is None or os.path.isdir(path):
            files.set_aside(path)
        elif os.path.lexists(path):
            files.clear(path + ASIDE)
            # A pipe can't be copied.
            with contextlib.suppress(shutil.SpecialFileError):
                shutil.copyfile(path, path + ASIDE, follow_symlinks=False)
    if value is not None:
        files.make_directory_for(path)
        files.write_json(path, value)
    how = "set aside" if value is None else "made again from what is here"
    tell(node, path, f"was spoiled, and is {how}; delete {path}{ASIDE} once you have looked at it")
    return value


def tell(node, path, words):
    """To whoever asked, and for the log of the site whose record it is."""
    below = os.path.relpath(path, node.paths.sites()).split("/")
    site = below[0] if below[0] != ".." else None
    node.say("records", f"{f'{site}: ' if site else ''}{path} {words}")
    if site:
        node.note(site, f"{path} {words}")


def has_form(value, form):
    """
    Whether a value has a form, down to its leaves: a type or several, a list of one form, a map of any names to one form (`{str: form}`),
    or a map that has these keys at least.
    """
    if isinstance(form, list):
        return isinstance(value, list) and all(has_form(each, form[0]) for each in value)
    if not isinstance(form, dict):
        # To Python true is a number.
        return isinstance(value, form) and (type(value) is not bool or isinstance(True, form) and not isinstance(1, form))
    if not isinstance(value, dict):
        return False
    if str in form:
        return all(has_form(each, form[str]) for each in value.values())
    return form.keys() <= value.keys() and all(has_form(value[key], each) for key, each in form.items())


def is_list_of_texts(value):
    return has_form(value, [str])


def is_texts(value):
    """Name → text."""
    return has_form(value, {str: str})


def state(node, site):
    """What serves is what Varnish starts with; without that, what the last rollout left."""
    releases = on_disk(node, site)
    label = re.search(rf"^-vcl\.label site_{site.replace('-', '_')} r_\S+_(\w+)$", node.read(BOOT_CLI), re.MULTILINE)
    last = history.last(node, site) or {}
    named = [name for name in releases if name.endswith(f".{label[1]}")] if label else [name for name in releases if name == last.get("to")]
    from . import unit, units

    works = any(unit.enabled(node, service) for service in units.left(node, site, "*", "cut-over"))
    return {"releases": releases, "live": named[0] if named else None, "generation": generation(node, site), "works": works}


def on_disk(node, site):
    """Ids of the releases that are here whole, newest first."""
    directory = node.paths.releases(site)
    records = {name: f"{directory}/{name}/release.json" for name in listed(directory) if not name.startswith(".")}
    return sorted((name for name in records if os.path.isfile(records[name])), key=lambda name: -os.stat(records[name]).st_mtime)


def generation(node, site):
    numbers = [int(name[1:]) for name in listed(f"{node.paths.site(site)}/data") if re.fullmatch(r"g[0-9]+", name)]
    return max(numbers, default=1)


# Where a release is, as its Apache listens there, and as Varnish asks for it there.
PLACES = {
    "apache.conf": re.compile(r"^Listen ([0-9.]+):([0-9]+)$", re.MULTILINE),
    "site.vcl": re.compile(r'\.host = "([0-9.]+)";\s+\.port = "([0-9]+)";'),
}


def addresses(node, sites):
    """Where each release listens, and each server of a site, by its own configuration."""
    keys = [(site, release) for site in sites for release in listed(node.paths.releases(site))]
    found = {f"{site}/{release}": place_of(f"{node.paths.release(site, release)}/conf") for site, release in keys}
    taken = {key: {"address": place[1], "port": int(place[2])} for key, place in found.items() if place}
    return taken | {f"{site}/{name}": place for site in sites for name, place in listening(node, site)}


def listening(node, site):
    # It reads its own record by this module.
    from . import site_services

    found = [kind.listens(node, use) for kind, use in site_services.uses(node, site) if hasattr(kind, "listens")]
    return [each for each in found if each is not None]


def place_of(directory):
    for name, pattern in PLACES.items():
        with contextlib.suppress(OSError), open(f"{directory}/{name}", encoding="utf-8", errors="replace", opener=files.at_once) as file:
            if found := pattern.search(file.read()):
                return found
    return None


def listed(directory):
    return os.listdir(directory) if os.path.isdir(directory) else []
