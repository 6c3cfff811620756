"""The database of a site and the role that logs in to it, by SQL."""

import contextlib
import os
import time

from ...errors import AgentError, last_lines
from . import names, server

# How psql ends when it could not connect.
NO_CONNECTION = 2


def psql(node, use, sql):
    """Runs SQL as the superuser, for whom every name must mean PostgreSQL's own object. The SQL goes in by stdin."""
    argv = [server.program(node, use, "psql"), "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]
    argv += [f"--host={names.socket(use)}", f"--port={names.PORT}", "--username=postgres", "--dbname=postgres"]
    ask = lambda: node.run(server.as_server(use, argv), stdin=sql, env={"PGOPTIONS": "-c search_path=pg_catalog"}, ok=None)  # noqa: E731
    # An agent that was killed may have left it closed.
    admit(node, use, server.OPEN)
    done = ask()
    if done.code == NO_CONNECTION:
        done = ask_alone(node, use, ask)
    if done.code != 0:
        words = last_lines(done.err)
        raise AgentError("service", "PostgreSQL refused to set up the site's database", fix="see its output below", log=words)
    return done.out


def ask_alone(node, use, ask):
    """
    Asks while nobody else can come to the server. An app can take every place in it by connections that say nothing, and the superuser's
    with them: the server sends them away in time, and who has logged in stays.
    """
    end = time.monotonic() + 2 * server.SILENT_SECONDS
    admit(node, use, server.CLOSED)
    try:
        while (done := ask()).code == NO_CONNECTION and time.monotonic() < end:
            node.still_at_it()
            time.sleep(0.2)
        return done
    finally:
        admit(node, use, server.OPEN)


def admit(node, use, mode):
    """Who can come to the server's socket. A server that does not run has none."""
    with contextlib.suppress(FileNotFoundError):
        os.chmod(node.paths.at(names.socket(use)), mode)


def name(text):
    return '"' + text.replace('"', '""') + '"'


def value(text):
    return "'" + text.replace("'", "''") + "'"


def make_database(node, use):
    own, user = names.database(use), use.user
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
    # The database's owner may have closed it, and could not open it again.
    words.append(f"ALTER DATABASE {name(own)} ALLOW_CONNECTIONS true CONNECTION LIMIT -1;")
    words += [f"REVOKE ALL ON DATABASE {name(each)} FROM PUBLIC;" for each in ("postgres", "template1")]
    psql(node, use, "\n".join(words) + "\n")
    return [{"what": what, "why": "a new service"} for what in new]
