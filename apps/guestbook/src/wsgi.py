"""The guestbook's pages by their address. What a page says stands in guestbook/pages.py."""

import os
import traceback
from urllib.parse import quote
from wsgiref.util import FileWrapper

from guestbook import forms, pages, pictures, store, tokens

# What Varnish lets through: a picture that is too large is answered with the person's words still in the form.
MOST_BYTES = 10 * 1024 * 1024

MOST_NAME, MOST_MESSAGE = 80, 2000

# The name of a picture is the digest of its bytes: it can never become another.
FOR_GOOD = "public, max-age=31536000, immutable"
# Until its thumbnail is made, a picture stands in for it.
FOR_NOW = "public, max-age=10"

SECURITY = [
    ("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
]


def application(environ, start_response):
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    reads = method in ("GET", "HEAD")
    if path == "/health":
        store.ping()
        return answer(start_response, "200 OK", b"ok", "text/plain")
    if path == "" and reads:
        # The cookie belongs to the address with the slash.
        return go(start_response, "302 Found", home(environ))
    if path == "/" and reads:
        return show(environ, start_response)
    if path in ("", "/") and method == "POST":
        return sign(environ, start_response)
    if path.startswith("/pictures/") and reads:
        return picture(environ, start_response, pictures.find(path.removeprefix("/pictures/")))
    if path.startswith("/thumbnails/") and reads:
        name = path.removeprefix("/thumbnails/")
        made = pictures.find_thumbnail(name)
        return picture(environ, start_response, made or pictures.find(name), FOR_GOOD if made else FOR_NOW)
    return page(start_response, "404 Not Found", pages.missing(home(environ)))


def home(environ):
    """Where the book is mounted: `/`, or a path such as `/guestbook/`."""
    return quote(environ.get("SCRIPT_NAME", "").rstrip("/")) + "/"


def show(environ, start_response, status="200 OK", problem=None, entered=None):
    try:
        entries = store.entries()
    except store.Unreachable:
        traceback.print_exc(file=environ["wsgi.errors"])
        entries, status, problem = [], "503 Service Unavailable", pages.CLOSED
    token, cookie = tokens.issue(environ)
    path = home(environ)
    secure = "; Secure" if environ.get("wsgi.url_scheme") == "https" else ""
    headers = [("Set-Cookie", f"guestbook={cookie}; Path={path}; HttpOnly; SameSite=Lax{secure}"), ("Cache-Control", "no-store")]
    return page(start_response, status, pages.book(path, entries, token, problem, entered or {}), headers)


def sign(environ, start_response):
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > MOST_BYTES:
        return show(environ, start_response, "413 Content Too Large", pages.TOO_LARGE)
    fields = forms.read(environ, length)

    def again(status, problem):
        return show(environ, start_response, status, problem, fields)

    if not tokens.valid(environ, fields.get("token", "")):
        return again("403 Forbidden", pages.STALE)
    name, message = " ".join(fields.get("name", "").split()), fields.get("message", "").strip()
    for text, most, problem in ((name, MOST_NAME, pages.NAME), (message, MOST_MESSAGE, pages.MESSAGE)):
        if not 0 < len(text) <= most:
            return again("422 Unprocessable Content", problem)
    try:
        kept = pictures.keep(fields.get("picture", b""))
        number = store.add(name, message, kept)
    except pictures.Refused as refused:
        return again(refused.status, pages.Problem("picture", str(refused)))
    except store.Unreachable:
        traceback.print_exc(file=environ["wsgi.errors"])
        return again("503 Service Unavailable", pages.CLOSED)
    # The answer to a reload is then a page, not a second entry.
    return go(start_response, "303 See Other", f"{home(environ)}#entry-{number}")


def picture(environ, start_response, found, kept=FOR_GOOD):
    if found is None:
        return page(start_response, "404 Not Found", pages.missing(home(environ)))
    path, kind = found
    headers = [
        ("Content-Type", kind),
        ("Content-Length", str(os.path.getsize(path))),
        ("Cache-Control", kept),
        *SECURITY,
    ]
    start_response("200 OK", headers)
    return environ.get("wsgi.file_wrapper", FileWrapper)(open(path, "rb"))  # noqa: SIM115 - the server closes it


def page(start_response, status, text, headers=()):
    return answer(start_response, status, text.encode(), "text/html; charset=utf-8", [*headers, *SECURITY])


def answer(start_response, status, body, kind, headers=()):
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body))), *headers])
    return [body]


def go(start_response, status, address):
    start_response(status, [("Location", address), ("Content-Length", "0"), ("Cache-Control", "no-store")])
    return []
