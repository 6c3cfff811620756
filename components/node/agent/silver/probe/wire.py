"""A connection to a service that somebody else runs: all of it within one time limit, and with little room for what the other side says."""

import contextlib
import re
import socket
import ssl
import time

MOST_BYTES = 256 * 1024


class Refusal(Exception):
    """Why a service is not what it should be: one of KINDS, and a reason that completes "it …"."""

    def __init__(self, kind, reason):
        super().__init__(reason)
        self.kind, self.reason = kind, reason


class Wire:
    def __init__(self, asked):
        self.host, self.port, self.seconds = asked["host"], asked["port"], asked["seconds"]
        self.tls, self.authority = asked["tls"], asked["ca"]
        self.end = time.monotonic() + self.seconds
        self.left, self.got = b"", 0
        with self.told():
            self.socket = socket.create_connection((self.host, self.port), timeout=self.time_left())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.socket.close()

    def time_left(self):
        return max(self.end - time.monotonic(), 0.001)

    @contextlib.contextmanager
    def told(self):
        """Each failure of the network in words."""
        try:
            yield
        except TimeoutError:
            raise Refusal("slow", f"did not answer within {self.seconds:g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise Refusal("tls", f"has a certificate that is not trusted: {error.verify_message}") from None
        except ssl.SSLError as error:
            raise Refusal("tls", f"does not speak TLS as asked: {error.reason or 'no handshake'}") from None
        except socket.gaierror as error:
            raise Refusal("unreachable", f"has a name that can't be resolved: {error.strerror}") from None
        except UnicodeError:
            raise Refusal("unreachable", "has a name that can't be resolved: it is none") from None
        except OSError as error:
            raise Refusal("unreachable", f"can't be reached: {error.strerror or 'the connection broke'}") from None

    def secure(self):
        """Goes on in TLS, where that is asked for."""
        if not self.tls:
            return
        with self.told():
            context = self.context()
            self.socket.settimeout(self.time_left())
            self.socket = context.wrap_socket(self.socket, server_hostname=self.host)

    def context(self):
        try:
            context = ssl.create_default_context(cadata=self.authority or None)
        except (ssl.SSLError, ValueError, TypeError):
            raise Refusal("tls", "can't be checked: its ca is not a certificate") from None
        if self.tls == "encrypt":
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def send(self, data):
        with self.told():
            self.socket.settimeout(self.time_left())
            self.socket.sendall(data)

    def more(self):
        with self.told():
            self.socket.settimeout(self.time_left())
            data = self.socket.recv(16384)
        self.got += len(data)
        if not data:
            raise Refusal("protocol", "ended the connection in the middle of an answer")
        if self.got > MOST_BYTES:
            raise Refusal("protocol", "says more than such a service should")
        self.left += data

    def read(self, count):
        if count > MOST_BYTES:
            raise Refusal("protocol", "does not speak the language of its type")
        while len(self.left) < count:
            self.more()
        data, self.left = self.left[:count], self.left[count:]
        return data

    def line(self):
        """Up to a line end, without it."""
        while b"\r\n" not in self.left:
            self.more()
        line, _, self.left = self.left.partition(b"\r\n")
        return line.decode("utf-8", "replace")


def words(text):
    """What a server says, for people: one line without control characters, of bounded length."""
    return re.sub(r"\s+", " ", "".join(char if char.isprintable() or char.isspace() else "?" for char in text)).strip()[:200]
