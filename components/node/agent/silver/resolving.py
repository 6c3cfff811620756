"""How the node finds addresses of names, /etc/resolv.conf: no package that the agent installs changes that.

systemd-resolved and resolvconf put a link in its place, to what they would write once they run; here they never do.
"""

import os
import re

from . import files, spoiled

PATH = "/etc/resolv.conf"
# There from before apt begins until it has ended, whatever becomes of the agent.
RECORD = "resolv.json"


def keep(node):
    """Before apt begins."""
    put_back(node)
    files.make_directory_for(node.paths.var(RECORD))
    files.write_json(node.paths.var(RECORD), seen(node))


def put_back(node):
    """Once apt has ended; returns the changes. Another text with servers stays: a network may have changed meanwhile."""
    record, path = node.paths.var(RECORD), node.paths.at(PATH)
    before = spoiled.read(node, record, spoiled.is_texts, lambda: None)
    if before is None:
        return []
    changes = []
    if is_other(before, seen(node)):
        if "link" in before:
            new = f"{path}.silver-new"
            files.clear(new)
            os.symlink(before["link"], new)
            os.replace(new, path)
            files.sync_directory(os.path.dirname(path))
        else:
            files.write(path, before["text"])
        changes.append({"what": PATH, "why": "a package had changed it, and it is as before again"})
        node.say("packages", f"{PATH} is as before again: a package had changed it")
    files.remove(record)
    return changes


def seen(node):
    """Where it leads, or what is in it; nothing where there is none."""
    path = node.paths.at(PATH)
    if os.path.islink(path):
        return {"link": os.readlink(path)}
    return {"text": f"{node.read(PATH)}\n"} if os.path.isfile(path) else {}


def is_other(before, now):
    if "link" in before:
        return now != before
    return "text" in before and ("text" not in now or (names_servers(before) and not names_servers(now)))


def names_servers(found):
    return re.search(r"^\s*nameserver\s", found["text"], re.MULTILINE) is not None
