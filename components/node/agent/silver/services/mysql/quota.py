"""The quota of a site's database: measured, and enforced by what the site's account may do."""

from ... import database_quota, files, state, unit, volume
from . import database, names, room, server


def begin(node, use):
    """Enforces a quota, while set-up holds the lock."""
    before, quota = names.read(node, use) or {}, use.options["bytes"]
    stood = before if "quota" in before else None
    record = database_quota.begin(stood, quota, room.look(node, use), "mysql")
    was = stood["stage"] if stood else database_quota.OPEN
    database.enforce(node, use, record["stage"], was)
    if was != record["stage"]:
        tell(node, use, record)
    if record["stage"] == database_quota.OPEN:
        room.keep_spare(node, use)
    files.write_json(names.record_path(node, use), record)
    if problem := database_quota.problem(record):
        node.say("services", f"{use.name} is {problem}")
    if was == record["stage"] and (stood is None or stood["quota"] == quota):
        return []
    why = database_quota.problem(record) or f"its quota is now {files.megabytes(quota)}"
    return [{"what": f"database {names.database(use)}", "why": why}]


def hold(node, use):
    """Mounts its disk again, measures what is on it, and enforces the result."""
    changes = volume.hold(node, names.place(use), server.what(use))
    if changes:
        # It was stopped with its disk.
        unit.begin_to_start(node, names.service(use))
    # A rollout that sets it up measures it too.
    with names.turn(node, use, wait=False) as ours:
        before = names.read(node, use) if ours else None
        if not before or not volume.is_mounted(node, names.place(use)):
            return changes
        # An agent that was killed may have left it closed; who closes it now has the turn.
        database.admit(node, use, database.OPEN)
        record = database_quota.judge(before, room.look(node, use))
        if room.is_full(node, use):
            database.keep(node, use, record["stage"])
            room.relieve(node, use)
        elif record["stage"] != before["stage"] and server.runs(node, use):
            database.enforce(node, use, record["stage"], before["stage"])
        else:
            record["stage"], record["most"] = before["stage"], before["most"]
        if record["stage"] == database_quota.OPEN:
            room.keep_spare(node, use)
        files.write_json(names.record_path(node, use), record)
        if record["stage"] == before["stage"]:
            return changes
        tell(node, use, record)
        return [*changes, {"what": f"database {names.database(use)}", "why": database_quota.words(record)}]


def tell(node, use, record):
    node.tell(use.site, state.read(node, use.site)["live"], f"the database is {database_quota.words(record)}")
