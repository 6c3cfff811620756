"""Speaks what apps of other people speak: an echo, statuses of WebDAV, uploads in parts, slow answers, and a store of files."""

import email.parser
import email.policy
import hashlib
import itertools
import json
import os
import tempfile
import time

import dav_store

FILES = tempfile.gettempdir()
count = itertools.count()
store = dav_store.Store(os.path.join(FILES, "store"), "/dav")


def main(global_conf, site, key):
    def application(environ, start_response):
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path.startswith("/stream/"):
            return stream(path.removeprefix("/stream/"), environ["QUERY_STRING"], start_response)
        if path.startswith("/dav/"):
            status, headers, body = store(environ)
        else:
            status, headers, body = answer(environ, method, path, {"site": site, "key": key, "secret": len(global_conf["SECRET"]) > 20})
            headers = [("Content-Type", "text/plain"), *headers] if body else headers
        if isinstance(body, bytes):
            start_response(status, [*headers, ("Content-Length", str(len(body)))] if body else headers)
            return [body]
        start_response(status, [*headers, ("Content-Length", str(os.stat(body.fileno()).st_size))])
        return environ["wsgi.file_wrapper"](body, 65536)

    return application


def answer(environ, method, path, settings):
    if path == "/":
        # As an app that redirects whatever did not come by TLS.
        if environ.get("HTTP_X_FORWARDED_PROTO") != "https":
            return "301 Moved Permanently", [("Location", "https://strangers.test/")], b""
        return "200 OK", [], b"secure"
    if path == "/settings":
        return "200 OK", [], json.dumps(settings).encode()
    if path.startswith("/echo/"):
        return "200 OK", [("Cache-Control", "public, max-age=60")], json.dumps(echo(environ)).encode()
    if path.startswith("/status/"):
        return path.removeprefix("/status/"), [("DAV", "1, 2"), ("Lock-Token", "<opaquelocktoken:1>")], b""
    if path == "/cached":
        return "200 OK", [("Cache-Control", "public, max-age=60")], f"{os.getpid()} {next(count)}".encode()
    if path == "/upload":
        return "200 OK", [], json.dumps(parts(environ)).encode()
    if path.startswith("/seen/"):
        open(os.path.join(FILES, path.removeprefix("/seen/")), "w").close()
        return "204 No Content", [], b""
    return "404 Not Found", [], b"none"


def stream(name, length, start_response):
    """The second piece says whether the client had the first one before, which it tells by /seen/NAME."""
    first = b"first " * 20_000 if length else b"first "
    start_response("200 OK", [("Content-Type", "text/plain"), *([("Content-Length", str(len(first) + 4))] if length else [])])
    yield first
    seen, deadline = os.path.join(FILES, name), time.monotonic() + 5
    while not os.path.exists(seen) and time.monotonic() < deadline:
        time.sleep(0.01)
    yield b"seen" if os.path.exists(seen) else b"lost"


def echo(environ):
    names = {"method": "REQUEST_METHOD", "script": "SCRIPT_NAME", "path": "PATH_INFO", "depth": "HTTP_DEPTH", "if": "HTTP_IF"}
    told = {name: environ.get(variable) for name, variable in names.items()}
    return {**told, "destination": environ.get("HTTP_DESTINATION"), "body": environ["wsgi.input"].read().decode()}


def parts(environ):
    head = f"Content-Type: {environ['CONTENT_TYPE']}\r\n\r\n".encode()
    form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + environ["wsgi.input"].read())
    files, fields = {}, {}
    for part in form.iter_parts():
        name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if part.get_filename():
            files[name] = hashlib.sha256(content).hexdigest()
        else:
            fields[name] = content.decode()
    return {"files": files, "fields": fields}
