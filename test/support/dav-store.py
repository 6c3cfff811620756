"""Files as WebDAV and CalDAV want them (RFC 4918, RFC 4791): collections, properties, locks, conditions, calendars."""

import contextlib
import datetime
import fcntl
import json
import os
import re
import shutil
import tempfile
import time
import urllib.parse
import uuid
from xml.etree import ElementTree
from xml.sax.saxutils import escape

DAV, CALENDAR = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
METHODS = "OPTIONS GET HEAD PUT DELETE MKCOL MKCALENDAR COPY MOVE PROPFIND PROPPATCH LOCK UNLOCK REPORT"
SUPPORTED_LOCKS = "".join(
    f"<D:lockentry><D:lockscope><D:{scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>"
    for scope in ("exclusive", "shared")
)


class Refused(Exception):
    """Its text is the status."""


class Store:
    def __init__(self, directory, prefix):
        self.root, self.record, self.prefix = os.path.join(directory, "files"), os.path.join(directory, "record.json"), prefix
        self.directory = directory
        os.makedirs(self.root, exist_ok=True)

    def __call__(self, environ):
        """Returns status, headers and body: bytes, or an open file."""
        method = environ["REQUEST_METHOD"]
        if method not in METHODS.split():
            return "405 Method Not Allowed", [("Allow", METHODS.replace(" ", ", "))], b""
        # Received before the record is taken: a slow upload makes nobody wait.
        with tempfile.NamedTemporaryFile(dir=self.directory, delete=False) as received:
            shutil.copyfileobj(environ["wsgi.input"], received, 1024 * 1024)
        try:
            with self.state() as state:
                return getattr(Request(self, state, environ, received.name), method.lower())()
        except Refused as refusal:
            return str(refusal), [], b""
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(received.name)

    @contextlib.contextmanager
    def state(self):
        """What all processes know besides the files; kept unless the request was refused."""
        with open(self.record, "a+", encoding="utf-8") as record:
            fcntl.flock(record, fcntl.LOCK_EX)
            record.seek(0)
            state = json.loads(record.read() or '{"properties": {}, "locks": {}, "calendars": []}')
            state["locks"] = {token: lock for token, lock in state["locks"].items() if lock["until"] > time.time()}
            yield state
            record.truncate(0)
            record.write(json.dumps(state))


class Request:
    def __init__(self, store, state, environ, received):
        self.store, self.state, self.environ, self.received = store, state, environ, received
        self.base = environ["SCRIPT_NAME"] + store.prefix
        self.path = environ["PATH_INFO"].encode("latin-1").decode().removeprefix(store.prefix).strip("/")
        self.depth = environ.get("HTTP_DEPTH")
        self.sent = set()
        if "HTTP_IF" in environ:
            self.judge(environ["HTTP_IF"])

    # What is there

    def file(self, path=None):
        return os.path.join(self.store.root, self.path if path is None else path)

    def exists(self, path=None):
        return os.path.exists(self.file(path))

    def etag(self, path=None):
        try:
            found = os.stat(self.file(path))
        except FileNotFoundError:
            return None
        return f'"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"'

    def href(self, path):
        return urllib.parse.quote(f"{self.base}/{path}" + ("/" if path and os.path.isdir(self.file(path)) else ""))

    def local(self, url):
        return urllib.parse.unquote(urllib.parse.urlsplit(url).path).removeprefix(self.base).strip("/")

    def members(self, path, depth):
        yield path
        if depth != "0" and os.path.isdir(self.file(path)):
            for name in sorted(os.listdir(self.file(path))):
                yield from self.members(f"{path}/{name}".strip("/"), "0" if depth == "1" else depth)

    # Conditions and locks

    def locks(self, path, below=False):
        return {
            token: lock
            for token, lock in self.state["locks"].items()
            if lock["path"] == path or (lock["depth"] != "0" and inside(path, lock["path"])) or (below and inside(lock["path"], path))
        }

    def judge(self, header):
        """One of the lists must hold; what they name of locks is what the client has."""
        path, holds = self.path, False
        for url, terms in re.findall(r"<([^>]*)>\s*(?=\()|\(([^)]*)\)", header):
            if url:
                path = self.local(url)
                continue
            named = re.findall(r"(Not\s+)?(?:<([^>]*)>|\[([^\]]*)\])", terms)
            self.sent |= {token for _, token, _ in named if token}
            holds |= all(bool(no) != (token in self.locks(path) if token else etag == self.etag(path)) for no, token, etag in named)
        if not holds:
            raise Refused("412 Precondition Failed")

    def change(self, path, below=False):
        """Raises where somebody else has locked it, or the collection that would lose or get it."""
        around = {token: lock for token, lock in self.state["locks"].items() if lock["path"] == os.path.dirname(path)}
        for locks in (self.locks(path, below), {} if self.exists(path) and not below else around):
            if locks and not self.sent & locks.keys():
                raise Refused("423 Locked")

    def within(self, path):
        if not os.path.isdir(self.file(os.path.dirname(path))):
            raise Refused("409 Conflict")

    # Files

    def options(self):
        return "200 OK", [("DAV", "1, 2, calendar-access"), ("Allow", METHODS.replace(" ", ", "))], b""

    def get(self):
        if not self.exists():
            raise Refused("404 Not Found")
        if os.path.isdir(self.file()):
            return "200 OK", [("Content-Type", "text/plain")], "\n".join(sorted(os.listdir(self.file()))).encode()
        kind = "text/calendar" if self.path.endswith(".ics") else "application/octet-stream"
        return "200 OK", [("Content-Type", kind), ("ETag", self.etag())], open(self.file(), "rb")

    head = get

    def put(self):
        self.within(self.path)
        existed, etag = self.exists(), self.etag()
        if os.path.isdir(self.file()):
            raise Refused("405 Method Not Allowed")
        if existed and self.environ.get("HTTP_IF_NONE_MATCH") in ("*", etag):
            raise Refused("412 Precondition Failed")
        if self.environ.get("HTTP_IF_MATCH", etag) not in ("*" if existed else None, etag):
            raise Refused("412 Precondition Failed")
        self.change(self.path)
        os.replace(self.received, self.file())
        return "204 No Content" if existed else "201 Created", [("ETag", self.etag())], b""

    def mkcol(self):
        if os.path.getsize(self.received):
            raise Refused("415 Unsupported Media Type")
        return self.collection()

    def mkcalendar(self):
        body = self.body()
        made = self.collection()
        self.state["calendars"].append(self.path)
        for prop in body.iter(f"{DAV}prop"):
            self.state["properties"][self.path] = {one.tag: xml(one) for one in prop}
        return made

    def collection(self):
        if self.exists():
            raise Refused("405 Method Not Allowed")
        self.within(self.path)
        self.change(self.path)
        os.mkdir(self.file())
        return "201 Created", [], b""

    def delete(self):
        if not self.exists():
            raise Refused("404 Not Found")
        self.change(self.path, below=True)
        self.forget(self.path)
        return "204 No Content", [], b""

    def forget(self, path):
        shutil.rmtree(self.file(path)) if os.path.isdir(self.file(path)) else os.unlink(self.file(path))

        def gone(one):
            return one == path or inside(one, path)

        self.state["locks"] = {token: lock for token, lock in self.state["locks"].items() if not gone(lock["path"])}
        self.state["properties"] = {one: kept for one, kept in self.state["properties"].items() if not gone(one)}
        self.state["calendars"] = [one for one in self.state["calendars"] if not gone(one)]

    def copy(self, move=False):
        source, target = self.path, self.local(self.environ["HTTP_DESTINATION"])
        if not self.exists():
            raise Refused("404 Not Found")
        if source == target or inside(target, source):
            raise Refused("403 Forbidden")
        self.within(target)
        existed = self.exists(target)
        if existed and self.environ.get("HTTP_OVERWRITE") == "F":
            raise Refused("412 Precondition Failed")
        self.change(target, below=True)
        if move:
            self.change(source, below=True)
        if existed:
            self.forget(target)
        for one in list(self.members(source, self.depth or "infinity")):
            new = target + one.removeprefix(source)
            if os.path.isdir(self.file(one)):
                os.mkdir(self.file(new))
            else:
                shutil.copyfile(self.file(one), self.file(new))
            if one in self.state["properties"]:
                self.state["properties"][new] = self.state["properties"][one]
            if one in self.state["calendars"]:
                self.state["calendars"].append(new)
        if move:
            self.forget(source)
        return "204 No Content" if existed else "201 Created", [], b""

    def move(self):
        return self.copy(move=True)

    # Properties

    def body(self):
        with open(self.received, "rb") as file:
            text = file.read()
        try:
            return ElementTree.fromstring(text) if text else ElementTree.Element("none")
        except ElementTree.ParseError as error:
            raise Refused("400 Bad Request") from error

    def properties(self, path):
        """Each property of a resource, by its name, as XML."""
        found = os.stat(self.file(path))
        kind = "<D:collection/>" if os.path.isdir(self.file(path)) else ""
        if path in self.state["calendars"]:
            kind += "<C:calendar/>"
        live = {
            "resourcetype": kind,
            "getetag": escape(self.etag(path)),
            "getcontentlength": str(found.st_size),
            "getlastmodified": datetime.datetime.fromtimestamp(found.st_mtime, datetime.UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"),
            "supportedlock": SUPPORTED_LOCKS,
            "lockdiscovery": "".join(self.active(token, lock) for token, lock in self.locks(path).items()),
        }
        told = {f"{DAV}{name}": f"<D:{name}>{content}</D:{name}>" for name, content in live.items()}
        return {**told, **self.state["properties"].get(path, {})}

    def active(self, token, lock):
        return (
            f"<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:{lock['scope']}/></D:lockscope><D:depth>{lock['depth']}</D:depth>"
            f"{lock['owner']}<D:timeout>Second-3600</D:timeout><D:locktoken><D:href>{token}</D:href></D:locktoken>"
            f"<D:lockroot><D:href>{self.href(lock['path'])}</D:href></D:lockroot></D:activelock>"
        )

    def propfind(self):
        asked = self.body()
        if not self.exists():
            raise Refused("404 Not Found")
        return self.told(self.members(self.path, self.depth or "infinity"), asked.find(f"{DAV}prop"))

    def told(self, paths, wanted, more=lambda path: {}):
        """207 with the wanted properties of each path, or all."""
        answers = []
        for path in paths:
            have = {**self.properties(path), **more(path)}
            names = list(have) if wanted is None else [one.tag for one in wanted]
            found = "".join(have[name] for name in names if name in have)
            missing = "".join(xml(ElementTree.Element(name)) for name in names if name not in have)
            answers.append((path, [("200 OK", found), ("404 Not Found", missing)]))
        return self.multistatus(answers)

    def multistatus(self, answers):
        text = "".join(
            f"<D:response><D:href>{self.href(path)}</D:href>"
            + "".join(
                f"<D:propstat><D:prop>{props}</D:prop><D:status>HTTP/1.1 {status}</D:status></D:propstat>"
                for status, props in states
                if props
            )
            + "</D:response>"
            for path, states in answers
        )
        return "207 Multi-Status", [("Content-Type", "application/xml; charset=utf-8")], document("multistatus", text)

    def proppatch(self):
        update = self.body()
        if not self.exists():
            raise Refused("404 Not Found")
        self.change(self.path)
        kept, names = self.state["properties"].setdefault(self.path, {}), {}
        for step in update:
            for one in step.find(f"{DAV}prop"):
                names[one.tag] = xml(ElementTree.Element(one.tag))
                if step.tag == f"{DAV}set":
                    kept[one.tag] = xml(one)
                else:
                    kept.pop(one.tag, None)
        return self.multistatus([(self.path, [("200 OK", "".join(names.values()))])])

    # Locks

    def lock(self):
        asked, held = self.body(), self.locks(self.path)
        if asked.tag != f"{DAV}lockinfo":
            tokens = self.sent & held.keys()
            if not tokens:
                raise Refused("412 Precondition Failed")
            for token in tokens:
                held[token]["until"] = time.time() + 3600
            return self.discovered("200 OK", [])
        scope = asked.find(f"{DAV}lockscope")[0].tag.removeprefix(DAV)
        depth = "0" if self.depth == "0" else "infinity"
        others = self.locks(self.path, below=depth != "0").values()
        if any("exclusive" in (scope, lock["scope"]) for lock in others):
            raise Refused("423 Locked")
        existed = self.exists()
        if not existed:
            self.within(self.path)
            self.change(self.path)
            open(self.file(), "x").close()
        owner = asked.find(f"{DAV}owner")
        token = f"opaquelocktoken:{uuid.uuid4()}"
        kept = {"path": self.path, "scope": scope, "depth": depth, "owner": "" if owner is None else xml(owner)}
        self.state["locks"][token] = {**kept, "until": time.time() + 3600}
        return self.discovered("200 OK" if existed else "201 Created", [("Lock-Token", f"<{token}>")])

    def discovered(self, status, headers):
        text = self.properties(self.path)[f"{DAV}lockdiscovery"]
        return status, [("Content-Type", "application/xml; charset=utf-8"), *headers], document("prop", text)

    def unlock(self):
        token = self.environ.get("HTTP_LOCK_TOKEN", "").strip("<>")
        if token not in self.locks(self.path):
            raise Refused("409 Conflict")
        del self.state["locks"][token]
        return "204 No Content", [], b""

    # Calendars

    def report(self):
        """calendar-query: the events that have the wanted component, and begin in the wanted time."""
        query = self.body()
        if query.tag != f"{CALENDAR}calendar-query":
            raise Refused("403 Forbidden")
        components = [f"BEGIN:{one.get('name')}" for one in query.iter(f"{CALENDAR}comp-filter")]
        times = [(one.get("start", ""), one.get("end", "9")) for one in query.iter(f"{CALENDAR}time-range")]

        def wanted(path):
            if not path.endswith(".ics"):
                return False
            text = self.text(path)
            begins = re.search(r"DTSTART[^:]*:(\S+)", text)
            return all(one in text for one in components) and all(begins and start <= begins[1] < end for start, end in times)

        def data(path):
            return {f"{CALENDAR}calendar-data": f"<C:calendar-data>{escape(self.text(path))}</C:calendar-data>"}

        paths = [path for path in self.members(self.path, self.depth or "0") if wanted(path)]
        return self.told(paths, query.find(f"{DAV}prop"), data)

    def text(self, path):
        with open(self.file(path), encoding="utf-8", newline="") as file:
            return file.read()


def inside(path, collection):
    return path != collection and (collection == "" or path.startswith(f"{collection}/"))


def xml(element):
    element.tail = None
    return ElementTree.tostring(element, encoding="unicode")


def document(name, content):
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<D:{name} xmlns:D="DAV:" xmlns:C="{CALENDAR.strip("{}")}">{content}</D:{name}>'.encode()
    )
