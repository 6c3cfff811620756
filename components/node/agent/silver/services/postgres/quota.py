"""The quota of a site's database: measured, and enforced by the rights of the site's role."""

import contextlib
import os

from ... import database_quota, files
from . import database, names, server


def begin(node, use):
    """Enforces a quota, while set-up holds the lock."""
    before, quota = names.read(node, use), use.options["bytes"]
    stood = before if "quota" in before else None
    record = {"version": before["version"], **database_quota.begin(stood, quota, look(node, use).used, "postgres")}
    was = stood["stage"] if stood else database_quota.OPEN
    if was != record["stage"]:
        enforce(node, use, record["stage"])
        database_quota.tell(node, use, record)
    files.write_json(names.record_path(node, use), record)
    return database_quota.report(node, use, names.database(use), stood, record)


def hold(node, use):
    """Measures the database and enforces the result."""
    # A rollout that sets it up measures it too; the site's status reports a server that is down.
    with names.turn(node, use, wait=False) as ours:
        before = names.read(node, use)
        if not ours or before is None or "quota" not in before or not server.runs(node, use):
            return []
        seen = look(node, use)
        if seen is None:
            return []
        record = database_quota.judge(before, seen.used)
        changed = record["stage"] != before["stage"]
        # While it is open, correct nothing: a person may have changed the role for a while.
        if changed or (record["stage"] != database_quota.OPEN and not seen.holds(record["stage"])):
            enforce(node, use, record["stage"])
        files.write_json(names.record_path(node, use), record)
        if not changed:
            return []
        database_quota.tell(node, use, record)
        return [{"what": f"database {names.database(use)}", "why": database_quota.words(record)}]


def beside(node, use):
    """
    Bytes that the server holds outside its databases: temporary files of queries, what is sent to a LISTEN that never reads, exported
    snapshots, who shares the locks of rows, what all its databases have in common. An app can make each of them grow, and the next version
    of PostgreSQL may have another. Only the write-ahead log is left out: max_wal_size bounds it.
    """
    place, total = node.paths.at(names.place(use)), 0
    for directory, below, found in os.walk(place):
        if directory == place:
            below[:] = [name for name in below if name != "pg_wal"]
        elif directory == f"{place}/base":
            # PostgreSQL counts the site's database itself, and nobody writes to the others.
            below[:] = [name for name in below if not name.isdigit()]
        for file in found:
            # It may be gone by now.
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(f"{directory}/{file}").st_blocks * 512
    return total


# A server shortens its queue of NOTIFY only when somebody writes some pages to it.
SHORTEN = "SELECT count(pg_notify('silver', repeat('x', 7000) || n)) FROM generate_series(1, 8) n;"


class Seen:
    """What PostgreSQL reports about a database and the role that logs in."""

    def __init__(self, used, may_log_in, reads_only, sessions):
        self.used, self.may_log_in, self.reads_only, self.sessions = int(used), may_log_in == "t", reads_only == "t", int(sessions)

    def holds(self, stage):
        return self.reads_only if stage == database_quota.READ_ONLY else not self.may_log_in and self.sessions == 0


def look(node, use):
    """None when someone has dropped the database."""
    row = database.psql(
        node,
        use,
        f"""SELECT pg_database_size(d.oid), bool_or(r.rolcanlogin),
  bool_and(coalesce(s.setconfig @> ARRAY['default_transaction_read_only=on'], false)),
  (SELECT count(*) FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid WHERE {database.logs_in(use)})
FROM pg_database d
JOIN pg_roles r ON {database.logs_in(use)}
LEFT JOIN pg_db_role_setting s ON s.setdatabase = d.oid AND s.setrole = r.oid
WHERE d.datname = {database.value(names.database(use))}
GROUP BY d.oid;
""",
    ).strip()
    if not row:
        return None
    size, *rest = row.split("|")
    return Seen(int(size) + beside(node, use), *rest)


def enforce(node, use, stage):
    """Ends sessions first, so that none locks the role, and again afterwards, for those that began in between."""
    users = [use.user, *sorted(database.others(node, use))]
    listed = ", ".join(database.value(user) for user in users)
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ({listed});"
    words = [line for user in users for line in changed(use, database.name(user), stage)]
    database.psql(node, use, "\n".join(["SET lock_timeout = '5s';", end, *words, end, SHORTEN]) + "\n")


def changed(use, user, stage):
    setting = f"ALTER ROLE {user} IN DATABASE {database.name(names.database(use))}"
    return {
        database_quota.OPEN: [f"ALTER ROLE {user} LOGIN;", f"{setting} RESET default_transaction_read_only;"],
        database_quota.READ_ONLY: [f"{setting} SET default_transaction_read_only = on;", f"ALTER ROLE {user} LOGIN;"],
        database_quota.CLOSED: [f"ALTER ROLE {user} NOLOGIN;"],
    }[stage]


def admit_logins(node, use, roles):
    """Roles that were made since the quota was last enforced: they have no sessions yet, and others keep theirs."""
    stage = names.read(node, use)["stage"]
    if roles and stage != database_quota.OPEN:
        words = [line for role in roles for line in changed(use, database.name(role), stage)]
        database.psql(node, use, "\n".join(words) + "\n")
