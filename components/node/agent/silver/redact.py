"""Keeps a site's secrets out of everything the agent says."""

import json

from . import files, state

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
    """The site's secrets, of every release on the node."""
    found = set()
    for release in state.read(node, site)["releases"]:
        record = state.record(node, site, release) or {"secrets": {}}
        environ = files.read_json(f"{node.paths.release(site, release)}/environ.json") or {}
        found |= {environ[name] for name in record["secrets"] if name in environ}
    return found


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
