"""PostgreSQL whose database has PostGIS: in all else it is the server of `postgres`, and a site that asks for that again keeps it."""

from . import postgres
from .postgres import before_install, client, discard, exists, health, hold, judge, listens, needs, remove, set_up, size, values

__all__ = [
    "before_install",
    "client",
    "discard",
    "exists",
    "found",
    "health",
    "hold",
    "judge",
    "listens",
    "needs",
    "remove",
    "set_up",
    "size",
    "values",
]

DATA_OF = "postgres"


def found(node, use):
    return postgres.options_of(node, use) if postgres.server.has_template(node, use) else None
