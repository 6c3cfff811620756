"""The guestbook without a server: its modules, with the entries in a list."""

import io
import os
import pathlib
import sys
import tempfile
import types
import unittest
from datetime import UTC, datetime
from types import SimpleNamespace
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "apps/guestbook/src"))

# PostgreSQL stands in for nothing here: what speaks with it is held to a real one, on a node.
store = types.ModuleType("guestbook.store")
store.Unreachable = (ConnectionError,)
sys.modules["guestbook.store"] = store

import guestbook  # noqa: E402

guestbook.store = store

import wsgi  # noqa: E402

PNG = b"\x89PNG\r\n\x1a\n"


def multipart(*parts, boundary="----edge"):
    """(content type, body) as a browser sends them; a part is (its disposition's parameters, content)."""
    lines = [
        b"--" + boundary.encode() + b"\r\nContent-Disposition: form-data; " + parameters.encode() + b"\r\n\r\n" + content + b"\r\n"
        for parameters, content in parts
    ]
    return f"multipart/form-data; boundary={boundary}", b"".join(lines) + b"--" + boundary.encode() + b"--\r\n"


class BookTest(unittest.TestCase):
    """An open book with directories of its own."""

    def setUp(self):
        directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.files = directory / "files"
        self.files.mkdir()
        (directory / "secret").write_text("the site's own")
        variables = {"CONFIG_FILES": str(self.files), "SILVER_SECRET_FILE": str(directory / "secret"), "STATIC_URL": "/book/"}
        self.enterContext(mock.patch.dict(os.environ, variables))
        self.entries = []
        store.entries = lambda: self.entries
        store.add = self.add
        store.ping = lambda: None
        self.cookie = ""

    def add(self, name, message, picture):
        now = datetime(2026, 11, 5, 9, 7, tzinfo=UTC)
        self.entries.insert(0, SimpleNamespace(id=len(self.entries) + 1, name=name, message=message, picture=picture, signed=now))
        return len(self.entries)

    def ask(self, method, path, kind="", body=b"", length=None):
        """What the app answers: status, headers, body."""
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "/book",
            "PATH_INFO": path,
            "CONTENT_TYPE": kind,
            "CONTENT_LENGTH": str(len(body)) if length is None else length,
            "HTTP_COOKIE": self.cookie,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
        }
        told = []
        result = wsgi.application(environ, lambda status, headers: told.append((status, dict(headers))))
        content = b"".join(result)
        if hasattr(result, "close"):
            result.close()
        ((status, headers),) = told
        return SimpleNamespace(status=int(status[:3]), headers=headers, body=content, text=content.decode("utf-8", "replace"))

    def open(self):
        """Opens the page as a browser does, and returns the form's token."""
        page = self.ask("GET", "/")
        self.cookie = page.headers["Set-Cookie"].partition(";")[0]
        return page.text.partition('name="token" value="')[2].partition('"')[0]

    def sign(self, name="Ada", message="Words", picture=None, token=None):
        parts = [
            ('name="token"', (self.open() if token is None else token).encode()),
            ('name="name"', name.encode()),
            ('name="message"', message.encode()),
            ('name="picture"; filename="a.png"', picture or b""),
        ]
        return self.ask("POST", "/", *multipart(*parts))
