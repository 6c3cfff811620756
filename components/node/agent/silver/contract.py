"""The contract of contract.ts, read from contract.json: checks every verb's arguments again before anything is touched."""

import functools
import json
import os

from . import schema
from .errors import AgentError


@functools.cache
def read():
    """From beside this file, in a directory or in the zipapp."""
    return json.loads(__loader__.get_data(os.path.join(os.path.dirname(__file__), "contract.json")))


def check_arguments(verb, arguments):
    verbs = read()["verbs"]
    if verb not in verbs:
        raise AgentError("usage", f"unknown verb {verb!r}", fix=f"one of: {', '.join(verbs)}")
    schema.check_of(verbs[verb])(arguments, "")
