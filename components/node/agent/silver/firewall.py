"""The part of the nft rules that only the node knows: which user may listen on which release's address, and which users are sites'.

The rules themselves come with the node's state; they include the file written here, so that they are complete right after a boot.
"""

from . import addresses, files
from .errors import AgentError, last_lines
from .lock import shared
from .paths import FIREWALL, NFT_CONF

ANSWERERS, SITES = "inet silver answerers", "inet silver sites"


def render(elements):
    """`elements`: (address, port, uid), sorted."""
    # Rules of an earlier agent do not have it yet.
    lines = [f"add set {SITES} {{ type uid; }}"]
    if elements:
        lines.append(f"add element {ANSWERERS} {{ {', '.join(f'{address} . {port} . {uid}' for address, port, uid in elements)} }}")
        lines.append(f"add element {SITES} {{ {', '.join(str(uid) for uid in sorted({uid for _, _, uid in elements}))} }}")
    return "".join(f"{line}\n" for line in lines)


def elements(node):
    found = []
    for key, place in addresses.read(node)["taken"].items():
        site, release = key.split("/")
        try:
            uid, _ = node.ids(f"site-{site}")
        except KeyError:
            continue
        found.append((place["address"], place["port"], uid))
    return sorted(found)


def update(node):
    """Makes file and kernel match the table of addresses. True when something changed."""
    with shared(node, "firewall"):
        text = render(elements(node))
        if files.write(node.paths.at(FIREWALL), text) is None:
            return False
        first, *added = text.splitlines(keepends=True)
        load(node, f"{first}flush set {ANSWERERS}\nflush set {SITES}\n{''.join(added)}")
        return True


def load(node, rules):
    """Loads nft rules into the kernel, all or none."""
    done = node.run(["nft", "-f", "-"], stdin=rules, ok=None)
    if done.code != 0:
        raise AgentError("internal", "nft refused the rules of the node's firewall", log=last_lines(done.err))


def load_all(node):
    """Reloads the whole firewall, rules and elements in one step."""
    with shared(node, "firewall"):
        files.write(node.paths.at(FIREWALL), render(elements(node)))
        with open(node.paths.at(NFT_CONF), encoding="utf-8", errors="replace", opener=files.at_once) as file:
            load(node, file.read())


def is_loaded(node):
    """Whether the kernel has the rules: someone may have flushed them."""
    return node.run(["nft", "list", "table", "inet", "silver"], ok=None).code == 0
