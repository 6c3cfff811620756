"""Looks after what sites write to: measures databases and logs, mounts again what is mounted no more, ends commands left behind.
Goes on with what rollouts left to the node: workers that start once others have ended."""

from . import certificates, files, hand_over, jobs, log_files, log_space, runs, site_services, state
from .faults import apart


def measure(node):
    """Looks at all sites, even if one of them fails. Returns the changes."""
    files.use_reserve(node.paths.var("reserve"))
    changes, failures = [], []
    for site in state.sites(node):
        for hold in (site_services.hold_all, log_space.hold, log_files.hold, hand_over.put_right, jobs.settle):
            # Whatever it is: the other sites are held to what they may take.
            with apart(node.note, site, failures):
                changes += hold(node, site)
    with apart(node.say, "https", failures):
        changes += certificates.look(node)
    failures += runs.sweep(node)
    if failures:
        raise failures[0]
    return changes
