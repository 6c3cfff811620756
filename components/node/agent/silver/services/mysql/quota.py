"""The quota of a site's database: measured, and enforced by what the site's account may do."""

from ... import database_quota, files, own_server, volume
from . import database, names, room, server


def begin(node, use):
    """Enforces a quota, while set-up holds the lock."""
    before, quota = names.read(node, use) or {}, use.options["bytes"]
    stood = before if "quota" in before else None
    record = database_quota.begin(stood, quota, room.look(node, use), "mysql")
    was = stood["stage"] if stood else database_quota.OPEN
    database.enforce(node, use, record["stage"], was)
    if was != record["stage"]:
        database_quota.tell(node, use, record)
    if record["stage"] == database_quota.OPEN:
        room.keep_spare(node, use)
    files.write_json(names.record_path(node, use), record)
    return database_quota.report(node, use, names.database(use), stood, record)


def hold(node, use):
    """Mounts its disk again, measures what is on it, and enforces the result."""
    changes = own_server.hold_disk(node, names.service(use), names.place(use), server.what(use))
    # A rollout that sets it up measures it too.
    with names.turn(node, use, wait=False) as ours:
        before = names.read(node, use) if ours else None
        if not before or not volume.is_mounted(node, names.place(use)):
            return changes
        # An agent that was killed may have left it closed; who closes it now has the turn.
        database.admit(node, use, own_server.OPEN)
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
        database_quota.tell(node, use, record)
        return [*changes, {"what": f"database {names.database(use)}", "why": database_quota.words(record)}]
