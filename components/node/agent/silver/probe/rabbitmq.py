"""RabbitMQ, by AMQP 0-9-1: logs in, and opens a connection to the virtual host."""

import struct

from .wire import Refusal, words

GREETING = b"AMQP\0\0\x09\x01"
# Kind of frame, and what ends each.
METHOD, END = 1, b"\xce"
# Methods of the class 10, a connection.
START, START_OK, SECURE, TUNE, TUNE_OK, OPEN, OPEN_OK, CLOSE = 10, 11, 20, 30, 31, 40, 41, 50
# What a close says → its kind. Both a virtual host that is not there and one that is not the user's are 530.
SAID = {"limit": "busy", "is down": "busy", "not found": "name", "Login was refused": "credential", "refused for user": "credential"}


def hello(wire, asked):
    wire.secure()
    wire.send(GREETING)
    started = expect(wire, START)
    login = f"\0{asked['user'] or 'guest'}\0{asked['password'] or ('' if asked['user'] else 'guest')}"
    # Without this word it ends the connection where it refuses a login.
    able = text("authentication_failure_close") + b"t\1"
    able = long(text("capabilities") + b"F" + long(able))
    wire.send(said(START_OK, able + text("PLAIN") + long(login.encode()) + text("en_US")))
    # Its limits as it proposes them, and no signs of life.
    limits = expect(wire, TUNE)[:6]
    wire.send(said(TUNE_OK, limits + b"\0\0") + said(OPEN, text(asked["name"]) + text("") + b"\0"))
    expect(wire, OPEN_OK)
    wire.send(said(CLOSE, struct.pack("!H", 200) + text("") + b"\0\0\0\0"))
    return version(started)


def version(started):
    """The first text of that name: a whole reader of tables would be the larger part of this file."""
    mark = text("version") + b"S"
    at = started.find(mark)
    if at == -1:
        return None
    (size,) = struct.unpack_from("!I", started, at + len(mark))
    return started[at + len(mark) + 4 :][:size].decode("ascii", "replace")


def text(value):
    data = value.encode()
    return bytes([len(data)]) + data


def long(data):
    return struct.pack("!I", len(data)) + data


def said(method, arguments):
    return struct.pack("!BH", METHOD, 0) + long(struct.pack("!HH", 10, method) + arguments) + END


def expect(wire, wanted):
    """Arguments of the method that the server is to say now."""
    kind = None
    while kind != METHOD:
        kind, channel, size = struct.unpack("!BHI", wire.read(7))
        body = wire.read(size + 1)
        # 8 is a sign of life.
        if kind not in (METHOD, 8) or channel != 0 or body[-1:] != END:
            raise Refusal("protocol", "does not speak as RabbitMQ does")
    of, method = struct.unpack_from("!HH", body)
    if (of, method) == (10, CLOSE):
        why = body[7 : 7 + body[6]].decode("utf-8", "replace")
        raise Refusal(next((kind for part, kind in SAID.items() if part in why), "protocol"), f"refuses: {words(why)}")
    if (of, method) == (10, SECURE):
        raise Refusal("credential", "wants more than a user and a password")
    if (of, method) != (10, wanted):
        raise Refusal("protocol", "does not speak as RabbitMQ does")
    return body[4:-1]
