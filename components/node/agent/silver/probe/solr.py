"""Solr: the core's own check. Its version only those see who look after it."""

from .http import get, quoted
from .wire import Refusal, Wire


def hello(wire, asked):
    status, found = get(wire, asked, f"{quoted(asked['path'])}/admin/ping?wt=json")
    if status == 404:
        raise Refusal("name", f"has no core {asked['name']}, or none that answers /admin/ping")
    if status != 200 or not isinstance(found, dict) or found.get("status") != "OK":
        raise Refusal("protocol", f"does not answer as Solr does: status {status}")
    try:
        with Wire(asked) as other:
            _, about = get(other, asked, "/solr/admin/info/system?wt=json")
        return about["lucene"]["solr-spec-version"]
    except (Refusal, KeyError, TypeError):
        return None
