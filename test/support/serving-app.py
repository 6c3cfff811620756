"""An app that does what its path says, well or badly: for tests of how a release serves."""

import json
import os
import socket
import time

BAG = []


def application(environ, start_response):
    what, _, argument = environ["PATH_INFO"].strip("/").partition("/")
    status, headers, body = ACTIONS.get(what, plain)(environ, argument)
    start_response(status, headers)
    return [body]


def plain(environ, argument, status="200 OK", *headers):
    text = json.dumps({"script": environ["SCRIPT_NAME"], "path": environ["PATH_INFO"], "moment": time.monotonic()})
    return status, [("Content-Type", "application/json"), *headers], text.encode()


def as_json(value):
    return "200 OK", [("Content-Type", "application/json")], json.dumps(value).encode()


def sleep(environ, argument):
    time.sleep(float(argument))
    return plain(environ, argument)


def leak(environ, argument):
    BAG.append(bytearray(int(argument) << 20))
    return plain(environ, argument)


def read(environ, argument):
    return as_json({"bytes": len(environ["wsgi.input"].read())})


def cached(environ, argument):
    return plain(environ, argument, "200 OK", ("Cache-Control", f"max-age={argument}"))


def asked(environ, argument):
    names = ("REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_PROXY", "HTTP_HOST", "wsgi.url_scheme")
    return as_json({name: environ.get(name) for name in names} | {"METHOD": environ["REQUEST_METHOD"]})


def variables(environ, argument):
    return as_json(dict(os.environ))


def reach(environ, argument):
    """What the sandbox lets the app do."""
    return as_json({name: attempt(try_it) for name, try_it in REACHES.items()})


def attempt(try_it):
    try:
        return try_it() or "done"
    except OSError as error:
        return type(error).__name__ if error.errno is None else os.strerror(error.errno)


def write(directory):
    path = os.path.join(directory, f"written-{os.getpid()}")
    with open(path, "w"):
        pass
    os.remove(path)


def dial(address, port):
    socket.create_connection((address, port), timeout=2).close()


ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REACHES = {
    "write to its release": lambda: write(os.path.join(ROOT, "app")),
    "write to its home": lambda: write(os.path.expanduser("~")),
    "write to /etc": lambda: write("/etc"),
    "write to TEMP": lambda: write(os.environ["TEMP"]),
    "write to SILVER_LOGS": lambda: write(os.environ["SILVER_LOGS"]),
    "read Varnish's secret": lambda: open("/etc/varnish/secret").close(),
    "see the first process": lambda: open("/proc/1/cmdline").close(),
    "dial Varnish's command line": lambda: dial("127.0.0.1", 6082),
    "dial its own Apache": lambda: dial(SERVER[0], int(SERVER[1])),
    "list its releases' secrets": lambda: open(os.path.join(ROOT, "environ.json"), "w").close(),
}
SERVER = ("", "0")


def reach_server(environ, argument):
    global SERVER
    SERVER = (environ["SERVER_ADDR"], environ["mod_wsgi.listener_port"])
    return reach(environ, argument)


ACTIONS = {
    "sleep": sleep,
    "leak": leak,
    "read": read,
    "cached": cached,
    "asked": asked,
    "variables": variables,
    "reach": reach_server,
    "exit": lambda environ, argument: os._exit(3),
    "raise": lambda environ, argument: 1 / 0,
}
