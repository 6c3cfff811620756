"""Keeps a site's secrets out of everything the agent says."""

import json
import os
import re

from . import environ, external, files, site_key, spoiled, state
from .lines import lines_of

# Shorter values look like ordinary words.
SHORTEST = 4


# A shorter part of an encoded value may be an ordinary word.
SHORTEST_ENCODED = 10
# How quotes are escaped in pages: by Python, Django, Flask and Jinja, PHP; and in their texts.
QUOTES = (("&quot;", "&#x27;"), ("&quot;", "&#39;"), ("&#34;", "&#39;"), ("&quot;", "&#039;"), ('"', "'"))
# What JSON escapes where it stands in a page.
IN_PAGES = {"&": "\\u0026", "<": "\\u003C", ">": "\\u003E", "'": "\\u0027"}


def forms(value):
    """
    The forms of a value in logs and pages: plain, quoted by Python, JSON, a shell or SQL, escaped in a URL or a page, in base64, or one
    line of many.
    """
    import urllib.parse

    yield value
    yield from json_forms(value)
    yield repr(value)[1:-1]
    yield repr(value.encode("utf-8", "surrogateescape"))[2:-1]
    yield urllib.parse.quote(value, safe="")
    yield urllib.parse.quote(value)
    yield urllib.parse.quote_plus(value)
    for escaped in ("''", "'\\''", "'\"'\"'"):
        yield value.replace("'", escaped)
    text = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for double, single in QUOTES:
        yield text.replace('"', double).replace("'", single)
    yield from in_base64(value)
    # Whoever prints it may end its lines as Python does.
    yield from (*lines_of(value), *value.splitlines())


def json_forms(value):
    for plain in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        for text in (plain, plain.replace("/", "\\/")):
            yield text
            yield text.translate(str.maketrans(IN_PAGES))
            yield text.translate(str.maketrans({sign: escaped.lower() for sign, escaped in IN_PAGES.items()}))


def in_base64(value):
    """What is the same of it wherever it begins in what is encoded, such as after a user's name and a colon."""
    import base64

    for before in range(3):
        whole = before + len(value.encode("utf-8", "surrogateescape"))
        text = base64.b64encode(bytes(before) + value.encode("utf-8", "surrogateescape")).decode()
        # Each character is six bits: those of neighbours are left out.
        part = text[-(-before * 8 // 6) : whole * 8 // 6]
        if len(part) >= SHORTEST_ENCODED:
            yield part
            yield part.translate(str.maketrans("+/", "-_"))


def values(node, site):
    """The site's secrets: its key, of its external services and of every release on the disk, and those before, which the journal has."""
    found = former(node, site) | site_key.words(node, site) | set(external.secrets(node, site).values())
    # Not those of the state alone: one that was rolled back is on the disk until its last request has ended.
    for release in os.listdir(node.paths.releases(site)) if os.path.isdir(node.paths.releases(site)) else []:
        found |= of_release(node, site, release)
    return external.words_of(found)


def of_release(node, site, release):
    record = state.record(node, site, release)
    values = environ.read(node, site, release) or {}
    # Without its record any value may be a secret.
    return {value for name, value in values.items() if record is None or name in record["secrets"] or is_password(record, name)}


def is_password(record, name):
    """Whether it is one that a service of the site's has given."""
    return name.startswith("CONFIG_") and name.endswith("_PASSWORD") and name not in record["variables"]


def remember(node, site, release):
    """Keeps the secrets of a release that is about to be removed, where only root reads them."""
    remember_words(node, site, of_release(node, site, release))


def remember_words(node, site, words):
    known = former(node, site)
    if words - known:
        files.write_json(node.paths.former_secrets(site), sorted(known | words))


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

    return mend_broken(order, [clean(line) for line in lines])


# Characters from which on a line may have been broken by whoever passed it on: Apache, a program's buffer, the journal.
LONG = 4000
# Lines in which the rest of a broken one is looked for: others write in between.
NEAR = 8
# The mark of `app_log.py`, and what it writes before a line.
BROKEN = " …"
HEAD = re.compile(r"\S+ \S+: |")


def mend_broken(forms, lines):
    """Hides a secret that begins at the end of a long line, and ends at the begin of a later one."""
    for index, line in enumerate(lines):
        text = line.removesuffix(BROKEN)
        found = begun_in(forms, text, lines[index + 1 : index + 1 + NEAR]) if len(text) >= LONG else None
        if found is not None:
            cut, later, place, rest = found
            lines[index] = f"{text[:-cut]}[secret]{line[len(text) :]}"
            end = lines[index + 1 + later]
            lines[index + 1 + later] = f"{end[:place]}[secret]{end[place + rest :]}"
    return lines


def begun_in(forms, text, following):
    """(characters of a secret at the end of a text, index of the line with the rest, where that begins, its length); None nearly always."""
    heads = [HEAD.match(line).end() for line in following]
    for form in forms:
        tail = text[1 - len(form) :]
        for later, place in enumerate(heads):
            at = (tail + following[later][place : place + len(form) - 1]).find(form)
            if at >= 0:
                cut = len(tail) - at
                return cut, later, place, len(form) - cut
    return None


def site_lines(node, site, lines):
    return redact(values(node, site), lines)
