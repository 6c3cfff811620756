"""What apt knows besides the distribution: archives with their keys, what may come from them, and answers to packages' questions."""

import glob
import os
import re

from . import files, packages, spoiled
from .errors import AgentError
from .lines import lines_of

SOURCES = "/etc/apt/sources.list.d"
PINS = "/etc/apt/preferences.d/silver.pref"
# There from before the first change until apt has read all lists: path → text of what it could read before.
OWED = "apt-lists.owed"
ANSWERS = "debconf-answers"


def apply(node, wanted):
    """
    Makes apt's files match; returns the changes. Sources that apt can't read are taken back: with them no package of the distribution
    could be found any more. Error `package`.
    """
    return change_sources(node, wanted) + answer(node, wanted.get("answers", ""))


def change_sources(node, wanted):
    own = {f"{SOURCES}/silver-{name}.sources": text for name, text in wanted.get("sources", {}).items()}
    if own:
        own[PINS] = wanted["pins"]
    owed = node.paths.var(OWED)
    if known(node) == own and not os.path.lexists(owed):
        return []
    node.begin("packages", "waiting for apt")
    with packages.at_work(node) as back:
        good = spoiled.read(node, owed, spoiled.is_texts, lambda: known(node))
        if good is None:
            good = known(node)
            files.write_json(owed, good)
        changes = put(node, known(node), own)
        try:
            read_lists(node, own)
        except AgentError:
            put(node, known(node), good)
            raise
        files.remove(owed)
    return changes + back


def known(node):
    """Path → text of the agent's files."""
    paths = [*glob.glob(node.paths.at(f"{SOURCES}/silver-*.sources")), node.paths.at(PINS)]
    inside = [f"/{os.path.relpath(path, node.paths.root)}" for path in paths if os.path.lexists(path)]
    return {path: f"{text}\n" if (text := node.read(path)) else "" for path in inside}


def put(node, before, after):
    changes = []
    for path in sorted(before.keys() - after.keys()):
        files.remove(node.paths.at(path))
        changes.append({"what": path, "why": "no longer in the environment"})
    for path, text in sorted(after.items()):
        files.make_directory_for(node.paths.at(path))
        if why := files.write(node.paths.at(path), text):
            changes.append({"what": path, "why": why})
    return changes


def read_lists(node, own):
    node.say("packages", "apt-get update")
    try:
        unread = packages.update(node, None)
    except AgentError as error:
        raise unreadable(own, error.log) from None
    hosts = {match[1] for text in own.values() if (match := re.search(r"^URIs: (https?://[^/\s]+)", text, re.MULTILINE))}
    # The distribution's own archive may be away for other reasons.
    if lines := [line for line in unread if any(host in line for host in hosts)]:
        raise unreadable(own, lines)


def unreadable(own, log):
    names = sorted(match[1] for path in own if (match := re.search(r"/silver-(.+)\.sources$", path)))
    return AgentError(
        "package",
        f"apt can't read its lists with the sources of the environment ({', '.join(names) or 'none'}), which are as they were before",
        fix="see apt's output below; correct uri, suites, components or key under apt.sources",
        log=log,
    )


def answer(node, text):
    """debconf keeps an answer for whenever its package comes; one that is no longer given stays."""
    record = node.paths.var(ANSWERS)
    if not text or node.read(f"/var/lib/silver/{ANSWERS}") == text.strip():
        return []
    done = node.run(["debconf-set-selections"], stdin=text, ok=None)
    if done.code != 0:
        log = lines_of(done.out + done.err)
        raise AgentError("package", "debconf refuses the answers of the environment", fix="correct apt.answers", log=log)
    files.write(record, text, 0o644)
    return [{"what": "answers to debconf", "why": "content differs"}]
