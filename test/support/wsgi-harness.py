"""Runs conf/wsgi.py as mod_wsgi does: one process, one load, then requests. A JSON plan on stdin, what came of it on stdout.

mod_wsgi's ways that matter here: headers go out with the first bytes, start_response may be called again with exc_info until
then, and raises that error after; wsgi.file_wrapper is a type whose instances it sends by itself.
"""

import io
import json
import os
import signal
import sys
from wsgiref.validate import validator


class FileWrapper:
    def __init__(self, filelike, blksize=8192):
        self.filelike = filelike

    def __iter__(self):
        return iter(lambda: self.filelike.read(8192), b"")


def ask(application, path):
    seen = {"chunks": [], "status": None, "headers": None, "raised": None}
    sent = []
    errors = io.StringIO()

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
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "SERVER_NAME": "blog.acme.net",
        "SERVER_PORT": "80",
        "QUERY_STRING": "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": errors,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
    }
    result = None
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
    seen["errors"] = errors.getvalue()
    return seen


def main():
    plan = json.load(sys.stdin)
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
    answers = [ask(application, path) for path in plan["paths"]]
    json.dump({"answers": answers, "signals": signals, "environ": dict(os.environ), "path": sys.path}, sys.stdout)


main()
