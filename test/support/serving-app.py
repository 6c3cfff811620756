"""An app that does what its path says, well or badly: for tests of how a release serves."""

import ctypes
import json
import os
import signal
import socket
import sys
import time

BAG = []


def application(environ, start_response):
    what, _, argument = environ["PATH_INFO"].strip("/").partition("/")
    status, headers, body = ACTIONS.get(what, plain)(environ, argument)
    start_response(status, headers)
    return [body] if isinstance(body, bytes) else body


def plain(environ, argument, status="200 OK", *headers):
    script, path, query = (environ[name] for name in ("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"))
    text = json.dumps({"script": script, "path": path, "query": query, "moment": time.monotonic()})
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
    return as_json({"bytes": sum(map(len, iter(lambda: environ["wsgi.input"].read(1 << 16), b"")))})


def stream(environ, argument):
    """So many megabytes, of no known length."""
    return "200 OK", [("Content-Type", "text/plain")], (b"x" * (1 << 20) for _ in range(int(argument)))


def cut(environ, argument):
    """A page that may be cached and is cut the first time it is asked for: how, whether its length is declared, its name."""
    how, length, name = argument.split("/")
    try:
        os.close(os.open(f"/tmp/cut-{name}", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        how = "not"
    rest = f"{time.monotonic():024.9f}\n".encode()
    headers = [("Content-Type", "text/csv"), ("Cache-Control", "public, max-age=60")]
    declared = [("Content-Length", str(len(b"half,") + len(rest)))] if length == "told" else []

    def rows():
        yield b"half,"
        CUTS[how]()
        yield rest

    return "200 OK", [*headers, *declared], rows()


CUTS = {
    "not": lambda: None,
    "raise": lambda: 1 / 0,
    "exit": lambda: os._exit(3),
    "sys.exit": lambda: sys.exit(3),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "hang": lambda: time.sleep(60),
}


def cached(environ, argument):
    return plain(environ, argument, "200 OK", ("Cache-Control", f"max-age={argument}"))


def control(environ, argument):
    return plain(environ, argument, "200 OK", ("Cache-Control", argument))


def saying(environ, argument):
    name, _, value = argument.partition("/")
    return plain(environ, argument, "200 OK", (name, value))


def headers(environ, argument):
    count, _, size = argument.partition("/")
    return plain(environ, argument, "200 OK", *[(f"X-Header-{number}", "v" * int(size)) for number in range(int(count))])


def asked(environ, argument):
    names = ("REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_PROXY", "HTTP_HOST", "wsgi.url_scheme")
    names += ("HTTPS", "SERVER_PORT")
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


def call(number):
    """A call of the kernel's by its number, with arguments that it would refuse as such."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, -1, 0) < 0:
        raise OSError(ctypes.get_errno(), "")


# The first has one number everywhere.
IO_URING_SETUP, USERFAULTFD = 425, 323 if os.uname().machine == "x86_64" else 282
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REACHES = {
    "write to its release": lambda: write(os.path.join(ROOT, "app")),
    "write to its home": lambda: write(os.path.expanduser("~")),
    "write to /etc": lambda: write("/etc"),
    "write to TEMP": lambda: write(os.environ["TEMP"]),
    "write to SILVER_LOGS": lambda: write(os.environ["SILVER_LOGS"]),
    "read Varnish's secret": lambda: open("/etc/varnish/secret").close(),
    "set up io_uring": lambda: call(IO_URING_SETUP),
    "handle its own page faults": lambda: call(USERFAULTFD),
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
    "stream": stream,
    "cut": cut,
    "cached": cached,
    "control": control,
    "asked": asked,
    "saying": saying,
    "headers": headers,
    "variables": variables,
    "reach": reach_server,
    "exit": lambda environ, argument: os._exit(3),
    "raise": lambda environ, argument: 1 / 0,
}
