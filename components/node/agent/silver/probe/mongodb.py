"""MongoDB: what it says before anybody logs in. The credential is the app's to try: its ways depend on the server."""

import struct

from .wire import Refusal

OP_MSG = 2013
INT32, TEXT = b"\x10", b"\x02"


def hello(wire, asked):
    wire.secure()
    said = ask(wire, 1, INT32 + b"buildInfo\0" + struct.pack("<i", 1) + TEXT + b"$db\0" + struct.pack("<i", 6) + b"admin\0")
    # The first text of that name: a whole reader of BSON would be the larger part of this file.
    mark = TEXT + b"version\0"
    at = said.find(mark)
    if at == -1:
        raise Refusal("protocol", "does not answer as MongoDB does")
    (size,) = struct.unpack_from("<i", said, at + len(mark))
    return said[at + len(mark) + 4 :][: max(size - 1, 0)].decode("ascii", "replace")


def ask(wire, number, fields):
    """The document that answers a command."""
    document = struct.pack("<i", len(fields) + 5) + fields + b"\0"
    body = struct.pack("<i", 0) + b"\0" + document
    wire.send(struct.pack("<iiii", len(body) + 16, number, 0, OP_MSG) + body)
    size, _, answered, kind = struct.unpack("<iiii", wire.read(16))
    if kind != OP_MSG or answered != number or size < 26:
        raise Refusal("protocol", "does not speak as MongoDB does")
    return wire.read(size - 16)[5:]
