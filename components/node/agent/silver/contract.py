"""The agent's side of the contract in contract.ts: every verb's arguments, checked here too before anything is touched."""

import re

from .errors import AgentError

PROTOCOL = 1
SILENCE_SECONDS = 30


class Record:
    """An object with exactly these keys; those in `optional` may be left out."""

    def __init__(self, fields, optional=()):
        self.fields = fields
        self.optional = frozenset(optional)

    def __call__(self, value, path):
        if not isinstance(value, dict):
            raise wrong(path, "an object", value)
        for key in value:
            if key not in self.fields:
                raise AgentError("usage", f"{path or 'arguments'}: unknown key {key!r}")
        for key, check in self.fields.items():
            if key in value:
                check(value[key], f"{path}.{key}" if path else key)
            elif key not in self.optional:
                raise AgentError("usage", f"{path or 'arguments'}: {key!r} is missing")


def wrong(path, wanted, value):
    """The value itself is not repeated: it may be a secret."""
    return AgentError("usage", f"{path or 'arguments'}: should be {wanted}, is {type(value).__name__}")


def text(value, path):
    if not isinstance(value, str):
        raise wrong(path, "text", value)
    if "\0" in value:
        raise AgentError("usage", f"{path}: holds a NUL character")


def whole(value, path):
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong(path, "a whole number", value)


def number(value, path):
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise wrong(path, "a number", value)


def truth(value, path):
    if not isinstance(value, bool):
        raise wrong(path, "true or false", value)


def nullable(check):
    return lambda value, path: None if value is None else check(value, path)


def each(check):
    def checked(value, path):
        if not isinstance(value, list):
            raise wrong(path, "a list", value)
        for index, item in enumerate(value):
            check(item, f"{path}[{index}]")

    return checked


def mapping(check):
    def checked(value, path):
        if not isinstance(value, dict):
            raise wrong(path, "an object", value)
        for key, item in value.items():
            text(key, path)
            check(item, f"{path}.{key}")

    return checked


def one_of(*choices):
    def checked(value, path):
        if value not in choices:
            raise AgentError("usage", f"{path}: should be one of {', '.join(choices)}")

    return checked


def matching(pattern, what):
    shape = re.compile(pattern)

    def checked(value, path):
        text(value, path)
        if not shape.fullmatch(value):
            raise AgentError("usage", f"{path}: {value[:80]!r} is not {what}")

    return checked


def inside(value, path):
    """A path below a release's directory."""
    text(value, path)
    if not value or value.startswith("/") or any(part in ("", ".", "..") for part in value.split("/")):
        raise AgentError("usage", f"{path}: {value!r} does not stay inside the release")


def absolute(value, path):
    text(value, path)
    if not value.startswith("/") or any(part in ("", ".", "..") for part in value[1:].split("/")):
        raise AgentError("usage", f"{path}: {value!r} is not a plain absolute path")


# Names end up in paths, unit names and command lines: nothing passes that could mean something there.
site_name = matching(r"[a-z][a-z0-9-]{0,23}", "a site name")
user_name = matching(r"site-[a-z][a-z0-9-]{0,23}", "a site's user")
unit_name = matching(r"[A-Za-z0-9@_.-]+\.(service|timer|socket|target|path)", "a systemd unit")
package_name = matching(r"[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?", "an apt package")
bundle_id = matching(r"([A-Za-z0-9][A-Za-z0-9._-]*-)?[0-9a-f]{8}", "a bundle id")
release_id = matching(r"([A-Za-z0-9][A-Za-z0-9._-]*-)?[0-9a-f]{8}\.[0-9a-f]{8}", "a release id")
digest = matching(r"[0-9a-f]{64}", "a SHA-256 in hex")
octal = matching(r"0[0-7]{3}", "an octal mode such as 0644")
database_name = matching(r"[a-z][a-z0-9_]{0,62}", "a name of PostgreSQL")
variable = matching(r"[A-Za-z_][A-Za-z0-9_]*", "a variable's name")

AFTER = ("daemon-reload", "nft-load", "varnish-restart", "top-vcl")
VERDICTS = ("live", "unchanged", "refused", "reverted", "live-failing", "split", "unknown")


def rendered_file(path):
    fields = {"path": path, "mode": octal, "group": one_of("site"), "content": text, "after": one_of(*AFTER)}
    return Record(fields, optional=("group", "after"))


NODE_STATE = Record(
    {
        "node": text,
        "os": text,
        "packages": each(package_name),
        "sites": each(Record({"name": site_name, "user": user_name})),
        "files": each(rendered_file(absolute)),
        "units": Record({"running": each(unit_name), "stopped": each(unit_name)}),
    }
)

RELEASE = Record(
    {
        "id": release_id,
        "digest": digest,
        "site": site_name,
        "user": user_name,
        "bundle": Record({"id": bundle_id, "digest": digest}),
        "version": text,
        "packages": each(package_name),
        "files": each(rendered_file(inside)),
        "variables": mapping(text),
        "secrets": mapping(whole),
        "configDirectory": Record({"path": inside, "digest": digest}, optional=("digest",)),
        "checker": text,
        "libraries": Record({"requirements": digest, "targets": each(Record({"python": text, "platform": text}))}),
    },
    optional=("version", "configDirectory", "checker", "libraries"),
)


SET_UPS = {
    "postgres": Record(
        {
            "type": text,
            "name": text,
            "packages": each(package_name),
            "database": database_name,
            "owner": database_name,
            "user": user_name,
            "connections": whole,
            "bytes": whole,
        }
    ),
    "files": Record({"type": text, "name": text, "packages": each(package_name), "user": user_name, "directory": absolute, "bytes": whole}),
}


def set_up(value, path):
    kind = value.get("type") if isinstance(value, dict) else None
    one_of(*SET_UPS)(kind, f"{path}.type")
    SET_UPS[kind](value, path)


SERVICES = Record({"setUp": each(set_up), "variables": mapping(text)})


def leased(optional=(), **fields):
    return Record({"site": site_name, "token": whole, **fields}, optional)


VERBS = {
    "hello": Record({}),
    "ping": Record({}),
    "converge": Record({"state": NODE_STATE}),
    "lease": Record({"site": site_name, "who": text, "pid": whole, "release": text}),
    "receive": leased(release=release_id, bundle=bundle_id, wheels=digest, optional=("wheels",)),
    "prepare": leased(
        release=RELEASE,
        listing=text,
        secrets=mapping(text),
        services=SERVICES,
        config=Record({"listing": text, "files": mapping(text)}),
        wheels=Record({"listing": text, "digest": digest}),
        startSeconds=number,
        optional=("services", "config", "wheels"),
    ),
    "check": leased(
        release=release_id,
        through=one_of("direct", "varnish"),
        host=text,
        path=text,
        status=whole,
        body=nullable(text),
        withinSeconds=number,
    ),
    "flip": leased(release=release_id, last=truth),
    "undo": leased(reason=text),
    "finish": leased(
        release=release_id,
        verdict=one_of(*VERDICTS),
        reason=nullable(text),
        seconds=number,
        retain=whole,
        graceSeconds=number,
        drainSeconds=number,
    ),
    "remove": leased(),
    "status": Record({"site": nullable(site_name)}),
    "logs": Record({"site": site_name, "release": nullable(release_id), "lines": whole, "kind": one_of("app", "rollout")}),
    "recover": Record({}),
    "measure": Record({}),
}


def check_arguments(verb, arguments):
    if verb not in VERBS:
        raise AgentError("usage", f"unknown verb {verb!r}", fix=f"one of: {', '.join(VERBS)}")
    VERBS[verb](arguments, "")
