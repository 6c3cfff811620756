"""
Redis: each site has its own server with its own user, on a socket. What is kept on disk stands in a file system of its own, whose size
follows from the memory: the file of commands is rewritten when it has doubled, and then stands beside its successor for a while.
"""

import re

from .. import accounts, files, own_server, volume
from ..errors import AgentError

# For the server itself, its connections and its buffers.
OVERHEAD_BYTES = 64 * 1024**2

# Commands that the site may use. Those that change settings or rights, load code, copy all of it elsewhere or end the server are in @admin
# or @dangerous; back from these come the ones that only look, and those that harm nobody else. Scripts are held to the same.
RIGHTS = " ".join(
    (
        *("+@all", "-@admin", "-@dangerous"),
        *("+info", "+keys", "+sort", "+sort_ro", "+flushdb", "+flushall", "+swapdb", "+role", "+lastsave", "+bgrewriteaof"),
        *("+monitor", "+slowlog", "+latency", "+client", "-client|no-evict"),
    )
)

END = b"$3\r\nend\r\n"


def server_user(use):
    return f"redis-{use.site}"


def place(use):
    return f"/srv/silver/{use.site}/data/redis/g{use.generation}"


def directory(use):
    return f"silver/redis-{use.site}-g{use.generation}"


def socket(use):
    return f"/run/{directory(use)}/socket"


def settings(use):
    return f"/etc/silver/redis/{use.site}-g{use.generation}.conf"


def service(use):
    return f"silver-redis-{use.site}@g{use.generation}.service"


def what(use):
    return f"Redis of the site {use.site}: its disk is the size of the image."


def persists(use):
    return use.options["disk"] > 0


def values(node, use):
    return {"SOCKET": socket(use)}


def needs(node, use):
    """A release runs without it, as it does while a server restarts."""
    return own_server.needs(service(use))


def ask(node, use, command):
    """The answer to a command; None when there is none."""
    # Even a server whose disk is full answers ECHO, and not PING.
    return own_server.ask(node, socket(use), f"{command}\r\nECHO end\r\n".encode(), END)


def told(node, use, section):
    """What it says of itself, by name; None when it does not answer."""
    said = ask(node, use, f"INFO {section}")
    return None if said is None else dict(re.findall(r"^(\w+):([^\r\n]*)\r$", said, re.MULTILINE))


def size(node, use):
    memory = (told(node, use, "memory") or {}).get("used_memory", "0")
    return int(memory) if memory.isdecimal() else 0


def health(node, use):
    if not own_server.runs(node, service(use)):
        return "not running"
    said = told(node, use, "persistence")
    if said is None:
        return "not answering"
    if is_full(said):
        return "out of disk: it can only be read"
    return "out of memory: it can only be read" if is_out_of_memory(told(node, use, "memory") or {}) else None


def is_full(said):
    return said.get("aof_last_write_status", "ok") != "ok"


def is_out_of_memory(said):
    """Whether it refuses to write: one that may delete something for it has done so before it answers."""
    held, aside, most = (int(said.get(name, "0")) for name in ("used_memory", "mem_not_counted_for_evict", "maxmemory"))
    return held - aside > most > 0


def exists(node, use):
    return volume.exists(node, place(use)) if persists(use) else None


def found(node, use):
    text = node.read(settings(use))
    memory, policy = (re.search(rf"^{name} (\S+)$", text, re.MULTILINE) for name in ("maxmemory", "maxmemory-policy"))
    disk = volume.most(node, place(use)) or 0
    if memory and policy:
        return {"bytes": int(memory[1]), "policy": policy[1], "disk": disk if "\nappendonly yes\n" in text else 0}
    # A quarter of the disk is the manifest's memory, or more.
    return {"bytes": disk // 4, "policy": "noeviction", "disk": disk} if disk else None


def client(node, use):
    return ["redis-cli", "-s", socket(use)]


def discard(node, use):
    return volume.discard(node, place(use))


def set_up(node, use):
    refuse_less(node, use)
    user = server_user(use)
    accounts.ensure_server(node, user, use.user, "/nonexistent")
    changes = make_room(node, use) if persists(use) else []
    return changes + own_server.run(node, "Redis", service(use), unit_text(use), {settings(use): settings_text(use)})


def refuse_less(node, use):
    """Less memory than it holds would make it one that nobody can write to: as a quota below what is there."""
    before, wanted = found(node, use), use.options["bytes"]
    deletes = not persists(use) or use.options["policy"] != "noeviction"
    if deletes or before is None or wanted >= before["bytes"]:
        return
    if (held := size(node, use)) > wanted:
        raise AgentError(
            "service",
            f"the memory of {files.megabytes(wanted)} is less than Redis holds: {files.megabytes(held)}",
            fix="raise memory in the manifest, or have the app delete data",
        )


def make_room(node, use):
    (uid, _), (_, gid) = node.ids(server_user(use)), node.ids(use.user)
    own_server.make_parents(node, place(use), gid)
    return own_server.make_disk(node, place(use), use.options["disk"], (uid, gid), what(use))


def hold(node, use):
    """Mounts its disk again, and sees to it that the file of commands never fills it for long. A restart makes Redis forget when to."""
    if not persists(use):
        return []
    changes = own_server.hold_disk(node, service(use), place(use), what(use))
    said = told(node, use, "persistence") if volume.is_mounted(node, place(use)) else None
    if said is None or said.get("aof_rewrite_in_progress") != "0":
        return changes
    if is_full(said):
        volume.give_spare(node, place(use))
        ask(node, use, "BGREWRITEAOF")
    elif volume.size(node, place(use)) - volume.spared(node, place(use)) > use.options["disk"] // 2:
        ask(node, use, "BGREWRITEAOF")
    else:
        # As much as all of the memory takes in a file.
        volume.keep_spare(node, place(use), use.options["disk"] // 4)
    return changes


def remove(node, use):
    changes = own_server.remove(node, service(use))
    files.remove(node.paths.at(settings(use)))
    return changes + volume.remove(node, place(use))


def settings_text(use):
    kept = f"appendonly yes\nappendfsync everysec\ndir {place(use)}" if persists(use) else "appendonly no"
    return f"""# Made by silver. Redis of the site {use.site}, data generation g{use.generation}.
port 0
unixsocket {socket(use)}
unixsocketperm 770
supervised systemd
daemonize no
logfile ""
always-show-logo no
maxmemory {use.options["bytes"]}
maxmemory-policy {use.options["policy"]}
# All that clients make it hold for them.
maxmemory-clients 25%
# No copies of the whole in between: a file of commands is written, or nothing.
save ""
{kept}
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size 8mb
user default on nopass sanitize-payload ~* &* {RIGHTS}
"""


def unit_text(use):
    """Confined like a release: writes only to its own directories, no network, no capabilities."""
    own = persists(use)
    # While the file is rewritten, what changes meanwhile is held twice.
    most = (3 if own else 2) * use.options["bytes"] + OVERHEAD_BYTES
    return f"""# Made by silver. Redis of the site {use.site}, data generation g{use.generation}. Restarted, never reloaded.
[Unit]
Description=Redis of the site {use.site}, data generation g{use.generation}
{f"RequiresMountsFor={place(use)}" if own else "# It keeps nothing on disk."}
StartLimitIntervalSec=0

[Service]
Type=notify
User={server_user(use)}
Group={use.user}
Slice={own_server.slice_name(use.site)}
ExecStart=/usr/bin/redis-server {settings(use)}
Restart=always
RestartSec=1
{own_server.PATIENCE}
TimeoutStopSec=60
SyslogIdentifier=silver-redis-{use.site}
LogRateLimitIntervalSec=30
LogRateLimitBurst=200

RuntimeDirectory={directory(use)}
RuntimeDirectoryMode=0750
UMask=0077
# Where the copy that rewrites its file is killed, the server goes on.
OOMPolicy=continue
MemoryMax={most}
TasksMax=32
LimitNOFILE=16384
LimitCORE=0

ProtectSystem=strict
{f"ReadWritePaths={place(use)}" if own else "# Writable is its socket's directory alone."}
TemporaryFileSystem=/tmp:ro /var/tmp:ro /run/lock:ro /dev/shm:ro
{own_server.SANDBOX}

[Install]
WantedBy=multi-user.target
"""
