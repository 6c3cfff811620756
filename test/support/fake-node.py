"""A node that is a directory: the real agent on a machine made up in memory, for as long as stdin is open. It wants a network of its own.

What the agent starts (systemctl, varnishadm, apt-get …) is answered by the agent tests' own machine, which remembers. Units listen for
real, a release's app is run, and Varnish passes a visitor on to the release that its label names. ROOT/door is a socket: each connection
is a session of `silver-agent serve`, a process of its own. ROOT/programs is another: a program a line, `{"argv": […]}`, and its answer.
"""

import contextlib
import http.client
import json
import os
import pathlib
import re
import select
import signal
import socket
import socketserver
import sys
import threading
import time
import traceback
from fnmatch import fnmatch

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "agent"))

from support import AgentError, Done, FakeNode, Machine, Paths  # noqa: E402

from silver import files  # noqa: E402
from silver.lines import lines_of  # noqa: E402
from silver.serve import Serve  # noqa: E402


class WholeMachine(Machine):
    """The agent tests' machine with every package on it, which runs releases as they are rendered."""

    def __init__(self, paths):
        super().__init__(paths)
        self.turn = threading.RLock()
        self.releases = {}
        self.app = self.serve_release

    def dpkg_query(self, *words):
        return "".join(f"installed {name} {name}:amd64\n" for name in words if not name.startswith("-"))

    def getent(self, database, name):
        return Done(0 if name in self.users else 2, "", "")

    def systemctl(self, verb, *words):
        for name in words if verb == "stop" else []:
            if name.startswith("silver-run-"):
                self.interrupt(name)
        return super().systemctl(verb, *words)

    def interrupt(self, name):
        """Ends a command as its unit says, which waits for it."""
        runs = pathlib.Path(self.paths.runs())
        for place in [path.parent for path in runs.glob("*/run.json") if json.loads(path.read_text())["unit"] == name]:
            pid, ended = place / "pid", place / "ended"
            with contextlib.suppress(ProcessLookupError):
                if pid.exists() and not ended.exists():
                    os.killpg(int(pid.read_text()), signal.SIGINT)
            while pid.exists() and not ended.exists():
                time.sleep(0.01)

    def list_units(self, pattern):
        """Names of the running units that match."""
        return "\n".join(name for name, state in self.units.items() if state == "active" and fnmatch(name, pattern))

    def start_worker(self, name, text):
        super().start_worker(name, text)
        root, directory = re.search(r"-P (\S+)/conf/run.py (\S+)", text).groups()
        program = json.loads(pathlib.Path(directory, "command.json").read_text())[0]
        if "# Ends as it starts." in pathlib.Path(root, "app", program).read_text():
            self.restarts[name], self.journal = 1, ["mail: nothing to do"]

    def ran_together(self):
        """Workers that ran while those of another release did."""
        return "\n".join(" and ".join(pair) for pair in self.together)

    def visit(self, path):
        """The status that a visitor gets, and the mark of the release that answered."""
        status, body, mark, *_ = self.pass_on(path, {"Host": "hello.test"})
        return f"{status} {mark}"

    def start(self, name):
        unit = pathlib.Path(self.paths.unit(name))
        text = unit.read_text() if unit.exists() else ""
        if apache := re.search(r"^ExecStart=\S*/apache2 -f (\S+)", text, re.M):
            return self.start_release(name, pathlib.Path(apache[1]).read_text())
        failed = super().start(name)
        if name == "varnish.service" and failed is None:
            self.listen(name, "127.0.0.1", 80, "")
        return failed

    def start_release(self, name, conf):
        root = re.search(r'^ServerRoot "(.+)"$', conf, re.M)[1]
        release = Release(root, re.search(r'X-Silver-Release "(.+)"', conf)[1])
        if release.ends_by_itself():
            self.units[name] = "failed"
            self.journal = ["apache2: this release ends by itself"]
            return Done(1, "", "Job failed")
        address, port = re.search(r"^Listen (\S+):(\d+)$", conf, re.M).groups()
        self.releases[int(port)] = release
        self.listen(name, address, int(port), "")
        self.units[name] = "active"

    def serve_release(self, request):
        port = request.server.server_address[1]
        if port == 80:
            return self.pass_on(request.path, request.headers)
        status, body, headers, words = self.releases[port].answer(request.path, request.headers)
        self.journal = words or self.journal
        return status, body, None if words else self.releases[port].mark, *headers

    def pass_on(self, path, headers):
        """As Varnish: the release that the site's label stands on, or the page that says that there is none."""
        with self.turn:
            label = re.search(r"vcl\((\w+)\)", self.vcls.get(self.active, ""))
            vcl = self.vcls.get(self.labels.get(label and label[1]), "")
        backend = re.search(r'\.host = "(\S+)";\s+\.port = "(\d+)";', vcl)
        if backend is None:
            return 503, "nothing is served", None
        connection = http.client.HTTPConnection(backend[1], int(backend[2]), timeout=10)
        with contextlib.closing(connection):
            try:
                connection.request("GET", path, headers=dict(headers))
                answer = connection.getresponse()
                more = [header for header in answer.getheaders() if header[0] == "Location"]
                return answer.status, answer.read().decode(), answer.getheader("X-Silver-Release"), *more
            except OSError:
                return 503, "the release does not answer", None


class Release:
    """A release as Apache and its app serve it."""

    def __init__(self, root, mark):
        self.source, self.mark = pathlib.Path(root, "app/src/wsgi.py"), mark

    def ends_by_itself(self):
        return "# Apache ends by itself." in self.source.read_text()

    def answer(self, path, headers):
        """Status, body, headers, and what the app's journal says when it could not answer."""
        told = []
        proto = headers.get("X-Forwarded-Proto", "http")
        environ = {"PATH_INFO": path, "HTTP_HOST": headers["Host"], "HTTP_X_FORWARDED_PROTO": proto}
        try:
            names = {}
            exec(compile(self.source.read_text(), str(self.source), "exec"), names)
            body = b"".join(names["application"](environ, lambda status, headers: told.extend([int(status.split()[0]), headers])))
            return told[0], body.decode(), [header for header in told[1] if header[0] == "Location"], None
        except Exception:
            words = traceback.format_exc().splitlines()
            return 500, "Internal Server Error", [], [words[0], words[-1]]


class Programs:
    """Stands for the agent's runner in a session: what is started is answered by the machine, in its own process."""

    def __init__(self, root):
        self.root = root

    def __call__(self, argv, stdin="", env=None, seconds=60, ok=(0,)):
        done = Done(**ask(self.root, {"argv": argv, "stdin": stdin}))
        if ok is not None and done.code not in ok:
            raise AgentError("internal", f"{argv[0]} failed", log=[done.err])
        return done

    def lines(self, argv, env=None):
        yield from lines_of(self(argv, ok=None).out)


class SessionNode(FakeNode):
    def ids(self, user):
        if self.run(["getent", "passwd", user], ok=None).code != 0:
            raise KeyError(user)
        return os.geteuid(), os.getegid()


def ask(root, program):
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(f"{root}/programs")
        line.sendall(json.dumps(program).encode() + b"\n")
        with line.makefile() as answer:
            return json.loads(answer.readline())


class Line(socketserver.StreamRequestHandler):
    def handle(self):
        program = json.loads(self.rfile.readline())
        machine = self.server.machine
        with machine.turn:
            done = machine(program["argv"], program.get("stdin", ""), ok=None)
        self.wfile.write(json.dumps(done._asdict()).encode() + b"\n")


class Machines(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def serve_session(root, connection):
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    source = connection.detach()
    Serve(SessionNode(Paths(root), Programs(root)), source, source).run()


def main(root):
    os.setpgid(0, 0)
    files.RESERVE_BYTES = 4096
    os.umask(0o022)
    paths = Paths(root)
    for directory in ("/usr/sbin", "/etc/systemd/system"):
        os.makedirs(paths.at(directory))
    pathlib.Path(paths.at("/etc/os-release")).write_text('ID=debian\nVERSION_ID="12"\n')
    pathlib.Path(paths.at("/etc/machine-id")).write_text("0123456789abcdef\n")
    programs = Machines(f"{root}/programs", Line)
    door = socket.socket(socket.AF_UNIX)
    door.bind(f"{root}/door")
    door.listen()
    if os.fork() == 0:
        # Whoever started this may be killed: then stdin ends, and so does the machine.
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
        programs.machine = WholeMachine(paths)
        programs.serve_forever()
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([door, sys.stdin], [], [])
        if sys.stdin in ready:
            break
        connection, _ = door.accept()
        if os.fork() == 0:
            door.close()
            try:
                serve_session(root, connection)
            finally:
                os._exit(0)
        connection.close()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1])
