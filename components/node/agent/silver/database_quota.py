"""The quota of a database whose server has no quotas: excess is measured after the write, and stopped step by step.

Stages: `open`; `read-only`, where sessions begin read-only, which an app may override; `closed`, where the site's role can't log
in, for an app that did. A record is `{stage, used, quota, most}`, in a place that only root can write to.
"""

from . import files, state
from .errors import AgentError

OPEN, READ_ONLY, CLOSED = "open", "read-only", "closed"
NEXT = {OPEN: READ_ONLY, READ_ONLY: CLOSED, CLOSED: CLOSED}
EFFECT = {READ_ONLY: "it can only be read", CLOSED: "the site can't log in, because it kept writing"}


def is_record(value):
    numbers = all(isinstance(value.get(key), int) for key in ("quota", "used", "most"))
    return numbers and value.get("stage") in EFFECT.keys() | {OPEN}


def begin(before, quota, used, kind):
    """The record of a database being set up. A rollout gives it another chance: a closed one becomes readable again."""
    if used > quota and (before is None or quota < before["quota"]):
        raise AgentError(
            "service",
            f"the quota of {files.megabytes(quota)} is less than the database uses: {files.megabytes(used)}",
            fix=f"raise the quota of {kind} in the manifest, or delete data (docs/services.md)",
        )
    stage = OPEN if used <= quota else READ_ONLY
    return {"quota": quota, "stage": stage, "used": used, "most": most(quota, stage, used)}


def unknown(quota):
    """The record of a database whose stage is not known any more."""
    return {"quota": quota, "stage": READ_ONLY, "used": quota, "most": most(quota, READ_ONLY, quota)}


def most(quota, stage, used):
    """Bytes above which the next stage begins. Data from before the first measurement doesn't count against the app."""
    return quota if stage == OPEN else used + quota // 5


def judge(record, used):
    """The record as it should be now. Opens again only well below the quota, so that it does not flap."""
    quota, stage = record["quota"], record["stage"]
    if stage != OPEN and used < quota * 9 // 10:
        stage = OPEN
    elif used > record["most"]:
        stage = NEXT[stage]
    limit = record["most"] if stage == record["stage"] else most(quota, stage, used)
    return {**record, "stage": stage, "used": used, "most": limit}


def words(record):
    quota = files.megabytes(record["quota"])
    if record["stage"] == OPEN:
        return f"within its quota of {quota} again"
    return f"over its quota: {files.megabytes(record['used'])} of {quota}; {EFFECT[record['stage']]}"


def problem(record):
    """What is wrong with a database, for people; None while it is open."""
    # A set-up that died made the server, and had no quota for it yet.
    return None if record is None or record.get("stage", OPEN) == OPEN else words(record)


def report(node, use, database, before, record):
    """Tells who sets a database up how it is now; returns the changes. `before` is None for one without a quota."""
    if now := problem(record):
        node.say("services", f"{use.name} is {now}")
    was = before["stage"] if before else OPEN
    if was == record["stage"] and (before is None or before["quota"] == record["quota"]):
        return []
    return [{"what": f"database {database}", "why": now or f"its quota is now {files.megabytes(record['quota'])}"}]


def tell(node, use, record):
    """A line among the app's own."""
    node.tell(use.site, state.read(node, use.site)["live"], f"the database is {words(record)}")
