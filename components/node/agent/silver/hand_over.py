"""Moves what may run in only one release, such as a worker, from the previous release to the next, at the cut-over."""

from . import unit, units
from .errors import AgentError


def hand_over(node, site, giving, taking, wait=True):
    """Stops these units of one release and starts those of the other; either may be None. Safe to repeat. Error `start`.

    A stopping unit takes no new work and may finish what it has: nothing waits for it.
    """
    ending = units.starting(units.of(node, site, giving), "cut-over")[::-1] if giving else []
    starting = units.starting(units.of(node, site, taking), "cut-over") if taking else []
    for service in ending:
        unit.disable(node, service)
    unit.begin_to_stop(node, ending)
    for service in starting:
        unit.enable(node, service)
    running = unit.active(node, starting)
    for service in [service for service in starting if service not in running]:
        node.say("cut-over", f"starting {service}")
        begin(node, site, service, wait)


def begin(node, site, service, wait):
    if not wait:
        unit.begin_to_start(node, service)
        return
    try:
        unit.start(node, service)
    except AgentError as error:
        from . import redact

        error.code = "start"
        error.log = redact.site_lines(node, site, error.log)
        raise
