"""The files that are rendered for a release, with what only the node knows filled in."""

import os

from . import addresses, files, state, varnish
from .services import writable_root
from .services.mysql import names as mysql


def of(node, record):
    """Path below the release's directory → content, mode, and group or None."""
    site, name = record["site"], record["id"]
    _, gid = node.ids(record["user"])
    place = addresses.take(node, site, name)
    generation = state.read(node, site)["generation"]
    values = {
        "ROOT": node.paths.release(site, name),
        "ADDRESS": place["address"],
        "PORT": place["port"],
        "RELEASE": name,
        "VCL": varnish.vcl_name(site, record["digest"]),
        "WRITABLE": writable_root.place(site, generation),
        "MYSQL": mysql.socket_directory(site, generation),
    }
    return {
        file["path"]: (fill(file["content"], values), int(file["mode"], 8), gid if file.get("group") else None) for file in record["files"]
    }


def fill(text, values):
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def put_back(node, record):
    """Writes those of a release's files that are gone or changed, which read them when they start. Returns the changes."""
    root = node.paths.release(record["site"], record["id"])
    changes = []
    for path, (content, mode, gid) in of(node, record).items():
        os.makedirs(os.path.dirname(f"{root}/{path}"), mode=0o755, exist_ok=True)
        if why := files.write(f"{root}/{path}", content, mode, gid):
            changes.append({"what": f"{root}/{path}", "why": why})
    return changes
