"""The extensions of PostgreSQL that a site asks for, in its own database.

They are those that PostgreSQL calls trusted. The site itself makes them: PostgreSQL runs their scripts with the rights that these need,
and the superuser has no business in a database where all but that is the app's. PostGIS is not one of them: it comes with the database.
"""

from ...errors import AgentError, last_lines
from ...lines import lines_of
from . import database, names

THERE = "SELECT extname FROM pg_extension;\n"


def judge(node, use):
    """Refuses a database that has no PostGIS. One that can't be asked is judged once it is set up."""
    done = database.as_site(node, use, THERE)
    if done.code == 0:
        refuse_without_postgis(use, lines_of(done.out))


def refuse_without_postgis(use, there):
    if names.POSTGIS not in there:
        raise AgentError(
            "service",
            f"the database {names.database(use)} has no PostGIS, which it can only get when it is made",
            fix="save what is in it, and let a new one be made: docs/services.md says how (postgis)",
        )


def make(node, use):
    """Makes those that the database lacks, and takes none away: what the app keeps may need it. Returns the changes."""
    wanted = [name for name in use.options.get("extensions", "").split(",") if name]
    if not wanted and use.kind != names.POSTGIS:
        return []
    there = lines_of(run(node, use, THERE))
    if use.kind == names.POSTGIS:
        refuse_without_postgis(use, there)
    missing = [name for name in wanted if name not in there]
    if missing:
        run(node, use, "".join(f"CREATE EXTENSION IF NOT EXISTS {database.name(name)} SCHEMA public;\n" for name in missing))
    return [{"what": f"extension {name}", "why": "the app asks for it"} for name in missing]


def run(node, use, sql):
    done = database.as_site(node, use, sql)
    if done.code != 0:
        fix = "see its output below; the app owns its database, and may be in the way of its extensions"
        raise AgentError("service", "PostgreSQL did not make the extensions", fix=fix, log=last_lines(done.err))
    return done.out
