"""The form of an app's answer: marked as the app's, within what Varnish takes, and such that a cut shows."""

import os
import re
import signal
import stat
import sys
import traceback

# X-Silver-* is how the platform's parts speak with each other, the other two how servers do (PEP 3333): not the app's to say. An app
# that passes another server's answer on has decoded it, and may have copied its headers.
OURS = re.compile(r"(?i)x-silver-|(?:connection|transfer-encoding)\Z")
# Bytes that the socket to Apache takes at once (its default buffer holds 208 KiB): whoever dies after that took nothing along.
WHOLE = 64 << 10
# Statuses without a body.
EMPTY = ("1", "204", "304")


class Answer:
    """The app's iterator, passed on piece by piece, with errors turned into a marked 500 while that is still possible."""

    def __init__(self, result, request):
        self.result, self.request = result, request
        self.iterator = iter(result)
        self.ended = False

    def __iter__(self):
        return self

    def __next__(self):
        if self.ended:
            raise StopIteration
        try:
            for piece in self.iterator:
                return self.request.piece(piece)
            self.ended = True
            return self.request.end()
        except Exception:
            self.ended = True
            return self.request.failed()

    def close(self):
        try:
            if hasattr(self.result, "close"):
                self.result.close()
        except MemoryError:
            self.request.failed()
            raise


def check_headers(headers):
    """What Varnish takes: more would be answered by a page that tells nobody why."""
    if len(headers) > 220:
        raise ValueError(f"the app answers with {len(headers)} headers: a site may send 220")
    if (length := sum(len(value) for _, value in headers)) > 32 << 10:
        raise ValueError(f"the app answers with headers of {length} bytes: a site may send {32 << 10}")


class Request:
    """
    One request. The headers wait for the first piece of the body, which tells how the answer is framed.

    Apache ends whatever a dying process leaves as if that were all of it. So an answer that is not out at once shows its end by
    itself, by its length or its last chunk, and its connection ends with it: Varnish then sees that something is missing, and
    neither waits for the rest nor keeps what it got. One that is out at once keeps the connection, which costs least.
    """

    def __init__(self, environ, start_response, life, mark):
        """
        @param life: the process's, which every request uses up
        @param mark: the header by which an answer of the app is known
        """
        self.environ, self.original = environ, start_response
        self.life, self.mark = life, mark
        self.status, self.headers = None, []
        # mod_wsgi's write(), as soon as it has the headers.
        self.write = None
        self.chunked = False

    def start_response(self, status, headers, exc_info=None):
        check_headers(headers)
        if self.write is not None:
            if exc_info is None:
                raise RuntimeError("start_response was called after a part of the body was sent")
            raise exc_info[1].with_traceback(exc_info[2])
        own = [header for header in headers if not OURS.match(header[0])]
        self.status, self.headers = status, [*own, self.mark]
        return self.write_piece

    def begin(self, known, length):
        """
        Gives mod_wsgi the headers.
        @param known bytes of the body that are here: the first piece, or all
        @param length bytes of the whole body; None: more may follow
        """
        if self.status is None:
            raise RuntimeError("the app answered without calling start_response")
        if self.environ["REQUEST_METHOD"] != "HEAD" and not self.status.startswith(EMPTY):
            self.frame(known, length)
        self.write = self.original(self.status, self.headers)

    def frame(self, known, length):
        names = {name.lower(): value for name, value in self.headers}
        declared = names.get("content-length")
        if declared is None and length is not None:
            declared = str(length)
            self.headers.append(("Content-Length", declared))
        if declared == str(known) and known <= WHOLE:
            return
        if declared is None and self.environ["SERVER_PROTOCOL"] == "HTTP/1.1":
            self.chunked = True
            self.headers.append(("Transfer-Encoding", "chunked"))
        self.headers.append(("Connection", "close"))

    def piece(self, piece):
        """A piece of the body as it goes to mod_wsgi."""
        if not isinstance(piece, bytes):
            raise TypeError(f"a body consists of bytes, not of {type(piece).__name__}")
        if self.write is None and piece:
            self.begin(len(piece), None)
        return b"%x\r\n%b\r\n" % (len(piece), piece) if self.chunked and piece else piece

    def end(self):
        """What goes to mod_wsgi after the last piece."""
        if self.write is None:
            self.begin(0, 0)
        return b"0\r\n\r\n" if self.chunked else b""

    def write_piece(self, piece):
        out = self.piece(piece)
        if out:
            self.write(out)

    def whole(self, pieces):
        """A body that is here in full, in one piece where it may go out at once."""
        length = sum(map(len, pieces))
        body = [b"".join(pieces)] if length <= WHOLE else pieces
        self.begin(length, length)
        return body

    def failed(self):
        """The body of a marked 500; raises the app's error again when its headers have been sent."""
        error = sys.exc_info()
        errors = self.environ["wsgi.errors"]
        traceback.print_exception(*error, file=errors)
        if isinstance(error[1], MemoryError):
            self.life.end(signal.SIGTERM, errors, "could not get memory")
        body = b"Internal Server Error\n"
        try:
            self.start_response("500 Internal Server Error", [("Content-Type", "text/plain")], error)
        finally:
            error = None
        self.begin(len(body), len(body))
        return body

    def answer(self, application):
        result = None
        try:
            result = application(self.environ, self.start_response)
            if self.write is None and type(result) in (list, tuple):
                return self.whole(result)
            if self.write is None and type(result) is self.environ.get("wsgi.file_wrapper"):
                length = length_of_file(result.filelike)
                if length is not None:
                    self.begin(length, length)
                    return result
            return Answer(result, self)
        except Exception:
            try:
                return [self.failed()]
            finally:
                if hasattr(result, "close"):
                    result.close()
        finally:
            self.life.check(self.environ["wsgi.errors"])


def length_of_file(file):
    """Bytes from its position on; None: not a regular file, which alone mod_wsgi sends by itself."""
    try:
        facts = os.fstat(file.fileno())
        return facts.st_size - file.tell() if stat.S_ISREG(facts.st_mode) else None
    except (AttributeError, OSError):
        return None
