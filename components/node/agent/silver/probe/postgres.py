"""PostgreSQL: logs in to the database, by the password's ways that libpq knows, too."""

import base64
import hashlib
import hmac
import os
import re
import struct

from .wire import Refusal, words

PROTOCOL, TLS = 196608, 80877103
# SQLSTATE → kind.
ERRORS = {"28P01": "credential", "28000": "credential", "3D000": "name", "42501": "credential", "57P03": "busy", "53300": "busy"}
GIVEN, IN_CLEAR, MD5, SCRAM, SCRAM_MORE, SCRAM_END = 0, 3, 5, 10, 11, 12


def hello(wire, asked):
    if asked["tls"]:
        wire.send(struct.pack("!ii", 8, TLS))
        if (said := wire.read(1)) != b"S":
            raise Refusal("tls", "has no TLS" if said == b"N" else "does not speak as PostgreSQL does")
        # Bytes before the handshake would be somebody's in between.
        if wire.left:
            raise Refusal("tls", "says something before TLS begins")
        wire.secure()
    settings = {"user": asked["user"], "database": asked["name"] or asked["user"], "application_name": "silver"}
    body = b"".join(f"{key}\0{value}\0".encode() for key, value in settings.items()) + b"\0"
    wire.send(struct.pack("!ii", len(body) + 8, PROTOCOL) + body)
    log_in(wire, asked)
    version = None
    while (message := read(wire))[0] != b"Z":
        kind, body = message
        if kind == b"S" and body.startswith(b"server_version\0"):
            version = re.match(r"[0-9]+(?:\.[0-9]+)*", body.split(b"\0")[1].decode("ascii", "replace"))
    send(wire, b"X", b"")
    return version[0] if version else None


def log_in(wire, asked):
    scram = None
    while True:
        kind, body = read(wire)
        if kind != b"R" or len(body) < 4:
            raise Refusal("protocol", "does not speak as PostgreSQL does")
        (way,) = struct.unpack("!i", body[:4])
        rest = body[4:]
        if way == GIVEN:
            return
        if way == IN_CLEAR:
            send(wire, b"p", asked["password"].encode() + b"\0")
        elif way == MD5:
            inner = hashlib.md5((asked["password"] + asked["user"]).encode()).hexdigest()
            send(wire, b"p", b"md5" + hashlib.md5(inner.encode() + rest[:4]).hexdigest().encode() + b"\0")
        elif way == SCRAM and b"SCRAM-SHA-256" in rest.split(b"\0"):
            scram = Scram(asked["password"])
            first = scram.first().encode()
            send(wire, b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first)
        elif way == SCRAM_MORE and scram:
            send(wire, b"p", scram.second(rest.decode("ascii", "replace")).encode())
        elif way == SCRAM_END and scram:
            scram.check(rest.decode("ascii", "replace"))
        else:
            raise Refusal("credential", f"asks for a way to log in that needs more than a password (code {way})")


def read(wire):
    """(kind, body) of the next message; notices are passed over, an error is raised."""
    while True:
        kind, size = struct.unpack("!ci", wire.read(5))
        if size < 4 or kind not in b"RSKZENvA":
            raise Refusal("protocol", "does not speak as PostgreSQL does")
        body = wire.read(size - 4)
        if kind == b"E":
            fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
            raise Refusal(ERRORS.get(fields.get(b"C"), "protocol"), f"refuses: {words(fields.get(b'M', 'no reason'))}")
        if kind not in b"NA":
            return kind, body


def send(wire, kind, body):
    wire.send(kind + struct.pack("!i", len(body) + 4) + body)


class Scram:
    """SCRAM-SHA-256 (RFC 7677), without binding to the channel."""

    def __init__(self, password):
        import unicodedata

        self.password = unicodedata.normalize("NFKC", password).encode()
        self.nonce = base64.b64encode(os.urandom(18)).decode()
        # PostgreSQL takes the user from the first message of all.
        self.bare = f"n=,r={self.nonce}"

    def first(self):
        return f"n,,{self.bare}"

    def second(self, challenge):
        fields = dict(part.split("=", 1) for part in challenge.split(",") if "=" in part)
        nonce, salt, rounds = fields.get("r", ""), fields.get("s", ""), fields.get("i", "")
        if not nonce.startswith(self.nonce) or not re.fullmatch(r"[0-9]{1,7}", rounds):
            raise Refusal("protocol", "does not speak SCRAM as PostgreSQL does")
        salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(salt), int(rounds))
        key = digest(salted, b"Client Key")
        end = f"c=biws,r={nonce}"
        said = f"{self.bare},{challenge},{end}".encode()
        proof = bytes(one ^ other for one, other in zip(key, digest(hashlib.sha256(key).digest(), said), strict=True))
        self.expected = base64.b64encode(digest(digest(salted, b"Server Key"), said)).decode()
        return f"{end},p={base64.b64encode(proof).decode()}"

    def check(self, said):
        """Whoever does not know the password can't say this: it is the server that was meant."""
        if said != f"v={self.expected}":
            raise Refusal("credential", "does not know the password itself: it is another server")


def digest(key, text):
    return hmac.new(key, text, "sha256").digest()
