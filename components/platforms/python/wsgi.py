"""What mod_wsgi loads for a release: sets the environment up, then stands between mod_wsgi and the app's own `application`.

It marks every answer of the app, so that an app's error is told from a dead process, and it replaces the process after its
requests, or before its memory limit makes every request fail. What the app writes or yields goes straight on, in a form that shows
where it was cut.
"""

import importlib.util
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
    from silver_environment import APP, SITE, customize, extend_path, load_environment
    from silver_lifetime import Life, Place
    from silver_log import Log
finally:
    sys.path.remove(CONF)

MARK = ("X-Silver-Release", f"{SITE['site']} {SITE['release']}")


def load_application():
    """What the runner names: an object of a Python file, or the application of a file of Paste Deploy."""
    path = os.path.join(APP, SITE["runner"])
    return load_paste(path, SITE["object"]) if path.endswith(".ini") else load_object(path)


def load_paste(path, name):
    """As Silver Lining did: the global configuration is os.environ, and SECRET, the site's own."""
    try:
        from paste.deploy import loadwsgi
    except ImportError as error:
        if error.name not in ("paste", "paste.deploy"):
            raise
        why = f"{SITE['runner']} is a file of Paste Deploy, and the app has no PasteDeploy: list it in requirements.txt"
        raise ImportError(why) from None
    with open(os.environ["SILVER_SECRET_FILE"], encoding="utf-8") as file:
        values = {**os.environ, "SECRET": file.read().strip()}
    loader = loadwsgi.ConfigLoader(path)
    # %(NAME)s in the file stands for the value, and a % in the value for itself.
    loader.update_defaults({key: value.replace("%", "%%") for key, value in values.items()}, overwrite=False)
    return loader.get_context(loadwsgi.APP, None if name == "main" else name, global_conf=values).create()


def load_object(path):
    """An object of a Python file; under the name other modules of the app import it by, where there is one."""
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.find_spec(name) if name.isidentifier() and name not in sys.modules else None
    if spec is None or spec.origin != path:
        name = "silver_runner"
        spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    try:
        return getattr(module, SITE["object"])
    except AttributeError:
        raise ImportError(f"{SITE['runner']} does not define {SITE['object']!r}, the WSGI application") from None


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
