"""Whose fault it is that a release does not start, or answers wrongly: a bundle is not blamed for its node."""

from . import ports, releases, site_services
from .errors import AgentError


def of_node(node, site, through="direct"):
    """What is wrong with the node or the site's services, which no other bundle would mend; None when nothing is."""
    try:
        releases.check_room(node)
        if through == "varnish":
            ports.refuse_foreign(node)
    except AgentError as error:
        return error
    if found := site_services.remark(node, site):
        return AgentError("service", found.removeprefix("; "), fix=f"see: silver status {site}")
    return None
