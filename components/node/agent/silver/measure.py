"""Measures what sites write where no file system can stop them: into their databases and their logs."""

from . import database_quota, files, log_files, state
from .errors import AgentError


def measure(node):
    """Looks at all sites, whatever one of them makes impossible. Returns the changes."""
    files.use_reserve(node.paths.var("reserve"))
    changes, failures = [], []
    work = [lambda: database_quota.hold_all(node, failures)]
    work += [lambda site=site: log_files.hold(node, site) for site in state.sites(node)]
    for each in work:
        try:
            changes += each()
        except (AgentError, OSError) as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return changes
