"""A node made of a directory and a few dictionaries: an imitated machine answers the programs that the agent starts."""

import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import socketserver
import sys
import tempfile
import threading
import time
import unittest
from fnmatch import fnmatch
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "components/node/agent"))

from silver import addresses, bytecode, check, discard, files, hand_over, journal, long_work, ports, state, unit, units, varnish, verbs  # noqa: E402
from silver.errors import AgentError, DriverGone  # noqa: E402
from silver.lines import lines_of  # noqa: E402
from silver.node import Node  # noqa: E402
from silver.paths import Paths  # noqa: E402
from silver.runner import Done, Runner  # noqa: E402


def ran_as(words):
    """(user, group) and program of `runuser`. What runs as a site's user, or its server's, must be of another group first."""
    assert words[0::2][:3] == ("-u", "-g", "-G") and words[3] == "nogroup" and words[6] == "--", words
    return (words[1], words[5]), words[7:]


class Killed(BaseException):
    """The agent dies here: none of its code may catch this."""


class Machine:
    """Answers as systemd, Varnish, apt and nft would, as far as the agent looks."""

    def __init__(self, paths):
        self.paths = paths
        self.calls = []
        self.units = {}
        self.users = set()
        self.packages = {"python3"}
        self.available = {"varnish", "apache2-bin"}
        # Package → paths of its files, and of the links that its scripts make.
        self.shipped = {}
        # Package → others that come with it, by an installation that is only tried.
        self.depends = {}
        self.lists = True
        self.vcls, self.labels, self.active = {}, {}, None
        # Let go, with a request still in hand.
        self.discarded = []
        self.rules = []
        self.timers = {}
        self.connections = 0
        # Address and port → connections that Varnish keeps to it; one fewer each time somebody looks.
        self.kept = {}
        self.cold = set()
        # Port → what ss says of the program that has it.
        self.listeners = {}
        self.journal = []
        # Lines of Varnish about requests, and what a program says to whoever follows it, until that one goes away.
        self.requests, self.followed, self.follower_goes = [], [], lambda: None
        # How a unit that ran once ended: the properties that systemd shows of it.
        self.results = {}
        # Work in transient units: how often somebody still has to look until it ends, and what it does then.
        self.looks, self.work = 0, {}
        self.servers = {}
        self.app = None
        # Units that take so many looks to stop, and those that end as soon as they have started: how often by now.
        self.lingering, self.left, self.restarts = {}, {}, {}
        # Units that wait for others before they start, and when those began that start now.
        self.queued, self.began = set(), {}
        # Workers of two releases that ran at once.
        self.together = []
        # Dies before the nth thing that leaves a trace; None: never.
        self.die_at = None
        self.done = 0

    def step(self):
        if self.die_at is not None and self.done >= self.die_at:
            raise Killed
        self.done += 1

    def __call__(self, argv, stdin="", env=None, seconds=60, ok=(0,)):
        self.calls.append(" ".join(argv))
        self.step()
        program = argv[0].replace("-", "_")
        answer = getattr(self, program)(*argv[1:], **({"stdin": stdin} if stdin else {}))
        done = answered(answer)
        if ok is not None and done.code not in ok:
            raise AgentError("internal", f"{argv[0]} failed", log=[done.err])
        return done

    # systemd

    def systemctl(self, verb, *words):
        names = [word for word in words if not word.startswith("-")]
        match verb:
            case "list-units":
                loaded = [name for name, seen in self.units.items() if seen != "inactive" or name in self.queued]
                known = [name for name in loaded if any(fnmatch(name, word) for word in names)]
                return "".join(f"{name} loaded {self.units[name]}\n" for name in known)
            case "show":
                return "\n\n".join(self.properties(name) for name in names)
            case "is-active":
                return Done(0 if self.units.get(names[0]) == "active" else 3, "", "")
            case "start":
                done = self.start(names[0])
                # How the unit fares is then for whoever asked to see.
                return None if "--no-block" in words else done
            case "stop":
                for name in names:
                    for known in [known for known in {*self.units, *(f"{timer}.timer" for timer in self.timers)} if fnmatch(known, name)]:
                        if "--no-block" in words and self.units.get(known) == "active" and (looks := self.lingers(known)):
                            self.units[known], self.left[known] = "deactivating", looks
                        else:
                            self.stop(known)
            case "enable":
                for name in names:
                    os.makedirs(os.path.dirname(self.paths.unit_link(name)), exist_ok=True)
                    with contextlib.suppress(FileExistsError):
                        os.symlink(f"../{name}", self.paths.unit_link(name))
            case "mask":
                for name in names:
                    os.symlink("/dev/null", self.paths.unit(name))

    def properties(self, name):
        if name in self.work:
            return f"Id={name}\nLoadState=loaded\nActiveState={self.look_at(name)}"
        enabled = "enabled" if os.path.islink(self.paths.unit_link(name)) else ""
        if name in self.left:
            self.left[name] -= 1
            if self.left[name] <= 0:
                self.stop(name)
        seen = self.units.get(name, "inactive")
        result = self.results.get(name, "success")
        ended = f"Result={result}\nExecMainStatus=1\nJob={7 if name in self.queued else 0}"
        if name in self.began:
            moment = time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime(self.began[name]))
            seen, ended = "activating", f"{ended}\nInactiveExitTimestamp={moment}"
        restarts = self.restarts.get(name, 0)
        # One that was started again was so just now.
        since = f"ActiveEnterTimestampMonotonic={int(time.monotonic() * 1e6) if restarts else 0}"
        return f"Id={name}\nActiveState={seen}\n{ended}\nNRestarts={restarts}\n{since}\nUnitFileState={enabled}\nNeedDaemonReload=no"

    def lingers(self, name):
        return next((looks for pattern, looks in self.lingering.items() if fnmatch(name, pattern)), 0)

    def start_worker(self, name, text):
        site, _, release = name.removeprefix("silver-worker-").partition("@")
        site = site.partition(".")[0]
        for other, seen in self.units.items():
            if re.match(rf"silver-worker-{site}[.@]", other) and not other.endswith(f"@{release}") and seen in ("active", "deactivating"):
                self.together.append((name, other))
        if "ExecStart=ends" in text:
            self.restarts[name], self.results[name] = 1, "exit-code"
            self.journal = ["Traceback (most recent call last):", "ImportError: no module named nothing"]

    def start(self, name):
        if name == "varnish.service":
            self.units[name] = "active"
            return self.boot_varnish()
        text = pathlib.Path(self.paths.unit(name)).read_text() if os.path.exists(self.paths.unit(name)) else ""
        if name.startswith("silver-worker-"):
            self.start_worker(name, text)
        if "ExecStart=fails" in text:
            self.units[name] = "failed"
            self.results[name] = text.partition("ExecStart=fails")[2].split("\n")[0].strip() or "exit-code"
            self.journal = ["Traceback (most recent call last):", "ImportError: no module named nothing"]
            return Done(1, "", "Job failed")
        if listen := re.search(r"ExecStart=listen (\S+) (\d+) (\S+)", text):
            site = re.match(r"silver-[a-z]+-(.+)@", name)[1]
            self.listen(name, listen[1], int(listen[2]), f"{site} {listen[3]}")
        if name == ports.KEEPER and os.path.exists(self.paths.at(ports.RESERVED)):
            with open(self.paths.at(ports.RESERVED), "r+") as file:
                kept = [text for text in [file.read().strip(), "{first}-{last}".format(**addresses.PORTS)] if text]
                file.seek(0)
                file.write(",".join(kept) + "\n")
        self.units[name] = "active"

    def stop(self, name):
        if name in self.units:
            self.units[name] = "inactive"
        self.left.pop(name, None)
        self.queued.discard(name)
        self.restarts.pop(name, None)
        self.work.pop(name, None)
        if name.endswith(".timer"):
            self.timers.pop(name.removesuffix(".timer"), None)
        if server := self.servers.pop(name, None):
            server.shutdown()
            server.server_close()

    def listen(self, name, address, port, mark):
        self.servers[name] = self.serve(address, port, lambda request: self.app(request) if self.app else (200, "ok", mark))

    def listen_to_visitors(self):
        """Where Varnish is asked: its site's label says whose app answers. The address."""

        def answer(request):
            vcl = self.vcls.get(self.labels.get(varnish.label(request.headers["Host"].removesuffix(".test"))), "").split()
            found = [name for name, server in self.servers.items() if server.server_address[0] in vcl]
            if not found or self.units.get("varnish.service") != "active":
                return 503, "nothing is served", None
            return self.servers[found[0]].answer(request)

        self.visitors = self.serve("127.0.0.1", 0, answer)
        return self.visitors.server_address

    def serve(self, address, port, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, body, header, *more = answer(self)
                self.send_response(status)
                if header:
                    self.send_header("X-Silver-Release", header)
                for name, value in more:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *words):
                pass

        server = Server((address, port), Handler)
        server.answer = answer
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return server

    def systemd_run(self, *words):
        name = next(word.removeprefix("--unit=") for word in words if word.startswith("--unit="))
        if name in self.timers or name in self.work:
            return Done(1, "", "Unit was already loaded")
        if name.startswith("silver-job-"):
            self.units[name] = "active"
            return None
        if "--property=RemainAfterExit=yes" in words:
            self.units[name] = "active"
            argv = list(words[words.index("--") + 1 :])
            while argv[0] == "env" or "=" in argv[0]:
                argv.pop(0)
            self.work[name] = [self.looks, argv, None]
            return None
        later = [word.removeprefix("--on-active=") for word in words if word.startswith("--on-active=")]
        self.timers[name] = float(later[0]) if later else 0

    def look_at(self, name):
        """Work goes on while nobody looks; here it ends with the last look."""
        looks, argv, done = self.work[name]
        if looks > 0:
            self.work[name][0] -= 1
            return "active\nSubState=running"
        if done is None:
            done = answered(getattr(self, argv[0].replace("-", "_"))(*argv[1:]))
            self.calls.append(" ".join(argv))
            self.work[name][2] = done
            self.journal = (done.out + done.err).split("\n")
            self.units[name] = "active" if done.code == 0 else "failed"
        if done.code == 0:
            return "active\nSubState=exited\nResult=success\nExecMainStatus=0"
        return f"failed\nSubState=failed\nResult=exit-code\nExecMainStatus={done.code}"

    def journalctl(self, *words):
        if "--output=json" not in words:
            return "\n".join(self.journal)
        patterns = [word.removeprefix("--unit=") for word in words if word.startswith("--unit=")]
        usual = {"_SYSTEMD_UNIT": "silver-web-hello@1.service"}
        said = [entry if isinstance(entry, dict) else {**usual, "MESSAGE": entry} for entry in self.journal]
        said = [{**usual, **entry} if not entry.keys() & {"_SYSTEMD_UNIT", "OBJECT_SYSTEMD_UNIT"} else entry for entry in said]
        units_of = lambda entry: [entry.get(field, "") for field in ("_SYSTEMD_UNIT", "OBJECT_SYSTEMD_UNIT")]  # noqa: E731
        found = [{"_PID": "7", **each} for each in said if any(fnmatch(name, pattern) for name in units_of(each) for pattern in patterns)]
        if not found:
            return Done(1, "", "Failed to add filter for units: No such file or directory")
        most = next((int(word.removeprefix("--lines=")) for word in words if word.startswith("--lines=")), 0)
        # journald escapes control characters alone.
        entries = [{"__REALTIME_TIMESTAMP": "1795965837498072", **entry} for entry in found[-most:]]
        return "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)

    def lines(self, argv, env=None):
        """What a program writes; where it is followed, whoever does so goes away then."""
        if "--follow" not in argv and argv[0] == "journalctl" or "-d" in argv:
            said = lines_of(self(argv, ok=None).out)
            yield from reversed(said) if "--reverse" in argv else said
            return
        self.calls.append(" ".join(argv))
        yield from [None, *self.followed]
        self.follower_goes()
        yield None

    def varnishncsa(self, *words):
        return "".join(f"{line}\n" for line in self.requests)

    # Varnish

    def varnishadm(self, *words):
        command, *rest = words[4:]
        if self.units.get("varnish.service") != "active":
            return Done(1, "", "Connection failed")
        try:
            return self.cli(command, *rest)
        except ValueError as error:
            return Done(1, "", str(error))

    def cli(self, command, *rest):
        match command, rest:
            case "vcl.list", ("-j",):
                listed = [{"status": "active" if name == self.active else "available", "name": name} for name in self.vcls]
                listed += [{"status": "available", "name": name, "label": {"name": on}} for name, on in self.labels.items()]
                listed += [{"status": "discarded", "name": name} for name in self.discarded]
                return json.dumps([2, ["vcl.list", "-j"], 1.0, *listed])
            case "vcl.load", (name, path):
                self.need(name not in self.vcls, f"Already a VCL named {name}")
                text = pathlib.Path(self.paths.root + path if not path.startswith(self.paths.root) else path).read_text()
                self.need("does not compile" not in text, "Message from VCC-compiler: Expected an action")
                for named in re.findall(r"vcl\((\w+)\)", text):
                    self.need(named in self.labels, f"Not found: {named}")
                self.vcls[name] = text
            case "vcl.label", (name, on):
                self.need(on in self.vcls, f"No VCL named {on}")
                self.need(on not in self.cold, f"VCL '{on}' is cold - set to auto or warm first")
                self.labels[name] = on
            case "vcl.state", (name, "cold" | "auto" as wanted):
                self.need(name in self.vcls, f"No VCL named {name}")
                self.need(wanted == "auto" or name not in self.labels.values(), "A labeled VCL cannot be set cold")
                (self.cold.add if wanted == "cold" else self.cold.discard)(name)
            case "vcl.use", (name,):
                self.need(name in self.vcls, f"No VCL named {name}")
                self.active = name
            case "vcl.discard", (name,):
                self.need(name != self.active, "Cannot discard active VCL program")
                self.need(name not in self.labels.values(), "Cannot discard labeled VCL program")
                self.need(not any(f"vcl({name})" in text for text in self.vcls.values()), "label in use")
                self.need(name in self.vcls or name in self.labels, f"No VCL named {name}")
                if any(left > 0 and place.split(":")[0] in self.vcls.get(name, "") for place, left in self.kept.items()):
                    self.units["varnish.service"] = "failed"
                    self.need(False, "Assert error in VCP_Rel(), cache_conn_pool.c: Condition((cp->n_conn) == 0) not true")
                self.discarded.append(name)
                self.cold.discard(name)
                self.vcls.pop(name, None)
                self.labels.pop(name, None)

    @staticmethod
    def need(true, words):
        if not true:
            raise ValueError(words)

    def boot_varnish(self):
        """As `varnishd -I boot.cli` does."""
        self.vcls, self.labels, self.active, self.cold = {}, {}, None, set()
        for line in pathlib.Path(self.paths.at("/var/lib/silver/varnish/boot.cli")).read_text().splitlines():
            try:
                self.cli(line.removeprefix("-").split()[0], *line.split()[1:])
            except ValueError as error:
                if not line.startswith("-"):
                    return Done(1, "", str(error))

    def varnishstat(self, *words):
        return json.dumps({"counters": {"VBE.x.default.conn": {"value": self.connections}}})

    def ss(self, *words):
        if words[-1].startswith("sport"):
            own = {80: 'LISTEN 0 128 *:80 *:* users:(("varnishd",pid=1,fd=3))'} if self.units.get("varnish.service") == "active" else {}
            return "".join(line for port, line in {**own, **self.listeners}.items() if words[-1] == f"sport = :{port}")
        address = words[-1]
        left = self.kept.get(address, 0)
        self.kept[address] = max(left - 1, 0)
        return "ESTAB 0 0 127.0.0.1:40000 x\n" * min(left, 9)

    def serves(self, site="hello"):
        """The release's VCL that visitors get; None for the 503 page."""
        on = self.labels.get(varnish.label(site))
        return on if on and on.startswith("r_") else None

    # The rest

    def dpkg_query(self, *words):
        if words[0] == "-L":
            return "".join(f"/.\n{path}\n" for name in words[1:] for path in self.shipped.get(name, ()) if ".wants/" not in path)
        found = [name for name in words if name in self.packages]
        return "".join(f"installed {name} {name}:amd64\n" for name in found)

    def apt_get(self, *words):
        if "update" in words:
            self.lists = True
            return None
        names = words[words.index("install") + 1 :]
        if "-s" in words:
            coming = [name for name in names if not name.startswith("-") and "::" not in name]
            known = lambda name: "[0.9] " if name in self.packages else ""  # noqa: E731
            return "".join(f"Inst {each} {known(each)}(1.0 [all])\n" for name in coming for each in (name, *self.depends.get(name, ())))
        for name in [name for name in names if not name.startswith("-") and "::" not in name]:
            # Without this, apt takes a name that it does not know for a pattern where it has a dot.
            names = [name] if "APT::Cmd::Pattern-Only=true" in words else [each for each in self.available if re.search(name, each)]
            if not self.lists or not self.available.issuperset(names) or not names:
                return Done(100, "", f"E: Unable to locate package {name}")
            for each in names:
                self.bring(each, " ".join(("apt-get", *words)))

    def bring(self, name, command):
        """A package comes, by apt's history through this command."""
        self.packages.add(name)
        for path in map(self.paths.at, [*self.shipped.get(name, ()), "/var/log/apt/history.log"]):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "a") as file:
                file.write(f"\nStart-Date: 2026-11-29\nCommandline: {command}\nInstall: {name}:amd64 (1.0), x-{name}:all (1, automatic)\n")

    def apt_cache(self, *words):
        return Done(0 if words[-1] in self.available else 100, "", "")

    def nft(self, *words, stdin=""):
        self.rules.append(stdin or " ".join(words))

    def useradd(self, *words):
        self.users.add(words[-1])

    def sync(self, *words):
        pass

    def reboot(self):
        """What a power cut leaves: the disk. Units come back as their links say, Varnish from boot.cli."""
        self.die_at = None
        for name in list(self.units):
            self.stop(name)
        self.units, self.timers = {}, {}
        boot = pathlib.Path(self.paths.at("/proc/sys/kernel/random/boot_id"))
        boot.parent.mkdir(parents=True, exist_ok=True)
        boot.write_text("another\n")


def answered(answer):
    return answer if isinstance(answer, Done) else Done(0, answer or "", "")


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Python's own HTTP server looks its name up, which may take seconds."""

    allow_reuse_address = True
    daemon_threads = True


class FakeNode(Node):
    def __init__(self, paths, machine, say=None):
        super().__init__(paths, machine, say)
        self.notes, self.told, self.told_of = [], [], []

    def note(self, site, text):
        self.notes.append(text)

    def tell(self, site, release, text):
        self.told.append((site, text))

    def tell_of(self, speaker, unit, text):
        self.told_of.append((speaker, unit, text))

    def ids(self, user):
        if user not in self.run.users:
            raise KeyError(user)
        return os.geteuid(), os.getegid()

    def group(self, name):
        return os.getegid()


OWNER = {"id": "a" * 64, "name": "silverlining/test", "backend": "s3://acme-pulumi", "node": "web1"}

UNIT = "[Service]\nExecStart=listen @ADDRESS@ @PORT@ @RELEASE@\n"


class NodeTest(unittest.TestCase):
    """A node with one site, hello, and nothing released on it."""

    def setUp(self):
        # Memory, where there is any: hundreds of fsyncs on a busy disk would take minutes.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.root = tempfile.mkdtemp(prefix="silver-agent-", dir=memory)
        self.addCleanup(shutil.rmtree, self.root)
        self.paths = Paths(self.root)
        self.machine = Machine(self.paths)
        self.node = FakeNode(self.paths, self.machine)
        self.addCleanup(self.stop_servers)
        for directory in ("/usr/sbin", "/etc/systemd/system"):
            os.makedirs(self.paths.at(directory))
        for patch in (
            mock.patch.object(files, "RESERVE_BYTES", 4096),
            mock.patch.object(bytecode, "_in_a_child", lambda todo, waiting: bytecode._compile(todo)),
            mock.patch.object(long_work, "POLL_SECONDS", 0),
            mock.patch.object(hand_over, "POLL_SECONDS", 0),
            mock.patch.object(hand_over, "PATIENCE_SECONDS", 5),
            mock.patch.object(discard, "PATIENCE_SECONDS", 0.3),
            mock.patch.object(discard, "LOCKED_SECONDS", 0.3),
            mock.patch.object(check, "VISITORS", self.machine.listen_to_visitors()),
        ):
            patch.start()
            self.addCleanup(patch.stop)
        self.place("/etc/os-release", 'ID=debian\nVERSION_ID="12"\n')
        self.session = verbs.Session(self.node)

    def stop_servers(self):
        for name in list(self.machine.servers):
            self.machine.stop(name)
        self.machine.visitors.shutdown()
        self.machine.visitors.server_close()

    def place(self, path, text):
        os.makedirs(os.path.dirname(self.paths.at(path)), exist_ok=True)
        pathlib.Path(self.paths.at(path)).write_text(text)

    def text(self, path):
        return pathlib.Path(self.paths.at(path)).read_text()

    def ask(self, verb, **arguments):
        if verb == "converge":
            arguments = {"owner": OWNER, **arguments}
        return verbs.carry_out(self.node, self.session, verb, arguments)

    def refused(self, code, verb, **arguments):
        with self.assertRaises(AgentError) as caught:
            self.ask(verb, **arguments)
        self.assertEqual(caught.exception.code, code, caught.exception)
        return caught.exception

    # A node's state

    def node_state(self, sites=("hello",), **changes):
        routes = " ".join(f"vcl({varnish.label(site)})" for site in sites)
        return {
            "node": "web1",
            "os": "debian-12",
            "packages": ["varnish", "apache2-bin"],
            "sites": [{"name": site, "user": f"site-{site}"} for site in sites],
            "files": [
                {"path": "/etc/silver/nft.conf", "mode": "0644", "content": "table inet silver {}\n", "after": "nft-load"},
                {"path": "/etc/silver/varnish/s503.vcl", "mode": "0644", "content": "vcl 4.1; 503"},
                {"path": "/etc/silver/varnish/top.vcl", "mode": "0644", "content": f"vcl 4.1; {routes}", "after": "top-vcl"},
                {
                    "path": "/etc/systemd/system/varnish.service.d/silver.conf",
                    "mode": "0644",
                    "content": "[Service]\n",
                    "after": "varnish-restart",
                },
            ],
            "units": {"running": [ports.KEEPER, "varnish.service"], "stopped": ["apache2.service"]},
            **changes,
        }

    def converge(self, **changes):
        return self.ask("converge", state=self.node_state(**changes))["changes"]

    # Releases

    def app(self, **contents):
        """An app: path → content, `__` for `/` and `_py` for `.py`."""
        return {
            name.replace("__", "/").replace("_py", ".py"): content for name, content in (contents or {"src__wsgi_py": "one = 1\n"}).items()
        }

    def listing(self, app):
        entries = [[path, "file", False, hashlib.sha256(app[path].encode()).hexdigest()] for path in sorted(app, key=str.encode)]
        return "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries)

    def release(self, app, version="1.0.0", unit_text=UNIT, vcl="vcl 4.1; @VCL@ @ADDRESS@", site="hello", **changes):
        bundle = hashlib.sha256(self.listing(app).encode()).hexdigest()
        rest = {
            "site": site,
            "user": f"site-{site}",
            "bundle": {"id": f"{version}-{bundle[:8]}", "digest": bundle},
            "packages": [],
            "files": [
                {"path": "conf/site.vcl", "mode": "0644", "content": vcl},
                {"path": "conf/web.service", "mode": "0644", "content": unit_text},
            ],
            "units": [{"role": "web", "file": "conf/web.service", "starts": "prepare"}],
            "variables": {"GREETING": "hi"},
            "secrets": {},
            **changes,
        }
        digest = hashlib.sha256(files.canonical(rest).encode()).hexdigest()
        return {"id": f"{rest['bundle']['id']}.{digest[:8]}", "digest": digest, **rest}

    def lease(self, release, who="anna@laptop"):
        token = self.ask("lease", site=release["site"], who=who, pid=7, release=release["id"], owner=OWNER)["token"]
        return {"site": release["site"], "token": token}

    def upload(self, held, release, app):
        room = self.ask("receive", **held, release=release["id"], bundle=release["bundle"]["id"])
        if room["directory"] is not None:
            for path, content in app.items():
                target = pathlib.Path(room["directory"]) / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(content)
        return room

    def prepare(self, held, release, app, secrets=None, seconds=5):
        self.upload(held, release, app)
        work = {"works": True} if any(unit["starts"] == "cut-over" for unit in release["units"]) else {}
        words = {"release": release, "listing": self.listing(app), "secrets": secrets or {}, "startSeconds": seconds}
        return self.ask("prepare", **held, **words, **work)

    def hand_over(self, held, works=True):
        return self.ask("hand-over", **held, works=works)

    def finish(self, held, release, verdict="live", reason=None, retain=3, **changes):
        settings = {"retain": retain, "graceSeconds": 600, "drainSeconds": 0, **changes}
        return self.ask("finish", **held, release=release["id"], verdict=verdict, reason=reason, seconds=1.5, **settings)["state"]

    def roll_out(self, version="1.0.0", app=None, values=None, **changes):
        """A whole rollout that goes well; its release. `values`: of its secrets."""
        app = app or self.app(src__wsgi_py=f"version = {version!r}\n")
        release = self.release(app, version, **changes)
        held = self.lease(release)
        self.prepare(held, release, app, values)
        self.passes(held, release, "direct")
        self.ask("flip", **held, release=release["id"], last=False)
        self.passes(held, release, "varnish")
        self.ask("flip", **held, release=release["id"], last=True)
        if any(unit["starts"] == "cut-over" for unit in release["units"]):
            self.hand_over(held)
        self.finish(held, release)
        return release

    def passes(self, held, release, through, **changes):
        """Asks the release, which must answer right."""
        asked = {"targets": [{"host": f"{release['site']}.test", "path": "/"}], "https": False, "status": None, "body": None}
        words = {"through": through, "withinSeconds": 5, **asked, **changes}
        (answer,) = self.ask("check", **held, release=release["id"], **words)["answers"]
        self.assertTrue(answer["ok"], answer)

    def site_state(self, site="hello"):
        return self.ask("status", site=site)["sites"][0]

    # Life and death

    def die(self):
        """The agent's process is gone, with its locks; what it wrote stays."""
        self.machine.die_at = None
        for held in self.session.leases.values():
            os.close(held.fd)
        self.session = verbs.Session(self.node)

    def start_boot(self):
        """What systemd does after a boot: `recover` before Varnish, releases by their links."""
        wants = os.path.dirname(self.paths.unit_link("x"))
        changes = self.ask("recover")["changes"]
        for name in os.listdir(wants) if os.path.isdir(wants) else []:
            if name != "varnish.service":
                self.machine.start(name)
        self.machine.start("varnish.service")
        return changes

    def assert_in_order(self, live, site="hello"):
        """Label, boot.cli, state, unit and links all say the same, and nothing is under way."""
        digest = live["digest"] if live else None
        vcl = varnish.vcl_name(site, digest) if live else None
        self.assertIsNone(journal.read(self.node, site))
        self.assertEqual(state.read(self.node, site)["live"], live["id"] if live else None)
        self.assertEqual(self.machine.serves(site), vcl)
        boot = re.findall(rf"^-vcl.label {varnish.label(site)} (\S+)$", self.text("/var/lib/silver/varnish/boot.cli"), re.M)
        self.assertEqual(boot, [vcl] if vcl else [])
        if live:
            for name in units.named(live):
                self.assertEqual(self.machine.units.get(name), "active")
                self.assertTrue(unit.enabled(self.node, name))
        for release in state.read(self.node, site)["releases"]:
            if live is None or release != live["id"]:
                for name in units.starting(units.of(self.node, site, release), "cut-over"):
                    self.assertNotEqual(self.machine.units.get(name), "active")
                    self.assertFalse(unit.enabled(self.node, name))


__all__ = ["OWNER", "AgentError", "Done", "DriverGone", "FakeNode", "Killed", "Machine", "NodeTest", "Paths", "Runner"]
