"""The server of a site: its directory, its settings, its unit."""

import os
import re

from ... import accounts, database_quota, files, own_address, own_server
from ...errors import AgentError, last_lines
from . import database, names, room

# Connections for the agent, beside the site's.
OWN_CONNECTIONS = 4

# Also for the program that makes the first tables: what these say holds for good.
LAYOUT = {
    "innodb_undo_tablespaces": "2",
    "innodb_log_file_size": "32M",
    "innodb_use_native_aio": "OFF",
}


def runs(node, use):
    return own_server.runs(node, names.service(use))


def what(use):
    return f"MariaDB of the site {use.site}: its disk is the size of the image."


def make_server(node, use):
    """A file system, and in it a directory that gets its final name once it holds a whole server. Both grow, and never shrink."""
    user, place = names.server_user(use), names.place(use)
    accounts.ensure_server(node, user, use.user, "/nonexistent")
    (uid, _), (_, gid) = node.ids(user), node.ids(use.user)
    own_server.make_parents(node, place, gid)
    record = names.read(node, use)
    if record is None:
        files.write_json(names.record_path(node, use), {})
    changes = own_server.make_disk(node, place, room.disk(use), (uid, gid), what(use))
    if os.path.isdir(node.paths.at(names.data(use))):
        return changes
    if record:
        # An empty one would pass for what was in it.
        raise AgentError("service", f"the data of MariaDB is gone: {names.data(use)}", fix="put a copy of it in its place")
    make_data(node, use, uid, gid)
    return changes


def make_data(node, use, uid, gid):
    node.say("services", "making a server of MariaDB")
    new = f"{names.place(use)}/new"
    files.remove_tree(node.paths.at(new))
    for path in (new, f"{names.place(use)}/tmp"):
        if not os.path.isdir(node.paths.at(path)):
            os.mkdir(node.paths.at(path), 0o700)
            os.chown(node.paths.at(path), uid, gid)
    # Each of its thousand statements would wait for the disk: it is all written down once at the end.
    words = ["--no-defaults", f"--datadir={new}", f"--tmpdir={names.place(use)}/tmp", "--debug-no-sync"]
    words += ["--loose-innodb-flush-method=nosync"]
    words += ["--auth-root-authentication-method=socket", "--auth-root-socket-user=root", "--skip-test-db", "--skip-log-bin"]
    words += [f"--{name}={value}" for name, value in LAYOUT.items()]
    done = node.run(accounts.run_as(names.server_user(use), use.user, ["mariadb-install-db", *words]), ok=None, seconds=120)
    if done.code != 0:
        log = last_lines(done.out + "\n" + done.err)
        raise AgentError("service", "MariaDB: could not make a server", fix="see the output below", log=log)
    node.run(["sync", "--file-system", node.paths.at(new)])
    os.rename(node.paths.at(new), node.paths.at(names.data(use)))
    files.sync_directory(node.paths.at(names.place(use)))


def connections(use):
    return own_server.places(use.options["connections"] + OWN_CONNECTIONS)


def options_of(node, use):
    """Options by what the server has: its room for connections, and the quota of its record, or the manifest's default."""
    places = re.search(r"^max_connections = ([0-9]+)$", node.read(names.settings(use)), re.MULTILINE)
    record = names.read(node, use) or {}
    tcp = {"tcp": "on"} if listens(node, use) else {}
    return {"connections": (int(places[1]) if places else 64) - OWN_CONNECTIONS, "bytes": record.get("quota", 1024**3), **tcp}


def listens(node, use):
    """Where it listens by its settings; None where it does not."""
    found = re.search(r"^bind_address = ([0-9.]+)\nport = ([0-9]+)$", node.read(names.settings(use)), re.MULTILINE)
    return {"address": found[1], "port": int(found[2]), "server": names.server_user(use)} if found else None


def settings_text(use, place=None):
    layout = "\n".join(f"{name} = {value}" for name, value in LAYOUT.items())
    network = f"bind_address = {place['address']}\nport = {place['port']}" if place else "skip_networking"
    return f"""# Made by silver. MariaDB of the site {use.site}, data generation g{use.generation}.
[mariadbd]
datadir = {names.data(use)}
tmpdir = {names.place(use)}/tmp
socket = {names.socket(use)}
pid_file = {names.directory(use)}/pid
# A database, who may log in, and what they may do: before anybody comes.
init_file = {names.statements(use)}
{network}
skip_name_resolve
skip_log_bin
max_connections = {connections(use)}
connect_timeout = {own_server.SILENT_SECONDS}
max_allowed_packet = 64M

# Nothing reaches beyond the site's own database: no files, no programs, no work without a session.
local_infile = OFF
secure_file_priv = {names.place(use)}/tmp
skip_symbolic_links
event_scheduler = DISABLED
automatic_sp_privileges = OFF
# A table of another engine becomes one of InnoDB, and the app is warned: only with that does nothing get lost in a crash.
default_storage_engine = InnoDB
enforce_storage_engine = InnoDB
sql_mode = STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER

character_set_server = utf8mb4
collation_server = utf8mb4_unicode_ci
# Of 11.4 and later, which have another default for a table that names its character set.
loose_character_set_collations = utf8mb4=utf8mb4_unicode_ci
default_time_zone = +00:00

# Many servers on one node: what one keeps for itself no other has.
performance_schema = OFF
key_buffer_size = 64K
aria_pagecache_buffer_size = 8M
aria_log_file_size = 8M
innodb_buffer_pool_size = 32M
innodb_log_buffer_size = 4M
innodb_read_io_threads = 1
innodb_write_io_threads = 2
innodb_purge_threads = 1
innodb_buffer_pool_dump_at_shutdown = OFF
innodb_buffer_pool_load_at_startup = OFF
{layout}
# What a long transaction keeps of old rows goes back to the disk after it.
innodb_undo_log_truncate = ON
innodb_max_undo_log_size = 10M
innodb_temp_data_file_path = ibtmp1:12M:autoextend:max:{room.TEMPORARY_BYTES // room.MEGABYTE}M

# Statements are for the app to log, also the one that it died of.
skip_stack_trace
log_warnings = 1
"""


def unit_text(use, place=None):
    """Confined like a release: writes only to its own directories, no network but the address where it listens, no capabilities."""
    most = connections(use)
    return f"""# Made by silver. MariaDB of the site {use.site}, data generation g{use.generation}. Restarted, never reloaded.
[Unit]
Description=MariaDB of the site {use.site}, data generation g{use.generation}
RequiresMountsFor={names.place(use)}
StartLimitIntervalSec=0

[Service]
Type=notify
User={names.server_user(use)}
Group={use.user}
Slice={own_server.slice_name(use.site)}
ExecStart=/usr/sbin/mariadbd --defaults-file={names.settings(use)}
Restart=always
RestartSec=1
{own_server.PATIENCE}
TimeoutStopSec=60
SyslogIdentifier=silver-mysql-{use.site}
LogRateLimitIntervalSec=30
LogRateLimitBurst=200

RuntimeDirectory={names.directory(use).removeprefix("/run/")}
RuntimeDirectoryMode={own_server.OPEN:04o}
# Releases see this directory under another name, too: it must be the same after a restart.
RuntimeDirectoryPreserve=yes
UMask=0077
# A session out of memory ends all of the site's, and the server comes back.
OOMPolicy=continue
MemoryMax={(192 + 8 * most) * 1024**2}
TasksMax={most + 64}
LimitNOFILE=16384
LimitCORE=0

ProtectSystem=strict
ReadWritePaths={names.place(use)}
TemporaryFileSystem=/tmp:ro /var/tmp:ro /run/lock:ro /dev/shm:ro
{own_server.SANDBOX}{own_address.unit_lines(place) if place else ""}
[Install]
WantedBy=multi-user.target
"""


def run_server(node, use, place):
    stage = (names.read(node, use) or {}).get("stage", database_quota.OPEN)
    if not node.read(names.statements(use)):
        database.keep(node, use, stage)
    settings = {names.settings(use): settings_text(use, place)}
    return own_server.run(node, "MariaDB", names.service(use), unit_text(use, place), settings)
