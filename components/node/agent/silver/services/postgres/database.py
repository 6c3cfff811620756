"""The database of a site and the role that logs in to it, by SQL."""

import contextlib
import os

from ... import accounts, own_address, own_server
from ...errors import AgentError, last_lines
from ...lines import lines_of
from . import names, server

TEXT = "ENCODING 'UTF8' LOCALE 'C.UTF-8'"
# How psql ends when it could not connect.
NO_CONNECTION = 2


def client(node, use, role, own):
    argv = [server.program(node, use, "psql"), "--no-psqlrc", "--no-password", "--quiet", "--no-align", "--tuples-only"]
    words = [f"--host={names.socket(use)}", f"--port={names.PORT}", f"--username={role}", f"--dbname={own}"]
    return [*argv, "--set=ON_ERROR_STOP=1", *words]


def psql(node, use, sql, own="postgres"):
    """Runs SQL as the superuser, for whom every name must mean PostgreSQL's own object. The SQL goes in by stdin."""
    argv = server.as_server(use, client(node, use, "postgres", own))
    ask = lambda: node.run(argv, stdin=sql, env={"PGOPTIONS": "-c search_path=pg_catalog"}, ok=None)  # noqa: E731
    done = own_server.insist(node, ask, is_kept_out, lambda mode: admit(node, use, mode))
    if done.code != 0:
        words = last_lines(done.err)
        raise AgentError("service", "PostgreSQL refused to set up the site's database", fix="see its output below", log=words)
    return done.out


def is_kept_out(done):
    # A session that holds all locks of its server has logged in, and stays: nothing is won by keeping the others out.
    return done.code == NO_CONNECTION and "out of shared memory" not in done.err


def as_site(node, use, sql):
    """
    Runs SQL in the site's own database, as the site: what the app put there does no more than the app could. Names mean PostgreSQL's own
    objects, and a lock that the app holds keeps nobody waiting.
    """
    argv = accounts.run_as(use.user, use.user, client(node, use, use.user, names.database(use)))
    options = "-c search_path=pg_catalog -c lock_timeout=5s -c statement_timeout=50s"
    return node.run(argv, stdin=sql, env={"PGOPTIONS": options}, ok=None)


def admit(node, use, mode):
    """Who can come to the server: to its socket, which one that does not run has not, and to its address where it has one."""
    with contextlib.suppress(FileNotFoundError):
        os.chmod(node.paths.at(names.socket(use)), mode)
    own_address.admit(node, use, names.key(use), mode)


def name(text):
    return '"' + text.replace('"', '""') + '"'


def value(text):
    return "'" + text.replace("'", "''") + "'"


def is_of_release(use):
    """SQL for the roles of releases, which come over TCP."""
    return f"rolname ~ {value(f'^{use.user}-[0-9a-f]{{8}}-[0-9a-f]{{8}}$')}"


def logs_in(use):
    """SQL for all roles of a site: its own, too."""
    return f"(rolname = {value(use.user)} OR {is_of_release(use)})"


def others(node, use):
    """The roles of releases: also where nobody comes over TCP any more."""
    return set(psql(node, use, f"SELECT rolname FROM pg_roles WHERE {is_of_release(use)};\n").split())


def make_database(node, use):
    own, user = names.database(use), use.user
    found = set(
        lines_of(
            psql(
                node,
                use,
                f"""SELECT 'role ' || rolname FROM pg_roles WHERE rolname = {value(user)}
UNION ALL SELECT 'database ' || datname FROM pg_database WHERE datname = {value(own)};
""",
            )
        )
    )
    new = [what for what in (f"role {user}", f"database {own}") if what not in found]
    words = []
    if f"role {user}" in new:
        words.append(f"CREATE ROLE {name(user)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;")
    words.append(f"ALTER ROLE {name(user)} CONNECTION LIMIT {use.options['connections']};")
    # Statements are for the app to log: the journal is for the node's administrators.
    words.append(f"ALTER ROLE {name(user)} SET log_min_messages = fatal;")
    if f"database {own}" in new:
        template = make_template(node, use) if use.kind == names.POSTGIS else "template0"
        words.append(f"CREATE DATABASE {name(own)} OWNER {name(user)} TEMPLATE {template} {TEXT};")
        words += [f"DROP DATABASE {template};"] if template == names.TEMPLATE else []
    # The database's owner may have closed it, and could not open it again.
    words.append(f"ALTER DATABASE {name(own)} ALLOW_CONNECTIONS true CONNECTION LIMIT -1;")
    words += [f"REVOKE ALL ON DATABASE {name(each)} FROM PUBLIC;" for each in ("postgres", "template1")]
    psql(node, use, "\n".join(words) + "\n")
    return [{"what": what, "why": "a new service"} for what in new]


def make_template(node, use):
    """
    A database with PostGIS, which only the superuser can make: in the site's own, what the app had put there could take part in it. Its
    table of coordinate systems is for the app to add to.
    """
    made = f"DROP DATABASE IF EXISTS {names.TEMPLATE};\nCREATE DATABASE {names.TEMPLATE} TEMPLATE template0 {TEXT};\n"
    psql(node, use, f"{made}REVOKE ALL ON DATABASE {names.TEMPLATE} FROM PUBLIC;\n")
    grant = "GRANT INSERT, UPDATE, DELETE ON public.spatial_ref_sys TO PUBLIC;"
    psql(node, use, f"CREATE EXTENSION {names.POSTGIS} SCHEMA public;\n{grant}\n", names.TEMPLATE)
    return names.TEMPLATE
