"""What a MySQL says to whoever logs in, by servers made up here; that real ones are understood is proved on real nodes."""

import hashlib
import struct
import unittest

from support import AgentError
from test_external import BASE, URL, Stub

from silver import external, probe
from silver.probe import mysql, mysql_key

NONCE = bytes(range(65, 85))
MYSQL = {
    **BASE,
    **{"of": "mysql", "schemes": "mysql mariadb", "tlsScheme": "", "port": 3306, "tlsPort": 3306, "query": "charset=utf8mb4"},
    "tlsQuery": "ssl_ca=@CA@&ssl_check_hostname=true",
}
# A key for this test alone, and the number that decrypts.
PEM = b"""-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC6sJyLJfv733czDe5rVOvsYeyu
KAanzZ7t5GEEa3XxN8puZH/SQxpVYAVG2vtdwshfRpuFA8aEFTIAeNfX3PoMvbQ6
ILiW0evTjerdx/zAwmEqCi/W4eXS0EpDLf13WlP/MAErB2KYe55xNfBLh/jVGAFd
teMKabmFjwkQGySW5QIDAQAB
-----END PUBLIC KEY-----
"""
OWN = int(
    "e72bcaac835c83873313052d35baf268c2d950ce3f6f8a2e426589bcef541c5df94cb9258e3789642e825a3acf084b29d2d09bc319e9b7"
    "a487460e5d37ef69b03e120e16a3780e45fbc4026e8c8c6e9661877fbdb353b750cc1e16a87acaf35cc6d96ee6c72ed1840798083ee04e"
    "e83ea6f9e301fd8e1456c88bd1112945601",
    16,
)
WORKS = mysql.LONG_FLAG | mysql.PROTOCOL_41 | mysql.SECURE | mysql.WAYS | mysql.TRANSACTIONS | mysql.WITH_DATABASE


def packet(number, body):
    return len(body).to_bytes(3, "little") + bytes([number]) + body


def greeting(version="8.0.45", way="mysql_native_password", able=WORKS):
    low, high = struct.pack("<I", able)[:2], struct.pack("<I", able)[2:]
    head = b"\x0a" + version.encode() + b"\0" + struct.pack("<I", 7) + NONCE[:8] + b"\0" + low + b"\x2d\x02\x00" + high
    return packet(0, head + b"\x15" + bytes(10) + NONCE[8:] + b"\0" + way.encode() + b"\0")


def refused(code, words, number=2):
    return packet(number, b"\xff" + struct.pack("<H", code) + b"#HY000" + words.encode())


def opened(sealed):
    """What was encrypted by OAEP."""
    modulus, _ = mysql_key.parsed(PEM)
    whole = pow(int.from_bytes(sealed, "big"), OWN, modulus).to_bytes(128, "big")
    block = mysql_key.mask(whole[21:], mysql_key.mask(whole[1:21], whole[21:]))
    return block[20:].lstrip(b"\0")[1:]


OK = packet(2, b"\0\0\0\2\0\0\0")


class Answers(unittest.TestCase):
    def ask(self, *said, **changes):
        """Says each of these in turn, waiting for an answer in between; what it was told is in `self.told`."""
        # Its own list: what was asked before may still be answered.
        told = self.told = []

        def answer(client):
            for index, each in enumerate(said):
                client.sendall(each)
                if index < len(said) - 1:
                    told.append(client.recv(4096))

        asked = {"host": "127.0.0.1", "port": Stub(self, answer).port, "user": "app", "password": "päss", "name": "blog"}
        return probe.ask({**asked, "path": "", "tls": "", "ca": "", "version": "", "of": "mysql", "seconds": 5, **changes})

    def test_it_logs_in_to_the_database_by_the_password(self):
        self.assertEqual(self.ask(greeting(), OK), {"version": "8.0.45"})
        (login,) = self.told
        once = hashlib.sha1("päss".encode()).digest()
        proof = mysql.xor(once, hashlib.sha1(NONCE + hashlib.sha1(once).digest()).digest())
        self.assertEqual(login[36:], b"app\0\x14" + proof + b"blog\0mysql_native_password\0")
        self.assertEqual(self.ask(greeting(), OK, password="", name=""), {"version": "8.0.45"})
        self.assertEqual(self.told[0][36:], b"app\0\0mysql_native_password\0")

    def test_a_version_is_the_servers_own(self):
        versions = {"5.5.5-10.11.14-MariaDB-0+deb12u2": "10.11.14", "11.8.3-MariaDB": "11.8.3", "8.4.0-azure": "8.4.0", "x": None}
        for said, version in versions.items():
            self.assertEqual(self.ask(greeting(said), OK), {"version": version})
        self.assertEqual(self.ask(greeting("11.8.3-MariaDB"), OK, version="8")["kind"], "version")

    def test_each_refusal_is_told_by_its_kind(self):
        for code, kind in ((1045, "credential"), (1049, "name"), (1044, "name"), (1040, "busy"), (3159, "tls"), (9999, "protocol")):
            self.assertEqual(self.ask(greeting(), refused(code, "No\x1b way")), {"kind": kind, "reason": "refuses: No? way"})
        # Before anybody says a word, and then without a state.
        early = packet(0, b"\xff" + struct.pack("<H", 1130) + b"Host 'web1' is not allowed")
        self.assertEqual(self.ask(early), {"kind": "unreachable", "reason": "refuses: Host 'web1' is not allowed"})

    def test_where_tls_is_a_must_no_password_goes_without_it(self):
        self.assertEqual(self.ask(greeting(), OK, tls="verify"), {"kind": "tls", "reason": "has no TLS"})
        self.assertFalse(any(self.told))
        more = self.ask(greeting(able=WORKS | mysql.TLS) + b"more", OK, tls="verify")
        self.assertEqual(more, {"kind": "tls", "reason": "says something before TLS begins"})
        whole = self.ask(greeting(), packet(2, b"\xfemysql_clear_password\0"), OK)
        self.assertEqual(whole, {"version": "8.0.45"})
        self.assertFalse(any(self.told[1:]))

    def test_another_way_than_the_first_is_taken(self):
        nonce = bytes(range(97, 117))
        other = packet(2, b"\xfemysql_native_password\0" + nonce + b"\0")
        self.assertEqual(self.ask(greeting(way="caching_sha2_password"), other, OK), {"version": "8.0.45"})
        once = hashlib.sha1("päss".encode()).digest()
        self.assertEqual(self.told[1], packet(3, mysql.xor(once, hashlib.sha1(nonce + hashlib.sha1(once).digest()).digest())))
        # One that needs more than a password is not tried: the server speaks, and is of this version.
        self.assertEqual(self.ask(greeting(), packet(2, b"\xfeclient_ed25519\0" + bytes(32)), OK), {"version": "8.0.45"})

    def test_a_password_that_the_server_knows_already(self):
        self.assertEqual(self.ask(greeting(way="caching_sha2_password"), packet(2, b"\1\3") + packet(3, OK[4:])), {"version": "8.0.45"})
        once = hashlib.sha256("päss".encode()).digest()
        proof = mysql.xor(once, hashlib.sha256(hashlib.sha256(once).digest() + NONCE).digest())
        self.assertIn(b"app\0\x20" + proof + b"blog\0caching_sha2_password\0", self.told[0])

    def test_a_password_that_it_has_forgotten_goes_encrypted_by_its_key(self):
        said = greeting(way="caching_sha2_password"), packet(2, b"\1\4"), packet(4, b"\1" + PEM), packet(6, OK[4:])
        self.assertEqual(self.ask(*said), {"version": "8.0.45"})
        self.assertEqual(self.told[1], packet(3, b"\2"))
        number, sealed = self.told[2][3], self.told[2][4:]
        self.assertEqual((number, mysql.xor(opened(sealed), NONCE[:6])), (5, "päss".encode() + b"\0"))

    def test_what_is_no_key_and_what_is_no_mysql(self):
        for key in (b"", b"no key", PEM[:80], PEM.replace(b"\n", b"")[:60] + b"-----END PUBLIC KEY-----"):
            found = self.ask(greeting(way="caching_sha2_password"), packet(2, b"\1\4"), packet(4, b"\1" + key), OK)
            self.assertEqual(found["kind"], "protocol", key)
        stranger = {"kind": "protocol", "reason": "does not speak as MySQL does"}
        for said in (packet(0, b"\x0a"), packet(0, b"\x09" + bytes(60)), packet(0, b"\x0a8.0\0" + bytes(40)), greeting(able=0)):
            self.assertEqual(self.ask(said), stranger)
        for said in (packet(2, b""), packet(2, b"\xfe"), packet(2, b"\1\4"), packet(2, b"\5")):
            self.assertEqual(self.ask(greeting(), said, OK), stranger)
        self.assertEqual(self.ask(b"SSH-2.0-OpenSSH_9.6\r\n")["kind"], "protocol")


class Places(unittest.TestCase):
    def url(self, value, **changes):
        options = {**MYSQL, **changes}
        return external.url_of(external.place_of(options, {options["secret"]: value}), options, "/ca.pem")

    def test_a_url_has_its_character_set_and_its_tls(self):
        whole = {"host": "db.acme.net", "name": "blog", "user": "app"}
        self.assertEqual(self.url("p/w", **whole), "mysql://app:p%2Fw@db.acme.net:3306/blog?charset=utf8mb4")
        tls = "mysql://app:x@db.acme.net:3306/blog?charset=utf8mb4&ssl_ca=/ca.pem&ssl_check_hostname=true"
        self.assertEqual(self.url("x", **whole, tls=1), tls)
        self.assertEqual(self.url("mariadb://a:b@h/n?charset=latin1", **URL), "mysql://a:b@h:3306/n?charset=latin1")

    def test_a_url_says_its_tls_by_the_words_of_mysql(self):
        tls = lambda words: external.place_of({**MYSQL, **URL}, {"CONFIG_DB_URL": f"mysql://a@b/c?{words}"}).tls  # noqa: E731
        found = [tls(words) for words in ("", "ssl-mode=PREFERRED", "ssl-mode=REQUIRED", "ssl_mode=verify_ca", "ssl-mode=VERIFY_IDENTITY")]
        self.assertEqual(found, ["", "", "encrypt", "encrypt", "verify"])
        with self.assertRaisesRegex(AgentError, "beginning with mysql:// or mariadb://"):
            external.place_of({**MYSQL, **URL}, {"CONFIG_DB_URL": "postgres://a@b/c"})
