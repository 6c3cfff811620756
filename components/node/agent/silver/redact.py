"""Keeps a site's secrets out of everything the agent says."""

import json
import os

from . import environ, files, spoiled, state

# Shorter values look like ordinary words.
SHORTEST = 4


def forms(value):
    """The forms of a value in logs: plain, quoted by Python or JSON, escaped in a URL, or one line of many."""
    import urllib.parse

    yield value
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    yield urllib.parse.quote(value, safe="")
    yield urllib.parse.quote_plus(value)
    yield from value.splitlines()


def values(node, site):
    """The site's secrets: of every release on the disk, and of those that were removed, whose words the journal still has."""
    found = former(node, site)
    # Not those of the state alone: one that was rolled back is on the disk until its last request has ended.
    for release in os.listdir(node.paths.releases(site)) if os.path.isdir(node.paths.releases(site)) else []:
        found |= of_release(node, site, release)
    return found


def of_release(node, site, release):
    record = state.record(node, site, release)
    values = environ.read(node, site, release) or {}
    # Without its record any value may be a secret.
    return {value for name, value in values.items() if record is None or name in record["secrets"]}


def remember(node, site, release):
    """Keeps the secrets of a release that is about to be removed, where only root reads them."""
    known = former(node, site)
    if own := of_release(node, site, release) - known:
        files.write_json(node.paths.former_secrets(site), sorted(known | own))


def former(node, site):
    """A file that somebody has damaged must keep no release from being removed, and no log from being read."""
    return set(spoiled.read(node, node.paths.former_secrets(site), spoiled.is_list_of_texts, lambda: None) or [])


def redact(secrets, lines):
    """Replaces secrets in the lines by `[secret]`; longest first, so that no part of one is left."""
    hidden = {form for value in secrets for form in forms(value) if len(form) >= SHORTEST}
    order = sorted(hidden, key=len, reverse=True)

    def clean(line):
        for form in order:
            line = line.replace(form, "[secret]")
        return line

    return [clean(line) for line in lines]


def site_lines(node, site, lines):
    return redact(values(node, site), lines)
