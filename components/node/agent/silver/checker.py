"""The app's own check of a configuration, before any process of its release starts: a separate unit, run once."""

import os
import time

from . import files, redact, site_services, unit, units
from .errors import AgentError

# The unit's own limit and some more: systemd ends it, not the agent.
SECONDS = 90


def check(node, release):
    """Runs the checker if the release has one; error `config` with its output when it fails."""
    if "checker" not in release:
        return
    site, name, checker = release["site"], release["id"], release["checker"]
    service = units.name(site, name, "check")
    node.say("prepare", f"{checker} checks the configuration")
    clear(node, site, name)
    with open(f"{node.paths.release(site, name)}/conf/check.service", encoding="utf-8") as file:
        unit.install(node, {service: file.read()})
    try:
        if why := run(node, service):
            words = redact.site_lines(node, site, unit.spoken(node, service))
            why += site_services.remark(node, site)
            raise AgentError("config", f"{checker} {why}", fix=f"correct the configuration of {site}, or {checker}", log=words)
    finally:
        clear(node, site, name)


def run(node, service):
    """Why the check failed; None when it passed."""
    node.run(["systemctl", "start", "--no-block", service])
    end = time.monotonic() + SECONDS
    while True:
        node.still_wanted()
        seen = unit.show(node, [service])[service]
        if seen.get("ActiveState") == "active":
            return None
        if seen.get("ActiveState") == "failed" or time.monotonic() >= end:
            return reason(seen)
        time.sleep(0.05)


def reason(seen):
    match seen.get("Result"):
        case "exit-code":
            return f"refuses the configuration (exit code {seen.get('ExecMainStatus', '?')})"
        case "timeout" | "success":
            return "did not end in time"
        case "oom-kill":
            return "used more memory than a process of the site may"
        case other:
            return f"was ended ({other})"


def clear(node, site, release):
    """Stops a checker and removes its unit, even one that a dead agent left."""
    service = units.name(site, release, "check")
    if os.path.lexists(node.paths.unit(service)):
        unit.end(node, [service])
        files.remove(node.paths.unit(service))
