"""The app's own `application`, loaded from what the manifest names as its runner."""

import importlib.util
import os
import sys

from silver_environment import APP, SITE


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
