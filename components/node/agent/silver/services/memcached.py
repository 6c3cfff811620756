"""memcached: each site has its own, with its own user. What it holds is gone when it restarts."""

import re

from .. import accounts, own_server

# For connections and threads, beside what it caches.
OVERHEAD_BYTES = 64 * 1024**2


def server_user(use):
    return f"mc-{use.site}"


def directory(use):
    return f"silver/memcached-{use.site}"


def socket(use):
    return f"/run/{directory(use)}/socket"


def service(use):
    return f"silver-memcached-{use.site}.service"


def values(node, use):
    return {"SOCKET": socket(use)}


def needs(node, use):
    """A release runs without it: what is not cached is made anew."""
    return own_server.needs(service(use))


def counters(node, use):
    """What it says of itself, by name; None when it does not answer."""
    said = own_server.ask(node, socket(use), b"stats\r\n", b"END\r\n")
    return None if said is None else dict(re.findall(r"^STAT (\w+) (\d+)\r$", said, re.MULTILINE))


def size(node, use):
    return int((counters(node, use) or {}).get("bytes", 0))


def health(node, use):
    if not own_server.runs(node, service(use)):
        return "not running"
    return None if counters(node, use) is not None else "not answering"


def exists(node, use):
    """It keeps no data."""
    return None


def found(node, use):
    memory = re.search(r"^ExecStart=.* -m ([0-9]+) ", node.read(f"/etc/systemd/system/{service(use)}"), re.MULTILINE)
    return {"bytes": int(memory[1]) * 1024**2} if memory else None


def discard(node, use):
    return []


def set_up(node, use):
    accounts.ensure_server(node, server_user(use), use.user, "/nonexistent")
    return own_server.run(node, "memcached", service(use), unit_text(use), {})


def remove(node, use):
    return own_server.remove(node, service(use))


def unit_text(use):
    """Confined like a release: writes nothing but its socket, which the site's group reaches."""
    return f"""# Made by silver. memcached of the site {use.site}. Restarted, never reloaded.
[Unit]
Description=memcached of the site {use.site}
StartLimitIntervalSec=0

[Service]
Type=exec
User={server_user(use)}
Group={use.user}
Slice={own_server.slice_name(use.site)}
ExecStart=/usr/bin/memcached -s {socket(use)} -a 0770 -m {use.options["bytes"] // 1024**2} -c 1024 -t 2
# It does not tell when it listens, and releases start after it.
ExecStartPost=/bin/sh -c 'until test -S {socket(use)}; do kill -0 "$$MAINPID" || exit 1; sleep 0.02; done'
{own_server.PATIENCE}
Restart=always
RestartSec=1
SyslogIdentifier=silver-memcached-{use.site}
LogRateLimitIntervalSec=30
LogRateLimitBurst=200

RuntimeDirectory={directory(use)}
RuntimeDirectoryMode=0750
UMask=0077
MemoryMax={use.options["bytes"] + OVERHEAD_BYTES}
TasksMax=32
LimitNOFILE=2048
LimitCORE=0

ProtectSystem=strict
TemporaryFileSystem=/tmp:ro /var/tmp:ro /run/lock:ro /dev/shm:ro
{own_server.SANDBOX}

[Install]
WantedBy=multi-user.target
"""
