"""memcached: it says its version, and knows no users."""

import re

from .wire import Refusal, words


def hello(wire, asked):
    wire.secure()
    wire.send(b"version\r\n")
    said = wire.line()
    if not (match := re.fullmatch(r"VERSION ([0-9.]+)\S*", said)):
        raise Refusal("protocol", f"does not speak as memcached does: {words(said)}")
    return match[1]
