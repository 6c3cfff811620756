"""What mod_wsgi loads for a release: sets the environment up, then stands between mod_wsgi and the app's own `application`.

It marks every answer of the app, so that an app's error is told from a dead process, and it replaces the process after its
requests, or before its memory limit makes every request fail. What the app writes or yields goes straight on, in a form that shows
where it was cut.
"""

import io
import os
import re
import sys
import urllib.parse

CONF = os.path.dirname(os.path.abspath(__file__))
# Only while these are imported: to the app, conf/ is not on sys.path.
sys.path.insert(0, CONF)
try:
    from silver_answer import Request
    from silver_app import load_application
    from silver_environment import SITE, customize, extend_path, load_environment
    from silver_lifetime import Life, Place
    from silver_log import Log
finally:
    sys.path.remove(CONF)

MARK = ("X-Silver-Release", f"{SITE['site']} {SITE['release']}")


def tell_place(environ):
    """Where the app is mounted and what lies below it, and how it was reached, from what Apache says of a request.

    Apache leaves encoded slashes in its own idea of the path, so this is decoded from the request's.
    """
    mount = environ.pop("SILVER_MOUNT")
    path = environ["REQUEST_URI"].partition("?")[0].partition("#")[0]
    environ["SCRIPT_NAME"] = mount
    environ["PATH_INFO"] = urllib.parse.unquote_to_bytes(path.encode("latin-1")).decode("latin-1")[len(mount) :]
    if environ.pop("SILVER_SCHEME") == "https":
        # mod_wsgi has taken its word for the scheme out of this, and knows only of Apache's own port.
        environ["HTTPS"] = "on"
        if not re.search(":[0-9]+$", environ.get("HTTP_HOST", "")):
            environ["SERVER_PORT"] = "443"


def application(environ, start_response):
    environ["wsgi.errors"] = log
    if "SILVER_MOUNT" in environ:
        tell_place(environ)
    return Request(environ, start_response, life, MARK).answer(wrapped)


# UTF-8 whatever the locale: it is what the journal takes.
log = io.TextIOWrapper(Log(), "utf-8", "backslashreplace", line_buffering=True)
sys.stdout = sys.stderr = log
# mod_wsgi runs this text again in the same process when it failed.
if not hasattr(sys, "silver_place"):
    sys.silver_place = Place(SITE["processes"])
try:
    load_environment()
    extend_path()
    customize()
    wrapped = load_application()
except BaseException:
    sys.silver_place.failed()
    raise
life = Life(sys.silver_place, SITE["requests"])
sys.silver_place.loaded()
