"""The part of the nft rules that only the node knows: who may listen on the address of a release or a site's server, who may come to
that of a server, and which users are sites'.

The rules themselves come with the node's state; they include the file written here, so that they are complete right after a boot.
"""

from . import addresses, files
from .errors import AgentError, last_lines
from .lock import shared
from .paths import FIREWALL, NFT_CONF

ANSWERERS, ASKERS, SITES = "inet silver answerers", "inet silver askers", "inet silver sites"


# Rules of an earlier agent do not have these yet.
NEW_SETS = f"add set {SITES} {{ type uid; }}\nadd set {ASKERS} {{ type ipv4_addr . inet_service . uid; }}\n"


def render(answerers, askers, sites):
    """Lines that fill the sets: (address, port, uid), sorted, and uids of sites."""
    places = lambda found: [f"{address} . {port} . {uid}" for address, port, uid in found]  # noqa: E731
    sets = {ANSWERERS: places(answerers), ASKERS: places(askers), SITES: [str(uid) for uid in sites]}
    return "".join(f"add element {name} {{ {', '.join(found)} }}\n" for name, found in sets.items() if found)


def elements(node):
    answerers, askers, sites = [], [], set()
    for key, place in addresses.read(node)["taken"].items():
        site, _ = key.split("/")
        try:
            uid, _ = node.ids(f"site-{site}")
            answers, _ = node.ids(place.get("server", f"site-{site}"))
        except KeyError:
            continue
        sites.add(uid)
        answerers.append((place["address"], place["port"], answers))
        if "server" in place and not place.get("closed", False):
            askers.append((place["address"], place["port"], uid))
    return sorted(answerers), sorted(askers), sorted(sites)


def update(node):
    """Makes file and kernel match the table of addresses. True when something changed."""
    with shared(node, "firewall"):
        added = render(*elements(node))
        if files.write(node.paths.at(FIREWALL), NEW_SETS + added) is None:
            return False
        emptied = "".join(f"flush set {name}\n" for name in (ANSWERERS, ASKERS, SITES))
        load(node, NEW_SETS + emptied + added)
        return True


def load(node, rules):
    """Loads nft rules into the kernel, all or none."""
    done = node.run(["nft", "-f", "-"], stdin=rules, ok=None)
    if done.code != 0:
        raise AgentError("internal", "nft refused the rules of the node's firewall", log=last_lines(done.err))


def load_all(node):
    """Reloads the whole firewall, rules and elements in one step."""
    with shared(node, "firewall"):
        files.write(node.paths.at(FIREWALL), NEW_SETS + render(*elements(node)))
        with open(node.paths.at(NFT_CONF), encoding="utf-8", errors="replace", opener=files.at_once) as file:
            load(node, file.read())


def is_loaded(node):
    """Whether the kernel has the rules: someone may have flushed them."""
    return node.run(["nft", "list", "table", "inet", "silver"], ok=None).code == 0
