"""Redis and Valkey: logs in, chooses the database, and asks for an answer that any user gets."""

import re

from .wire import Refusal, words

# First word of an error → its kind.
ERRORS = {
    **dict.fromkeys(("WRONGPASS", "NOAUTH", "NOPERM"), "credential"),
    **dict.fromkeys(("LOADING", "BUSY", "MASTERDOWN"), "busy"),
}
# Command → kind of any other error: a server without users knows no WRONGPASS.
OTHERS = {"AUTH": "credential", "SELECT": "name"}


def hello(wire, asked):
    wire.secure()
    if asked["password"] or asked["user"]:
        # A password alone is that of the default user.
        say(wire, "AUTH", *([asked["user"]] if asked["user"] else []), asked["password"])
    if asked["name"]:
        say(wire, "SELECT", asked["name"])
    if (said := say(wire, "PING")) != "PONG":
        raise Refusal("protocol", f"does not speak as Redis does: {words(said)}")
    try:
        found = re.search(r"^(?:valkey|redis)_version:([0-9.]+)", say(wire, "INFO", "server"), re.MULTILINE)
    except Refusal:
        # A user may not be allowed to ask.
        return None
    return found[1] if found else None


def say(wire, *command):
    """The answer to a command; error by its kind."""
    parts = [word.encode() for word in command]
    wire.send(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
    line = wire.line()
    match line[:1], line[1:]:
        case "+", said:
            return said
        case "-", said:
            kind = ERRORS.get(said.split(" ")[0]) or OTHERS.get(command[0], "protocol")
            raise Refusal(kind, f"refuses {command[0]}: {words(said)}")
        case "$", size if re.fullmatch(r"[0-9]{1,6}", size):
            return wire.read(int(size) + 2)[:-2].decode("utf-8", "replace")
    raise Refusal("protocol", f"does not speak as Redis does: {words(line)}")
