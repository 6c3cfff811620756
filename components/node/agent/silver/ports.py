"""Who else listens where Varnish must: an administrator's server, or one that a package brought."""

import re

from .errors import AgentError

# Of visitors, and of the agent when it turns a label.
VARNISH = (80, 6082)
OWN = {"varnishd", "cache-main"}


def foreign(node):
    """A line for each program that has a port of Varnish's: the port, the program, and its unit where it has one."""
    found = {}
    for port in VARNISH:
        for name, pid in re.findall(r'\("([^"]+)",pid=(\d+)', node.run(["ss", "-Hltnp", f"sport = :{port}"], ok=None).out):
            if name not in OWN:
                found.setdefault((port, name), f"port {port} is taken by {name}{unit_of(node, pid)}")
    return list(found.values())


def serves(node):
    """Whether anything listens where visitors come: a Varnish that was started without its settings listens elsewhere."""
    return bool(node.run(["ss", "-Hltnp", f"sport = :{VARNISH[0]}"], ok=None).out.strip())


def unit_of(node, pid):
    text = node.read(f"/proc/{pid}/cgroup") or ""
    found = re.search(r"/([^/\n]+\.service)$", text, re.MULTILINE)
    return f" ({found[1]})" if found else f" (process {pid})"


def refuse_foreign(node):
    if words := foreign(node):
        raise AgentError("unit", "; ".join(words), fix="stop that program, and keep it from starting at boot: systemctl disable --now")
