"""HAProxy's own socket: which certificates it serves, and new ones while connections go on."""

import re
import socket
import time

from . import unit
from .errors import AgentError
from .lines import lines_of

UNIT = "silver-https.service"
LOOK = f"systemctl status {UNIT}"
SOCKET = "/run/silver-https/admin"
# systemd considers it started while it still reads its certificates.
START_SECONDS = 10
SECONDS = 10
MOST_BYTES = 4_000_000


class HaproxyCli:
    def __init__(self, node):
        self.node = node

    def __call__(self, command, payload=None):
        """Runs one command and returns what it says. Error `unit` when nothing answers."""
        text = f"{command}\n" if payload is None else f"{command} <<\n{payload.strip()}\n\n"
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(SECONDS)
                connection.connect(self.node.paths.at(SOCKET))
                connection.sendall(text.encode())
                said = b""
                while len(said) < MOST_BYTES and (chunk := connection.recv(1 << 16)):
                    said += chunk
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise AgentError("unit", f"HAProxy does not answer: {why.lower()}", fix=LOOK) from None
        return said.decode(errors="replace").strip()

    def answers(self):
        try:
            return bool(self("show version"))
        except AgentError:
            return False

    def wait(self):
        """Until it answers. Error `unit`."""
        end = time.monotonic() + START_SECONDS
        while not self.answers():
            if time.monotonic() > end:
                raise AgentError("unit", "HAProxy does not answer", fix=LOOK, log=unit.log(self.node, [UNIT]))
            self.node.still_wanted()
            time.sleep(0.05)

    def must(self, sign, command, payload=None):
        """A command that says `sign` when it has worked; HAProxy has no codes."""
        said = self(command, payload)
        if sign not in said:
            # With a payload, the command alone: what follows it is a key.
            raise AgentError("unit", f"HAProxy refused `{command}`", fix=f"systemctl restart {UNIT}", log=lines_of(said)[-10:])

    def listed(self):
        """Paths of the certificates that it knows, and of those that somebody has begun to change."""
        lines = lines_of(self("show ssl cert"))
        begun = [line[1:] for line in lines if line.startswith("*")]
        return [line for line in lines if line.startswith("/")], begun

    def shown(self, path):
        """Properties of a certificate, such as `Serial` and `notAfter`; none where it knows no such one."""
        return dict(
            found.groups() for line in lines_of(self(f"show ssl cert {path}")) if (found := re.match(r"([A-Za-z0-9 ]+): (.*)", line))
        )

    def put(self, path, pem, crt_list):
        """Serves this certificate from the next handshake on."""
        known, begun = self.listed()
        for other in begun:
            # An agent that was killed left it, and HAProxy takes one at a time.
            self(f"abort ssl cert {other}")
        is_new = path not in known
        if is_new:
            self.must("New empty", f"new ssl cert {path}")
        self.must("Transaction created", f"set ssl cert {path}", pem)
        self.must("Success", f"commit ssl cert {path}")
        if is_new or "Unused" in self.shown(path).get("Status", ""):
            self.must("Success", f"add ssl crt-list {crt_list} {path}")

    def drop(self, path, crt_list):
        self(f"del ssl crt-list {crt_list} {path}")
        self(f"del ssl cert {path}")
