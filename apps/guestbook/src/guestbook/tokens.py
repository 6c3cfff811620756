"""A form is only taken from a page of ours: its token is signed with the site's own secret, over a cookie of its reader."""

import hashlib
import hmac
import os
import re
import secrets
from functools import cache
from http.cookies import CookieError, SimpleCookie
from pathlib import Path


def issue(environ):
    """(token, cookie): the reader's cookie, a new one where there is none, and the token that goes with it."""
    cookie = _cookie(environ) or secrets.token_hex(16)
    return _sign(cookie), cookie


def valid(environ, token):
    cookie = _cookie(environ)
    return cookie is not None and hmac.compare_digest(_sign(cookie).encode(), token.encode())


def _cookie(environ):
    try:
        found = SimpleCookie(environ.get("HTTP_COOKIE", "")).get("guestbook")
    except CookieError:
        return None
    return found.value if found is not None and re.fullmatch("[0-9a-f]{32}", found.value) else None


def _sign(cookie):
    return hmac.new(_secret(), cookie.encode(), hashlib.sha256).hexdigest()


@cache
def _secret():
    return Path(os.environ["SILVER_SECRET_FILE"]).read_bytes()
