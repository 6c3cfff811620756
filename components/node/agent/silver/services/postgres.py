"""PostgreSQL on this node: a database that only its own site gets into."""

import time

from .. import database_quota, files, unit
from ..errors import AgentError, last_lines
from ..lock import shared

START_SECONDS = 60
SOCKET = "/var/run/postgresql"
PORT = "5432"
# Debian's 100 are used up by a few sites. What the plan lets the sites of a node have together (judge-nodes.ts), and some for people.
SESSIONS = 1000
TEMPORARY = "1GB"


def names(use):
    own = use.site.replace("-", "_")
    return {"database": f"{own}_g{use.generation}", "owner": f"{own}_owner", "user": use.user}


def values(node, use):
    own = names(use)
    return {"DATABASE": own["database"], "USER": own["user"], "SOCKET": SOCKET, "PORT": PORT}


def needs(node, use):
    return ["Wants=postgresql.service", "After=postgresql.service"]


def size(node, use):
    return (database_quota.read(node, use.site) or {"used": 0})["used"]


def health(node, use):
    return database_quota.problem(node, use.site)


def hold(node, use):
    return database_quota.hold(node, use.site)


def remove(node, use):
    """The server is every site's."""
    return []


def set_up(node, use):
    with shared(node, "postgres"):
        changes = [*run_server(node), *make_database(node, use)]
        return changes + database_quota.set_up(node, use)


def run_server(node):
    """Starts the node's server where it does not run, and lets it come back after a boot."""
    changes = []
    if unit.show(node, ["postgresql.service"])["postgresql.service"].get("UnitFileState") != "enabled":
        node.run(["systemctl", "enable", "--quiet", "postgresql.service"])
        changes.append({"what": "postgresql.service", "why": "was not enabled"})
    cluster, settings, log = find_cluster(node)
    # A server that runs takes it at its next start: one now would cut every site's sessions.
    if why := files.write(node.paths.at(f"{settings}/conf.d/silver.conf"), f"max_connections = {SESSIONS}\n"):
        changes.append({"what": f"{settings}/conf.d/silver.conf", "why": why})
    if unit.active(node, ["postgresql.service", cluster]) == {"postgresql.service", cluster} and answers(node):
        return changes
    node.say("services", f"starting {cluster}")
    # The cluster's unit is made by a generator, which must have seen a cluster that a package has just made.
    unit.reload(node)
    for name in (cluster, "postgresql.service"):
        done = node.run(["systemctl", "start", name], ok=None, seconds=120)
        if done.code != 0:
            raise broken(node, f"{name} does not start", cluster, log)
    end = time.monotonic() + START_SECONDS
    while not answers(node):
        node.still_wanted()
        if time.monotonic() >= end:
            raise broken(node, f"{cluster} does not answer within {START_SECONDS} s", cluster, log)
        time.sleep(0.1)
    return [*changes, {"what": cluster, "why": "did not run"}]


def find_cluster(node):
    """(unit, directory of settings, log file) of the cluster at the usual port."""
    done = node.run(["pg_lsclusters", "--no-header"], ok=None)
    if done.code != 0:
        raise AgentError("service", "PostgreSQL: its settings can't be read", fix="put right what is named below", log=last_lines(done.err))
    for line in done.out.splitlines():
        version, name, port, _, _, _, log = line.split(maxsplit=6)
        if port == PORT:
            return f"postgresql@{version}-{name}.service", f"/etc/postgresql/{version}/{name}", log
    raise AgentError("service", f"no cluster of PostgreSQL has the port {PORT}", fix="see: pg_lsclusters; make one with pg_createcluster")


def answers(node):
    return node.run(["pg_isready", "--quiet", f"--port={PORT}"], ok=None).code == 0


def broken(node, why, cluster, log):
    """What the start itself said: the server's log file holds statements of every site."""
    fix = f"look at {log} on the node, then: systemctl start {cluster}"
    return AgentError("service", f"PostgreSQL: {why}", fix=fix, log=unit.log(node, cluster, 20))


def psql(node, sql):
    """As the superuser, who must find nothing under a name but what PostgreSQL itself put there. The words go by stdin."""
    argv = ["runuser", "-u", "postgres", "--", "psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only"]
    argv += ["--set=ON_ERROR_STOP=1", f"--port={PORT}", "--dbname=postgres"]
    done = node.run(argv, stdin=sql, env={"PGOPTIONS": "-c search_path=pg_catalog"}, ok=None)
    if done.code != 0:
        words = last_lines(done.err)
        raise AgentError("service", "PostgreSQL refused what a site's database needs", fix="see its words below", log=words)
    return done.out


def name(text):
    return '"' + text.replace('"', '""') + '"'


def value(text):
    return "'" + text.replace("'", "''") + "'"


def make_database(node, use):
    database, owner, user = names(use).values()
    found = set(
        psql(
            node,
            f"""SELECT 'role ' || rolname FROM pg_roles WHERE rolname IN ({value(owner)}, {value(user)})
UNION ALL SELECT 'database ' || datname FROM pg_database WHERE datname = {value(database)};
""",
        ).splitlines()
    )
    new = [what for what in (f"role {owner}", f"role {user}", f"database {database}") if what not in found]
    if new:
        node.say("services", f"making {', '.join(new)}")
    rights = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"
    words = []
    if f"role {owner}" in new:
        words.append(f"CREATE ROLE {name(owner)} NOLOGIN {rights};")
    if f"role {user}" in new:
        words.append(f"CREATE ROLE {name(user)} LOGIN {rights};")
    words.append(f"ALTER ROLE {name(user)} CONNECTION LIMIT {use.options['connections']};")
    # A query that sorts without end stops before the disk, which is every site's, is full. Only a superuser can lift it.
    words.append(f"ALTER ROLE {name(user)} SET temp_file_limit = '{TEMPORARY}';")
    # Its errors are the app's to log: the server's own log is every site's, and nothing bounds what a failing statement writes there.
    words.append(f"ALTER ROLE {name(user)} SET log_min_messages = fatal;")
    words.append(f"GRANT {name(owner)} TO {name(user)};")
    if f"database {database}" in new:
        # Closed until nobody but its site can get in.
        made = "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8' ALLOW_CONNECTIONS false"
        words.append(f"CREATE DATABASE {name(database)} OWNER {name(owner)} {made};")
    words += [f"REVOKE ALL ON DATABASE {name(each)} FROM PUBLIC;" for each in (database, "postgres", "template1")]
    words.append(f"GRANT CONNECT, TEMPORARY ON DATABASE {name(database)} TO {name(user)};")
    # What the app creates belongs to the owner, whoever logged in.
    words.append(f"ALTER ROLE {name(user)} IN DATABASE {name(database)} SET role = {value(owner)};")
    words.append(f"ALTER DATABASE {name(database)} ALLOW_CONNECTIONS true;")
    psql(node, "\n".join(words) + "\n")
    return [{"what": what, "why": "a new service"} for what in new]
