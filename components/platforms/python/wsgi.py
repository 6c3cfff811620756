"""What mod_wsgi loads for a release: sets the environment up, then stands between mod_wsgi and the app's own `application`.

It marks every answer of the app, so that an app's error is told from a dead process, and it replaces the process before its
memory limit makes every request fail. It buffers nothing: what the app writes or yields goes straight on.
"""

import importlib.util
import json
import os
import signal
import site
import sys
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
APP = os.path.join(ROOT, "app")

with open(os.path.join(ROOT, "conf", "site.json"), encoding="utf-8") as _file:
    SITE = json.load(_file)
MARK = ("X-Silver-Release", f"{SITE['site']} {SITE['release']}")


def load_environment():
    """Before any of the app's code runs: libraries read os.environ when they are imported."""
    with open(os.path.join(ROOT, "environ.json"), encoding="utf-8") as file:
        os.environ.update(json.load(file))


def extend_path():
    """src/, then lib/python with its .pth files, before what the system has."""
    system = list(sys.path)
    site.addsitedir(os.path.join(APP, "lib", "python"))
    vendored = [entry for entry in sys.path if entry not in system]
    sys.path[:] = [os.path.join(APP, "src"), *vendored, *system]


def customize():
    """The app's own silvercustomize.py runs first of all its code; it need not exist."""
    if importlib.util.find_spec("silvercustomize") is not None:
        importlib.import_module("silvercustomize")


def load_application():
    """The object that the runner names; under the name other modules of the app import it by, where there is one."""
    path = os.path.join(APP, SITE["runner"])
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


class Memory:
    """Watches the process's data against the limit that mod_wsgi set (RLIMIT_DATA), from which no process recovers."""

    def __init__(self):
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
        self.most = None if limit == resource.RLIM_INFINITY else limit * 9 // 10
        self.page = resource.getpagesize()
        self.statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        self.replaced = False

    def check(self, errors):
        """At nine tenths of the limit: go on until idle, then make room for a fresh process."""
        if self.most is None or self.replaced:
            return
        used = int(os.pread(self.statm, 128, 0).split()[5]) * self.page
        if used > self.most:
            self.replace(errors, f"uses {used >> 20} MB of the {self.most * 10 // 9 >> 20} MB it may", signal.SIGUSR1)

    def replace(self, errors, why, by):
        self.replaced = True
        print(f"silver: process {os.getpid()} {why}: replacing it", file=errors, flush=True)
        os.kill(os.getpid(), by)


class Answer:
    """The app's iterator, passed on chunk by chunk, with errors turned into a marked 500 while that is still possible."""

    def __init__(self, result, iterator, request):
        self.result, self.iterator, self.request = result, iterator, request

    def __iter__(self):
        return self

    def __next__(self):
        try:
            return next(self.iterator)
        except StopIteration:
            raise
        except Exception:
            self.iterator = iter(())
            return self.request.failed()

    def close(self):
        try:
            if hasattr(self.result, "close"):
                self.result.close()
        except MemoryError:
            self.request.failed()
            raise


class Request:
    def __init__(self, environ, start_response):
        self.environ, self.original = environ, start_response

    def start_response(self, status, headers, exc_info=None):
        # X-Silver-* is how the platform's parts speak with each other: not the app's to say.
        own = [header for header in headers if not header[0].lower().startswith("x-silver-")]
        return self.original(status, [*own, MARK], exc_info)

    def failed(self):
        """The body of a marked 500; raises the app's error again when its headers have been sent."""
        error = sys.exc_info()
        errors = self.environ["wsgi.errors"]
        traceback.print_exception(*error, file=errors)
        if isinstance(error[1], MemoryError):
            memory.replace(errors, "could not get memory", signal.SIGTERM)
        body = b"Internal Server Error\n"
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
        try:
            self.start_response("500 Internal Server Error", headers, error)
        finally:
            error = None
        return body

    def answer(self):
        try:
            result = wrapped(self.environ, self.start_response)
            # mod_wsgi knows these two: a file it sends by itself, and a list whose length it can tell.
            if type(result) in (list, tuple) or type(result) is self.environ.get("wsgi.file_wrapper"):
                return result
            return Answer(result, iter(result), self)
        except Exception:
            return [self.failed()]
        finally:
            memory.check(self.environ["wsgi.errors"])


def application(environ, start_response):
    return Request(environ, start_response).answer()


load_environment()
extend_path()
customize()
memory = Memory()
wrapped = load_application()
