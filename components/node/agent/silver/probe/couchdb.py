"""CouchDB: the database as the user sees it. Its version it says of itself, in another answer."""

from .http import get, quoted
from .wire import Refusal, Wire


def hello(wire, asked):
    status, found = get(wire, asked, quoted(f"/{asked['name']}"))
    if status == 404:
        raise Refusal("name", f"has no database {asked['name']}")
    if status != 200 or not isinstance(found, dict) or "db_name" not in found:
        raise Refusal("protocol", f"does not answer as CouchDB does: status {status}")
    with Wire(asked) as other:
        _, about = get(other, asked, "/")
    return about.get("version") if isinstance(about, dict) and isinstance(about.get("version"), str) else None
