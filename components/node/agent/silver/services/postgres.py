"""PostgreSQL: each site has its own server with its own user. Only the site and the agent can log in.

The superuser `postgres` is the agent's. It logs in to the database of the same name, where only the agent owns anything: what a site put
into its own database would run as any user who logs in there.
"""

import os
import time

from .. import accounts, database_quota, files, packages, state, unit
from ..errors import AgentError, last_lines
from ..lock import shared

PROGRAMS = "/usr/lib/postgresql"
PORT = "5432"
START_SECONDS = 60
# Settings of Debian's own tools: the package would create and start a cluster that no site uses.
NO_CLUSTER = "/etc/postgresql-common/createcluster.d/silver.conf"
# Sessions for the agent, beside the site's.
OWN_SESSIONS = 3


def server_user(use):
    return f"pg-{use.site}"


def place(use):
    return f"/srv/silver/{use.site}/data/pg/g{use.generation}"


def socket(use):
    return f"/run/silver/pg-{use.site}-g{use.generation}"


def settings(use):
    return f"/etc/silver/postgres/{use.site}-g{use.generation}"


def service(use):
    return f"silver-postgres-{use.site}@g{use.generation}.service"


def database(use):
    return f"{use.site.replace('-', '_')}_g{use.generation}"


def values(node, use):
    return {"DATABASE": database(use), "USER": use.user, "SOCKET": socket(use), "PORT": PORT}


def needs(node, use):
    """A release starts after it and keeps running without it: pages that need no database are still served."""
    return [f"Wants={service(use)}", f"After={service(use)}"]


def record_path(node, use):
    """Version and quota, beside the server's directory: neither is ever read from where the server can write."""
    return f"{node.paths.at(place(use))}.json"


def read(node, use):
    return files.read_json(record_path(node, use))


def size(node, use):
    record = read(node, use)
    return record["used"] if record else 0


def health(node, use):
    return database_quota.problem(read(node, use)) or (None if runs(node, use) else "not running")


def runs(node, use):
    return service(use) in unit.active(node, [service(use)])


def before_install(node):
    """Leaves an administrator's own clusters and their settings alone."""
    if packages.missing(node, ["postgresql-common"]):
        files.make_directory_for(node.paths.at(NO_CLUSTER))
        files.write(node.paths.at(NO_CLUSTER), "# silver-agent: each site has a server of its own\ncreate_main_cluster = false\n")


def set_up(node, use):
    with turn(node, use):
        changes = make_server(node, use)
        changes += run_server(node, use)
        changes += make_database(node, use)
        return changes + begin_quota(node, use)


def turn(node, use, wait=True):
    """Keeps set-up and measuring apart: one at a time."""
    return shared(node, f"postgres-{use.site}", wait)


def remove(node, use):
    name = service(use)
    changes = [{"what": name, "why": "its site is removed"}] if unit.remove(node, name) else []
    for end in ENDS:
        files.remove(f"{node.paths.at(settings(use))}{end}")
    return changes


# The server: its directory, its settings, its unit


def program(node, use, name):
    return f"{PROGRAMS}/{read(node, use)['version']}/bin/{name}"


def as_server(use, argv):
    return ["runuser", "-u", server_user(use), "--", *argv]


def newest(node):
    """The version of PostgreSQL for a new server: the distribution's."""
    found = [name for name in os.listdir(node.paths.at(PROGRAMS)) if name.isdigit()] if os.path.isdir(node.paths.at(PROGRAMS)) else []
    if not found:
        raise AgentError("service", f"there is no PostgreSQL below {PROGRAMS}", fix="see: apt-cache policy postgresql")
    return max(found, key=int)


def make_server(node, use):
    """The directory gets its final name once it holds a whole server."""
    directory = node.paths.at(place(use))
    accounts.ensure_server(node, server_user(use), use.user, place(use))
    if os.path.isdir(directory) and read(node, use) is not None:
        return []
    _, gid = node.ids(use.user)
    uid, _ = node.ids(server_user(use))
    for parent in (os.path.dirname(os.path.dirname(directory)), os.path.dirname(directory)):
        files.make_directory(parent, 0o750, gid)
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
    files.write_json(record_path(node, use), {"version": version})
    os.rename(new, directory)
    files.sync_directory(os.path.dirname(directory))
    return [{"what": place(use), "why": "a new service"}]


def sessions(use):
    """Sessions the server has room for. Each costs memory. The number doubles, so few changes to a site restart the server."""
    most = 64
    while most < use.options["connections"] + OWN_SESSIONS:
        most *= 2
    return most


# The site can't change these: only root can write them.
ENDS = (".conf", ".hba", ".ident")


def settings_files(use):
    return {
        ".conf": f"""# Made by silver. PostgreSQL of the site {use.site}, data generation g{use.generation}.
data_directory = '{place(use)}'
hba_file = '{settings(use)}.hba'
ident_file = '{settings(use)}.ident'
listen_addresses = ''
port = {PORT}
unix_socket_directories = '{socket(use)}'
unix_socket_permissions = 0770
max_connections = {sessions(use)}
superuser_reserved_connections = {OWN_SESSIONS}
# Many servers on one node: the kernel's cache serves them all, and what one keeps for itself no other has.
shared_buffers = 32MB
min_wal_size = 32MB
max_wal_size = 256MB
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
local {database(use)} {use.user} peer
local all all reject
""",
        ".ident": f"""# Made by silver. The agent comes as the user that the server runs as.
agent {server_user(use)} postgres
""",
    }


def unit_text(node, use):
    """Confined like a release: writes only to its own directories, no network, no capabilities."""
    return f"""# Made by silver. PostgreSQL of the site {use.site}, data generation g{use.generation}. Restarted, never reloaded.
[Unit]
Description=PostgreSQL of the site {use.site}, data generation g{use.generation}
RequiresMountsFor={place(use)}
StartLimitIntervalSec=0

[Service]
Type=notify
User={server_user(use)}
Group={use.user}
Slice={slice_name(use.site)}
ExecStart={program(node, use, "postgres")} -c config_file={settings(use)}.conf
Restart=always
RestartSec=1
# Ends sessions, then the server: what is not committed is undone.
KillMode=mixed
KillSignal=SIGINT
# After a crash it reads what it wrote since its last checkpoint.
TimeoutStartSec=300
TimeoutStopSec=60
SyslogIdentifier=silver-postgres-{use.site}
# Each refused login is a line, and an app may try without end.
LogRateLimitIntervalSec=30
LogRateLimitBurst=200

RuntimeDirectory=silver/pg-{use.site}-g{use.generation}
RuntimeDirectoryMode=0750
UMask=0077
# A session out of memory ends all of the site's, and the server comes back.
OOMPolicy=continue
MemoryMax={(64 + 16 * sessions(use)) * 1024**2}
TasksMax={sessions(use) + 32}
LimitCORE=0

ProtectSystem=strict
ReadWritePaths={place(use)}
TemporaryFileSystem=/tmp:size=16M,mode=1777,nodev,nosuid /var/tmp:ro /dev/shm:size=256M,mode=1777
RestrictAddressFamilies=AF_UNIX
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
PrivateDevices=yes
PrivateIPC=yes
ProtectHome=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
KeyringMode=private
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""


def slice_name(site):
    """systemd reads a hyphen as nesting, but a site named a-b is not inside the site a."""
    escaped = site.replace("-", "\\x2d")
    return f"silver-{escaped}.slice"


def run_server(node, use):
    """Runs the server with its current settings, and enables it for the next boot."""
    name = service(use)
    changes, restart = [], False
    files.make_directory_for(node.paths.at(settings(use)))
    for end, text in settings_files(use).items():
        path = f"{settings(use)}{end}"
        if why := files.write(node.paths.at(path), text):
            changes.append({"what": path, "why": why})
            restart = True
    if why := unit.install(node, {name: unit_text(node, use)}).get(name):
        changes.append({"what": name, "why": why})
        restart = True
    unit.enable(node, name)
    running = runs(node, use)
    if running and not restart:
        return changes
    if running:
        # Room for sessions is allocated at its start.
        node.say("services", f"restarting {name}")
        unit.stop(node, [name])
    else:
        node.say("services", f"starting {name}")
    start(node, use)
    return [*changes, {"what": name, "why": "its settings changed" if running else "did not run"}]


def start(node, use):
    """The server itself tells systemd when it accepts sessions."""
    name = service(use)
    node.run(["systemctl", "start", "--no-block", name])
    end = time.monotonic() + START_SECONDS
    while True:
        node.still_wanted()
        seen = unit.show(node, [name])[name]
        if seen.get("ActiveState") == "active":
            return
        if seen.get("ActiveState") == "failed" or seen.get("NRestarts", "0") != "0" or time.monotonic() >= end:
            log = unit.log(node, [name], 20)
            unit.stop(node, [name])
            fix = f"see its output below, then: systemctl start {name}"
            raise AgentError("service", f"PostgreSQL: {name} did not start", fix=fix, log=log)
        time.sleep(0.05)


# The database, by SQL


def psql(node, use, sql):
    """Runs SQL as the superuser, for whom every name must mean PostgreSQL's own object. The SQL goes in by stdin."""
    argv = [program(node, use, "psql"), "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]
    argv += [f"--host={socket(use)}", f"--port={PORT}", "--username=postgres", "--dbname=postgres"]
    done = node.run(as_server(use, argv), stdin=sql, env={"PGOPTIONS": "-c search_path=pg_catalog"}, ok=None)
    if done.code != 0:
        words = last_lines(done.err)
        raise AgentError("service", "PostgreSQL refused to set up the site's database", fix="see its output below", log=words)
    return done.out


def name(text):
    return '"' + text.replace('"', '""') + '"'


def value(text):
    return "'" + text.replace("'", "''") + "'"


def make_database(node, use):
    own, user = database(use), use.user
    found = set(
        psql(
            node,
            use,
            f"""SELECT 'role ' || rolname FROM pg_roles WHERE rolname = {value(user)}
UNION ALL SELECT 'database ' || datname FROM pg_database WHERE datname = {value(own)};
""",
        ).splitlines()
    )
    new = [what for what in (f"role {user}", f"database {own}") if what not in found]
    words = []
    if f"role {user}" in new:
        words.append(f"CREATE ROLE {name(user)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;")
    words.append(f"ALTER ROLE {name(user)} CONNECTION LIMIT {use.options['connections']};")
    # Statements are for the app to log: the journal is for the node's administrators.
    words.append(f"ALTER ROLE {name(user)} SET log_min_messages = fatal;")
    if f"database {own}" in new:
        words.append(f"CREATE DATABASE {name(own)} OWNER {name(user)} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';")
    words += [f"REVOKE ALL ON DATABASE {name(each)} FROM PUBLIC;" for each in ("postgres", "template1")]
    psql(node, use, "\n".join(words) + "\n")
    return [{"what": what, "why": "a new service"} for what in new]


# The quota


def begin_quota(node, use):
    """Enforces a quota, while set-up holds the lock."""
    before, quota = read(node, use), use.options["bytes"]
    stood = before if "quota" in before else None
    record = {"version": before["version"], **database_quota.begin(stood, quota, look(node, use).used, "postgres")}
    was = stood["stage"] if stood else database_quota.OPEN
    if was != record["stage"]:
        enforce(node, use, record["stage"])
        tell(node, use, record)
    files.write_json(record_path(node, use), record)
    if problem := database_quota.problem(record):
        node.say("services", f"{use.name} is {problem}")
    if was == record["stage"] and (stood is None or stood["quota"] == quota):
        return []
    why = database_quota.problem(record) or f"its quota is now {files.megabytes(quota)}"
    return [{"what": f"database {database(use)}", "why": why}]


def hold(node, use):
    """Measures the database and enforces the result."""
    # A rollout that sets it up measures it too; the site's status reports a server that is down.
    with turn(node, use, wait=False) as ours:
        before = read(node, use)
        if not ours or before is None or "quota" not in before or not runs(node, use):
            return []
        seen = look(node, use)
        if seen is None:
            return []
        record = database_quota.judge(before, seen.used)
        changed = record["stage"] != before["stage"]
        # While it is open, correct nothing: a person may have changed the role for a while.
        if changed or (record["stage"] != database_quota.OPEN and not seen.holds(record["stage"])):
            enforce(node, use, record["stage"])
        files.write_json(record_path(node, use), record)
        if not changed:
            return []
        tell(node, use, record)
        return [{"what": f"database {database(use)}", "why": database_quota.words(record)}]


class Seen:
    """What PostgreSQL reports about a database and the role that logs in."""

    def __init__(self, used, may_log_in, reads_only, sessions):
        self.used, self.may_log_in, self.reads_only, self.sessions = int(used), may_log_in == "t", reads_only == "t", int(sessions)

    def holds(self, stage):
        return self.reads_only if stage == database_quota.READ_ONLY else not self.may_log_in and self.sessions == 0


def look(node, use):
    """None when someone has dropped the database."""
    row = psql(
        node,
        use,
        f"""SELECT pg_database_size(d.oid), r.rolcanlogin,
  coalesce(s.setconfig @> ARRAY['default_transaction_read_only=on'], false),
  (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid)
FROM pg_database d
JOIN pg_roles r ON r.rolname = {value(use.user)}
LEFT JOIN pg_db_role_setting s ON s.setdatabase = d.oid AND s.setrole = r.oid
WHERE d.datname = {value(database(use))};
""",
    ).strip()
    return Seen(*row.split("|")) if row else None


def enforce(node, use, stage):
    """Ends sessions first, so that none locks the role, and again afterwards, for those that began in between."""
    user = name(use.user)
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {value(use.user)};"
    setting = f"ALTER ROLE {user} IN DATABASE {name(database(use))}"
    role = {
        database_quota.OPEN: [f"ALTER ROLE {user} LOGIN;", f"{setting} RESET default_transaction_read_only;"],
        database_quota.READ_ONLY: [f"{setting} SET default_transaction_read_only = on;", f"ALTER ROLE {user} LOGIN;"],
        database_quota.CLOSED: [f"ALTER ROLE {user} NOLOGIN;"],
    }
    psql(node, use, "\n".join(["SET lock_timeout = '5s';", end, *role[stage], end]) + "\n")


def tell(node, use, record):
    node.tell(use.site, state.read(node, use.site)["live"], f"the database is {database_quota.words(record)}")
