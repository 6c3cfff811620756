"""The quota of a database. PostgreSQL knows none: what is over it is measured after it was written, and stopped step by step.

Stages: `open`; `read-only`, where sessions begin read-only, which an app may override; `closed`, where the site's role can't log
in, for an app that did. The record stands in the site's own directory, which only root can write to.
"""

from . import files, state
from .errors import AgentError
from .lock import shared
from .services import postgres

OPEN, READ_ONLY, CLOSED = "open", "read-only", "closed"
NEXT = {OPEN: READ_ONLY, READ_ONLY: CLOSED, CLOSED: CLOSED}
EFFECT = {READ_ONLY: "it can only be read", CLOSED: "the site can't log in, for it wrote on"}


def read(node, site):
    return files.read_json(node.paths.database(site))


def set_up(node, use):
    """Puts a quota in force, in set-up's turn. Whoever rolls out gets another chance: a closed database can be read again."""
    site, own = use.site, postgres.names(use)
    before, quota = read(node, site), use.options["bytes"]
    plain = {"database": own["database"], "user": own["user"], "quota": quota}
    used = look(node, plain).used
    if used > quota and (before is None or quota < before["quota"]):
        raise AgentError(
            "service",
            f"the quota of {files.megabytes(quota)} is below what the database has: {files.megabytes(used)}",
            fix="raise the quota of postgres in the manifest, or take data away (docs/services.md)",
        )
    stage = OPEN if used <= quota else READ_ONLY
    record = {**plain, "stage": stage, "used": used if stage != OPEN else 0, "most": most(quota, stage, used)}
    was = before["stage"] if before else OPEN
    if was != stage:
        enforce(node, record)
        tell(node, site, record)
    files.write_json(node.paths.database(site), record)
    if stage != OPEN:
        node.say("services", f"{use.name} is {words(record)}")
    if was != stage or (before is not None and before["quota"] != quota):
        why = f"its quota is {files.megabytes(quota)} now" if stage == OPEN else words(record)
        return [{"what": f"database {own['database']}", "why": why}]
    return []


def most(quota, stage, used):
    """Bytes above which the next stage begins. What was written before anyone measured is not held against the app."""
    return quota if stage == OPEN else used + quota // 5


def judge(record, used):
    """The record as it should be now. Given back only well below the quota, so that it does not come and go."""
    quota, stage = record["quota"], record["stage"]
    if stage != OPEN and used < quota * 9 // 10:
        stage = OPEN
    elif used > record["most"]:
        stage = NEXT[stage]
    limit = record["most"] if stage == record["stage"] else most(quota, stage, used)
    return {**record, "stage": stage, "used": used if stage != OPEN else 0, "most": limit}


def hold(node, site):
    """Measures the database of a site, and puts in force what follows. The changes."""
    # A rollout that sets a database up measures it by itself; a server that is down is told of by its sites.
    with shared(node, "postgres", wait=False) as ours:
        before = read(node, site)
        if not ours or before is None or not postgres.answers(node):
            return []
        seen = look(node, before)
        return [] if seen is None else follow(node, site, before, seen)


def follow(node, site, before, seen):
    record = judge(before, seen.used)
    changed = record["stage"] != before["stage"]
    # While it is open nothing is put right: a person may have changed the role for a while.
    if changed or (record["stage"] != OPEN and not seen.holds(record["stage"])):
        enforce(node, record)
    files.write_json(node.paths.database(site), record)
    if not changed:
        return []
    tell(node, site, record)
    return [{"what": f"database {record['database']}", "why": words(record)}]


class Seen:
    """What PostgreSQL says of a database and of the role that logs in."""

    def __init__(self, used, may_log_in, reads_only, sessions):
        self.used, self.may_log_in, self.reads_only, self.sessions = int(used), may_log_in == "t", reads_only == "t", int(sessions)

    def holds(self, stage):
        return self.reads_only if stage == READ_ONLY else not self.may_log_in and self.sessions == 0


def look(node, record):
    """What is seen of a database; None when there is none."""
    database, role = postgres.value(record["database"]), postgres.value(record["user"])
    rows = postgres.psql(
        node,
        f"""SELECT pg_database_size(d.oid), r.rolcanlogin,
  coalesce(s.setconfig @> ARRAY['default_transaction_read_only=on'], false),
  (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid)
FROM pg_database d
JOIN pg_roles r ON r.rolname = {role}
LEFT JOIN pg_db_role_setting s ON s.setdatabase = d.oid AND s.setrole = r.oid
WHERE d.datname = {database};
""",
    )
    return Seen(*rows.strip().split("|")) if rows.strip() else None


def enforce(node, record):
    """Sessions are ended first, so that none holds a lock on the role, and once more, for what came in between."""
    user, database = postgres.name(record["user"]), postgres.name(record["database"])
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {postgres.value(record['user'])};"
    setting = f"ALTER ROLE {user} IN DATABASE {database}"
    role = {
        OPEN: [f"ALTER ROLE {user} LOGIN;", f"{setting} RESET default_transaction_read_only;"],
        READ_ONLY: [f"{setting} SET default_transaction_read_only = on;", f"ALTER ROLE {user} LOGIN;"],
        CLOSED: [f"ALTER ROLE {user} NOLOGIN;"],
    }
    postgres.psql(node, "\n".join(["SET lock_timeout = '5s';", end, *role[record["stage"]], end]) + "\n")


def tell(node, site, record):
    node.tell(site, state.read(node, site)["live"], f"the database is {words(record)}")


def words(record):
    quota = files.megabytes(record["quota"])
    if record["stage"] == OPEN:
        return f"within its quota of {quota} again"
    return f"over its quota: {files.megabytes(record['used'])} of {quota}; {EFFECT[record['stage']]}"


def problem(node, site):
    """What is wrong with a database; None while it is open."""
    record = read(node, site)
    return None if record is None or record["stage"] == OPEN else words(record)
