"""Measures what sites write where no file system limits them: databases and logs."""

from . import files, log_files, site_services, state
from .errors import AgentError


def measure(node):
    """Measures all sites, even if one of them fails. Returns the changes."""
    files.use_reserve(node.paths.var("reserve"))
    changes, failures = [], []
    for site in state.sites(node):
        for hold in (site_services.hold_all, log_files.hold):
            try:
                changes += hold(node, site)
            except (AgentError, OSError) as error:
                failures.append(error)
    if failures:
        raise failures[0]
    return changes
