"""The database of a site and the accounts that log in to it, by SQL."""

import contextlib
import os
import re

from ... import database_quota, files, own_address, own_server
from ...errors import AgentError, last_lines
from . import login, names

# No file of settings but the server's own counts, the site's least of all. A server may ask its client for a file: whoever broke into one
# would have any of root's.
CLIENT = ("mariadb", "--no-defaults", "--default-character-set=utf8mb4", "--local-infile=0")

# Too many connections, nobody there, and one that was cut before it logged in.
NO_CONNECTION = re.compile(r"^ERROR (?:1040|1203|2002|2006|2013) ", re.MULTILINE)

# What a database over its quota still allows: deleted rows leave their room to the table, and ALTER TABLE … FORCE gives it back.
READING = "SELECT, DELETE, DROP, ALTER, CREATE TEMPORARY TABLES, EXECUTE, LOCK TABLES, SHOW VIEW"
WRITING = "INSERT, UPDATE, CREATE, CREATE ROUTINE, ALTER ROUTINE, CREATE VIEW, DELETE HISTORY, INDEX, REFERENCES, TRIGGER"


def ask(node, use, sql):
    """Runs SQL as the administrator of the server, which knows root by its Unix user, by stdin. It never enters the site's database."""
    argv = [*CLIENT, "--batch", "--skip-column-names", f"--socket={names.socket(use)}", "--user=root"]
    run = lambda: node.run(argv, stdin=sql, ok=None)  # noqa: E731
    done = own_server.insist(node, run, is_kept_out, lambda mode: admit(node, use, mode))
    if done.code != 0:
        words = last_lines(done.err)
        raise AgentError("service", "MariaDB refused to set up the site's database", fix="see its output below", log=words)
    return done.out


def is_kept_out(done):
    return done.code != 0 and NO_CONNECTION.search(done.err) is not None


def admit(node, use, mode):
    """Who can come to the server: to its socket, and to its address where it has one."""
    with contextlib.suppress(FileNotFoundError):
        os.chmod(node.paths.at(names.directory(use)), mode)
    own_address.admit(node, use, names.key(use), mode)


def accounts(node, use):
    """(account, how it logs in): by the socket, and by the address where the site comes so, or did."""
    word = login.password(node, use)
    by_address = [(f"`{use.user}`@{login.HOST}", f"mysql_native_password USING '{login.digest(word)}'")] if word else []
    return [(f"`{use.user}`@localhost", "unix_socket"), *by_address]


def wanted(node, use, stage):
    """A database, who may log in, and what they may do there: to be said at any time, one statement a line."""
    own = names.database(use)
    # In a grant, an underscore stands for any character.
    pattern = f"`{own}`.*".replace("_", "\\_")
    most = use.options["connections"]
    lock = "LOCK" if stage == database_quota.CLOSED else "UNLOCK"
    change = f"GRANT {WRITING} ON {pattern} TO" if stage == database_quota.OPEN else f"REVOKE {WRITING} ON {pattern} FROM"
    return f"CREATE DATABASE IF NOT EXISTS `{own}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;\n" + "".join(
        f"""CREATE USER IF NOT EXISTS {account} IDENTIFIED VIA {how};
ALTER USER {account} IDENTIFIED VIA {how} WITH MAX_USER_CONNECTIONS {most} ACCOUNT {lock};
GRANT {READING} ON {pattern} TO {account};
{change} {account};
"""
        for account, how in accounts(node, use)
    )


def keep(node, use, stage):
    """What the server is to begin with, whoever starts it. Only the server reads it, and the site, by their group."""
    files.make_directory_for(node.paths.at(names.statements(use)))
    files.write(node.paths.at(names.statements(use)), wanted(node, use, stage), 0o640, node.ids(use.user)[1])


def enforce(node, use, stage, was):
    """Sessions go by what they were allowed when they began, so a change ends them, of every account of that name."""
    keep(node, use, stage)
    end = f"KILL USER `{use.user}`;\n" if stage != was else ""
    ask(node, use, wanted(node, use, stage) + end)
