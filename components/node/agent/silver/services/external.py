"""A service that somebody else runs: on the node are its variables, and the certificates of its authority."""

from .. import external, files
from ..errors import AgentError


def address(node, use):
    """Where it is: then it has neither size nor limit."""
    try:
        return external.place_of(use.options, external.secrets(node, use.site)).server
    except AgentError:
        # Its secret is lost: a status and the next rollout, which brings it again, need no address.
        return "unknown"


def own_authorities(use):
    # Both names may have hyphens, and neither a dot.
    return f"/etc/silver/external/{use.site}.{use.name}.pem"


def values(node, use):
    authorities = own_authorities(use) if use.options["ca"] else external.SYSTEM_AUTHORITIES
    return external.values(external.place_of(use.options, external.secrets(node, use.site)), use.options, authorities)


def needs(node, use):
    """A release starts without it, as it runs while it is away."""
    return []


def health(node, use):
    return external.problem(node, use)


def exists(node, use):
    """It keeps nothing on this node."""
    return None


def found(node, use):
    return None


def discard(node, use):
    return []


def set_up(node, use):
    if not use.options["ca"]:
        return []
    path = own_authorities(use)
    files.make_directory_for(node.paths.at(path))
    why = files.write(node.paths.at(path), use.options["ca"])
    return [{"what": path, "why": why}] if why else []


def remove(node, use):
    files.remove(node.paths.at(own_authorities(use)))
    return []
