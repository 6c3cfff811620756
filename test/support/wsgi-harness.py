"""Runs conf/wsgi.py as mod_wsgi does: one process, one load, then requests. A JSON plan on stdin, what came of it on stdout; each
further line of stdin is a list of more paths to ask for, and gets a line of its own.

mod_wsgi's ways that matter here: headers go out with the first bytes, start_response may be called again with exc_info until
then, and raises that error after; wsgi.file_wrapper is a type whose instances it sends by itself.
"""

import contextlib
import io
import json
import os
import re
import signal
import sys
import tempfile
from wsgiref.validate import validator


class FileWrapper:
    def __init__(self, filelike, blksize=8192):
        self.filelike = filelike

    def __iter__(self):
        return iter(lambda: self.filelike.read(8192), b"")


def ask(application, path, method="GET", protocol="HTTP/1.1"):
    seen = {"chunks": [], "status": None, "headers": None, "raised": None}
    sent = []

    def start_response(status, headers, exc_info=None):
        if exc_info is not None and sent:
            raise exc_info[1]
        if exc_info is None and seen["status"] is not None:
            raise AssertionError("headers were set already")
        seen["status"], seen["headers"] = status, headers
        return write

    def write(data):
        if data:
            sent.append(data)
            seen["chunks"].append(data.decode())

    environ = {
        "REQUEST_METHOD": method,
        "SERVER_PROTOCOL": protocol,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "SERVER_NAME": "blog.acme.net",
        "SERVER_PORT": "80",
        "QUERY_STRING": "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
    }
    result = None
    with log() as said:
        try:
            result = application(environ, start_response)
            seen["file"] = isinstance(result, FileWrapper)
            for chunk in result:
                write(chunk)
        except Exception as error:
            seen["raised"] = repr(error)
        finally:
            if hasattr(result, "close"):
                result.close()
    seen["errors"] = "".join(said)
    return seen


@contextlib.contextmanager
def log():
    """What is written to the log meanwhile, without what each line begins with."""
    said, stderr = [], os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            file.seek(0)
            said.append(re.sub(r"(?m)^\[app:error\] \[pid \d+\] ", "", file.read().decode(errors="replace")))


def main():
    plan = json.loads(sys.stdin.readline())
    signals = []
    for number in (signal.SIGUSR1, signal.SIGTERM):
        signal.signal(number, lambda received, _: signals.append(signal.Signals(received).name))
    if limit := plan.get("dataLimit"):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    names = {"__file__": os.path.join(plan["root"], "conf", "wsgi.py"), "__name__": "_mod_wsgi_0"}
    with open(names["__file__"], encoding="utf-8") as file:
        exec(compile(file.read(), names["__file__"], "exec"), names)
    application = validator(names["application"]) if plan.get("validate") else names["application"]
    paths = plan["paths"]
    while paths is not None:
        answers = [ask(application, *path.split(" ")) for path in paths]
        print(
            json.dumps({"answers": answers, "signals": signals, "environ": dict(os.environ), "path": sys.path}),
            flush=True,
            file=sys.__stdout__,
        )
        paths = json.loads(sys.stdin.readline() or "null")


main()
