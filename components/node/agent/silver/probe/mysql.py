"""MySQL and MariaDB: logs in to the database, by the ways that need no more than a password."""

import hashlib
import re
import struct

from . import mysql_key
from .wire import Refusal, words

# What the client can, as bits: long flags, a database, protocol 4.1, TLS, transactions, SECURE_CONNECTION, ways to log in by name.
LONG_FLAG, WITH_DATABASE, PROTOCOL_41, TLS, TRANSACTIONS, SECURE, WAYS = 0x4, 0x8, 0x200, 0x800, 0x2000, 0x8000, 0x80000
UTF8MB4 = 45
MOST_PACKET = 1 << 24
OK, MORE, SWITCH, ERROR = 0x00, 0x01, 0xFE, 0xFF
# Its error → kind.
ERRORS = {
    **dict.fromkeys((1045, 1251, 1524, 1698, 1820, 1862, 3118, 4151), "credential"),
    **dict.fromkeys((1044, 1049), "name"),
    **dict.fromkeys((1040, 1203, 1226), "busy"),
    **dict.fromkeys((1129, 1130), "unreachable"),
    3159: "tls",
}


def hello(wire, asked):
    said = read(wire)[1]
    version, nonce, able, way = greeting(said)
    mine = LONG_FLAG | PROTOCOL_41 | TRANSACTIONS | SECURE | WAYS | (WITH_DATABASE if asked["name"] else 0) | (TLS if asked["tls"] else 0)
    begin = struct.pack("<IIB23x", mine, MOST_PACKET, UTF8MB4)
    number = 1
    if asked["tls"]:
        if not able & TLS:
            raise Refusal("tls", "has no TLS")
        # Bytes before the handshake would be somebody's in between.
        if wire.left:
            raise Refusal("tls", "says something before TLS begins")
        send(wire, number, begin)
        number += 1
        wire.secure()
    proof = answer(wire, asked, way, nonce)
    login = asked["user"].encode() + b"\0" + bytes([len(proof or b"")]) + (proof or b"")
    database = asked["name"].encode() + b"\0" if asked["name"] else b""
    send(wire, number, begin + login + database + way.encode() + b"\0")
    if log_in(wire, asked, way, nonce):
        send(wire, 0, b"\x01")
    return version


def greeting(said):
    """(version, random bytes of the server, what it can, its first way to log in)."""
    if said[:1] == bytes([ERROR]):
        raise refusal(said)
    version, end, rest = said[1:].partition(b"\0")
    if said[:1] != b"\x0a" or not end or len(rest) < 31:
        raise stranger()
    nonce, low, high, size = rest[4:12], rest[13:15], rest[18:20], rest[20]
    (able,) = struct.unpack("<I", low + high)
    if not able & PROTOCOL_41 or not able & SECURE:
        raise stranger()
    after = 31 + max(13, size - 8)
    way = rest[after:].partition(b"\0")[0].decode("ascii", "replace") if able & WAYS else "mysql_native_password"
    # MariaDB up to 10 says 5.5.5 first, for replicas of its day.
    number = re.match(r"(?:5\.5\.5-(?=\d))?([0-9]+(?:\.[0-9]+)*)", version.decode("ascii", "replace"))
    return number[1] if number else None, (nonce + rest[31:after])[:20], able, way


def log_in(wire, asked, way, nonce):
    """Whether it let us in; False where it asks for a way that is not tried here, which is no fault of the server."""
    while True:
        number, said = read(wire)
        kind, rest = said[:1], said[1:]
        if kind == bytes([OK]):
            return True
        if kind == bytes([SWITCH]) and rest:
            name, _, data = rest.partition(b"\0")
            way, nonce = name.decode("ascii", "replace"), data[:20]
            proof = answer(wire, asked, way, nonce)
            if proof is None:
                return False
            send(wire, number + 1, proof)
        elif kind == bytes([MORE]) and way == "caching_sha2_password" and rest in (b"\x03", b"\x04"):
            # 3: it knew the password; 4: it has forgotten it, and wants it whole.
            if rest == b"\x04":
                whole_password(wire, asked, number, nonce)
        elif kind == bytes([ERROR]):
            raise refusal(said)
        else:
            raise stranger()


def answer(wire, asked, way, nonce):
    """What proves the password; None for a way that is not tried here, such as one with a plugin of its own."""
    password = asked["password"].encode()
    if way == "mysql_native_password":
        return proof_of(hashlib.sha1, password, lambda twice: nonce + twice)
    if way == "caching_sha2_password":
        return proof_of(hashlib.sha256, password, lambda twice: twice + nonce)
    if way in ("mysql_clear_password", "sha256_password") and asked["tls"]:
        return password + b"\0"
    return None


def proof_of(digest, password, mixed):
    if not password:
        return b""
    once = digest(password).digest()
    return xor(once, digest(mixed(digest(once).digest())).digest())


def whole_password(wire, asked, number, nonce):
    password = asked["password"].encode() + b"\0"
    if asked["tls"]:
        send(wire, number + 1, password)
        return
    # As drivers do where there is no TLS: by the key that the server says is its own.
    send(wire, number + 1, b"\x02")
    number, said = read(wire)
    key = mysql_key.parsed(said[1:]) if said[:1] == bytes([MORE]) else None
    if key is None:
        raise stranger()
    send(wire, number + 1, mysql_key.encrypted(key, xor(password, (nonce * (len(password) // 20 + 1))[: len(password)])))


def refusal(said):
    (number,) = struct.unpack("<H", said[1:3].ljust(2, b"\0"))
    reason = re.sub(rb"^#.{5}", b"", said[3:], flags=re.DOTALL).decode("utf-8", "replace")
    return Refusal(ERRORS.get(number, "protocol"), f"refuses: {words(reason) or 'no reason'}")


def stranger():
    return Refusal("protocol", "does not speak as MySQL does")


def xor(one, other):
    return bytes(each ^ mask for each, mask in zip(one, other, strict=True))


def read(wire):
    """(number, body) of the next packet."""
    head = wire.read(4)
    return head[3], wire.read(int.from_bytes(head[:3], "little"))


def send(wire, number, body):
    wire.send(len(body).to_bytes(3, "little") + bytes([number % 256]) + body)
