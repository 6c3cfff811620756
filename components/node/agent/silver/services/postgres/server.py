"""The server of a site: its directory, its settings, its unit."""

import os
import re

from ... import accounts, files, own_address, own_server
from ...errors import AgentError, last_lines
from . import names

PROGRAMS = "/usr/lib/postgresql"
# Sessions for the agent, beside the site's.
OWN_SESSIONS = 3


def runs(node, use):
    return own_server.runs(node, names.service(use))


def program(node, use, name):
    return f"{PROGRAMS}/{names.read(node, use)['version']}/bin/{name}"


def as_server(use, argv):
    return accounts.run_as(names.server_user(use), use.user, argv)


def newest(node):
    """The version of PostgreSQL for a new server: the distribution's."""
    found = [name for name in os.listdir(node.paths.at(PROGRAMS)) if name.isdigit()] if os.path.isdir(node.paths.at(PROGRAMS)) else []
    if not found:
        raise AgentError("service", f"there is no PostgreSQL below {PROGRAMS}", fix="see: apt-cache policy postgresql")
    return max(found, key=int)


def make_server(node, use):
    """The directory gets its final name once it holds a whole server."""
    directory = node.paths.at(names.place(use))
    accounts.ensure_server(node, names.server_user(use), use.user, names.place(use))
    if os.path.isdir(directory) and names.read(node, use) is not None:
        return []
    _, gid = node.ids(use.user)
    uid, _ = node.ids(names.server_user(use))
    own_server.make_parents(node, names.place(use), gid)
    version = newest(node)
    node.say("services", f"making a server of PostgreSQL {version}")
    new = f"{directory}.new"
    files.remove_tree(new)
    os.mkdir(new, 0o700)
    os.chown(new, uid, gid)
    # It can be moved: none of its files name its path.
    words = [f"--pgdata={new}", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=reject"]
    done = node.run(as_server(use, [f"{PROGRAMS}/{version}/bin/initdb", *words]), ok=None, seconds=120)
    if done.code != 0:
        files.remove_tree(new)
        fix = "see the output below; it needs about 40 MB"
        raise AgentError("service", "PostgreSQL: could not make a server", fix=fix, log=last_lines(done.out + "\n" + done.err))
    files.write_json(names.record_path(node, use), {"version": version})
    os.rename(new, directory)
    files.sync_directory(os.path.dirname(directory))
    return [{"what": names.place(use), "why": "a new service"}]


def sessions(use):
    return own_server.places(use.options["connections"] + OWN_SESSIONS)


def options_of(node, use):
    """Options by what the server has: its room for sessions, and the quota of its record, or the manifest's default."""
    room = re.search(r"^max_connections = ([0-9]+)$", node.read(f"{names.settings(use)}.conf"), re.MULTILINE)
    quota = names.read(node, use).get("quota", 2 * 1024**3)
    tcp = {"tcp": "on"} if listens(node, use) else {}
    return {"connections": (int(room[1]) if room else 64) - OWN_SESSIONS, "bytes": quota, **tcp}


# The site can't change these: only root can write them.
ENDS = (".conf", ".hba", ".ident")


def template_rule(use):
    """The app never comes to the template, and so the superuser can."""
    return f"local {names.TEMPLATE} postgres peer map=agent\n" if use.kind == names.POSTGIS else ""


def login_rule(use):
    """Members of the site's role; the role itself has no password."""
    return f"host {names.database(use)} +{use.user} 127.0.0.0/8 scram-sha-256\n"


def listens(node, use):
    """Where it listens by its settings; None where it does not."""
    found = re.search(r"^listen_addresses = '([0-9.]+)'\nport = ([0-9]+)$", node.read(f"{names.settings(use)}.conf"), re.MULTILINE)
    return {"address": found[1], "port": int(found[2]), "server": names.server_user(use)} if found else None


def has_template(node, use):
    return f"\nlocal {names.TEMPLATE} " in node.read(f"{names.settings(use)}.hba")


def settings_files(use, place=None):
    return {
        ".conf": f"""# Made by silver. PostgreSQL of the site {use.site}, data generation g{use.generation}.
data_directory = '{names.place(use)}'
hba_file = '{names.settings(use)}.hba'
ident_file = '{names.settings(use)}.ident'
listen_addresses = '{place["address"] if place else ""}'
port = {place["port"] if place else names.PORT}
unix_socket_directories = '{names.socket(use)}'
unix_socket_permissions = 0770
max_connections = {sessions(use)}
superuser_reserved_connections = {OWN_SESSIONS}
authentication_timeout = {own_server.SILENT_SECONDS}s
# Many servers on one node: the kernel's cache serves them all, and what one keeps for itself no other has.
shared_buffers = 32MB
min_wal_size = 32MB
max_wal_size = 256MB
# What says who shares a row's lock is kept until it is this old, and takes 5 bytes for each of them: 10 GB by the default.
autovacuum_multixact_freeze_max_age = 100000
# A session that compiled a query took 80 MB, and 7 without.
jit = off
max_parallel_workers = 2
max_logical_replication_workers = 0
# A query that sorts without end stops before the disk, which is every site's, is full.
temp_file_limit = 1GB
log_destination = stderr
logging_collector = off
log_line_prefix = ''
log_min_error_statement = panic
log_timezone = UTC
timezone = UTC
""",
        ".hba": f"""# Made by silver. By Unix user alone: the agent to its own database, the site to its own.
local postgres postgres peer map=agent
{template_rule(use)}local {names.database(use)} {use.user} peer
local all all reject
{login_rule(use) if place else ""}""",
        ".ident": f"""# Made by silver. The agent comes as the user that the server runs as.
agent {names.server_user(use)} postgres
""",
    }


def network_lines(use, place):
    """Lines of [Service] for a server that listens on an address; the socket keeps its name, which the agent and older releases have."""
    if place is None:
        return ""
    socket = f"{names.socket(use)}/.s.PGSQL.{names.PORT}"
    return f"ExecStartPost=/usr/bin/ln -sf .s.PGSQL.{place['port']} {socket}\n{own_address.unit_lines(place)}"


def unit_text(node, use, place=None):
    """Confined like a release: writes only to its own directories, no network but the address where it listens, no capabilities."""
    return f"""# Made by silver. PostgreSQL of the site {use.site}, data generation g{use.generation}. Restarted, never reloaded.
[Unit]
Description=PostgreSQL of the site {use.site}, data generation g{use.generation}
RequiresMountsFor={names.place(use)}
StartLimitIntervalSec=0

[Service]
Type=notify
User={names.server_user(use)}
Group={use.user}
Slice={own_server.slice_name(use.site)}
ExecStart={program(node, use, "postgres")} -c config_file={names.settings(use)}.conf
Restart=always
RestartSec=1
# Ends sessions, then the server: what is not committed is undone.
KillMode=mixed
KillSignal=SIGINT
{own_server.PATIENCE}
TimeoutStopSec=60
SyslogIdentifier=silver-postgres-{use.site}
# Each refused login is a line, and an app may try without end.
LogRateLimitIntervalSec=30
LogRateLimitBurst=200

RuntimeDirectory=silver/pg-{use.site}-g{use.generation}
RuntimeDirectoryMode={own_server.OPEN:04o}
UMask=0077
# A session out of memory ends all of the site's, and the server comes back.
OOMPolicy=continue
MemoryMax={(64 + 16 * sessions(use)) * 1024**2}
TasksMax={sessions(use) + 32}
LimitCORE=0

ProtectSystem=strict
ReadWritePaths={names.place(use)}
TemporaryFileSystem=/tmp:size=16M,mode=1777,nodev,nosuid /var/tmp:ro /run/lock:ro /dev/shm:size=256M,mode=1777
{own_server.SANDBOX}{network_lines(use, place)}
[Install]
WantedBy=multi-user.target
"""


def run_server(node, use, place):
    settings = {f"{names.settings(use)}{end}": text for end, text in settings_files(use, place).items()}
    return own_server.run(node, "PostgreSQL", names.service(use), unit_text(node, use, place), settings)
