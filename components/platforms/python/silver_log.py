"""Where what a Python app says goes."""

import contextlib
import io
import os


class Log(io.RawIOBase):
    """Where sys.stdout, sys.stderr and wsgi.errors go: line by line into the pipe that takes Apache's own words to the journal.

    Through Apache itself, all but ASCII would be escaped, and a line cut at 8 kB.
    """

    # Bytes of a line that are written at once; the rest of a longer one follows, marked. The pipe (64 kB) takes them in one piece as
    # long as it has room for them; of more than 4 kB (PIPE_BUF), the words of another process may come in between when it is full.
    MOST = 16 << 10
    CUT = " …".encode()

    def __init__(self):
        self.left = b""

    def writable(self):
        return True

    def fileno(self):
        return 2

    def write(self, data):
        *lines, self.left = (self.left + bytes(data)).split(b"\n")
        for line in lines:
            self.send(line)
        if len(self.left) > self.MOST:
            self.left = self.shortened(self.left)
        return len(data)

    def send(self, line):
        self.put(self.shortened(line))

    def shortened(self, line):
        """What is left of a line once its pieces are sent."""
        while len(line) > self.MOST:
            cut = self.MOST
            # Between two characters, where it is text: none has more than four bytes.
            while line[cut] & 0xC0 == 0x80 and cut > self.MOST - 4:
                cut -= 1
            self.put(line[:cut] + self.CUT)
            line = self.CUT.strip() + b" " + line[cut:]
        return line

    def put(self, line):
        # As ErrorLogFormat has it, so that what several processes say at once can be told apart.
        line = f"[app:error] [pid {os.getpid()}] ".encode() + line + b"\n"
        # No app fails because nobody listens.
        with contextlib.suppress(OSError):
            while line:
                line = line[os.write(2, line) :]

    def close(self):
        if self.left:
            self.put(self.left)
            self.left = b""
        super().close()
