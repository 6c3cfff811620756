"""The node's own record: its last state, as the environment declared it. What shares a node is made again from it."""

from . import files, spoiled, state

SITES = {"sites": [{"name": str}]}
STATE = {
    "os": str,
    "packages": [str],
    "files": [{"path": str, "mode": str, "content": str}],
    "units": {"running": [str], "stopped": [str]},
}
HTTPS = {"authority": str, "hosts": {str: [str]}}


def read(node):
    """With `sites` at least: one that is made again, or an earlier agent's, has no `files`."""
    # Each site that is here has a label; the node's next state has the rest.
    remake = lambda: {"node": node.name(), "sites": [{"name": site} for site in state.sites(node)]}  # noqa: E731
    return spoiled.read(node, path(node), is_record, remake, lambda made: made["sites"]) or {"sites": []}


def path(node):
    return node.paths.var("node.json")


def is_record(value):
    """Whether it has the sites, and all of a state where it has any more."""
    if not spoiled.has_form(value, SITES) or ("https" in value and not spoiled.has_form(value["https"], HTTPS)):
        return False
    return "files" not in value or spoiled.has_form(value, STATE)


def keep(node, wanted):
    """Written last: until then the node goes back to its state before. Returns why it was written, or None."""
    return files.write_json(path(node), wanted)


def put_back(node, only=None):
    """
    Writes the files of the node that are not as its state has them; returns the changes.
    @param only: paths, instead of all
    """
    changes = []
    for file in read(node).get("files", []):
        if only is not None and file["path"] not in only:
            continue
        where = node.paths.at(file["path"])
        files.make_directory_for(where)
        if why := files.write(where, file["content"], int(file["mode"], 8)):
            changes.append({"what": file["path"], "why": why})
    return changes
