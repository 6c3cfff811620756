"""Who else has the ports that Varnish and releases must have: an administrator's server, one that a package brought, or anybody."""

import re

from . import addresses, certificates, node_record
from .errors import AgentError

# Of visitors, and of the agent when it turns a label.
VARNISH = (80, 6082)
OWN = {"varnishd", "cache-main"}
# Of visitors, where the node speaks https.
TLS = 443

# Keeps the ports of releases from whoever names none.
KEEPER = "silver-ports.service"
CHOSEN = "/proc/sys/net/ipv4/ip_local_port_range"
RESERVED = "/proc/sys/net/ipv4/ip_local_reserved_ports"


def foreign(node):
    """A line for each program that has a port of the platform's: the port, the program, and its unit where it has one."""
    found = {}
    for port in (*VARNISH, *([TLS] if "https" in node_record.read(node) else [])):
        for name, pid in re.findall(r'\("([^"]+)",pid=(\d+)', node.run(["ss", "-Hltnp", f"sport = :{port}"], ok=None).out):
            if not (certificates.UNIT in unit_of(node, pid) if port == TLS else name in OWN):
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


def exposed(node):
    """Whether the kernel may give a release's port to a program that names none, such as for a connection of its own."""
    first, last = addresses.PORTS["first"], addresses.PORTS["last"]
    chosen = ranges(node.read(CHOSEN).replace("\t", "-"))
    if not any(low <= last and first <= high for low, high in chosen):
        return False
    return not any(low <= first and last <= high for low, high in ranges(node.read(RESERVED)))


def ranges(text):
    """`8080,20001-32767`, as the kernel writes it: neighbours are one."""
    return [(int(low), int(high or low)) for low, high in re.findall(r"(\d+)(?:-(\d+))?", text)]
