"""JSON Schema, as far as the contract uses it: exactly these forms. Reading a schema with any other keyword is an error.

Errors never repeat a value, which may be a secret: they name its path and what should be there.
"""

import re
import sys

from .errors import AgentError


def check_of(schema):
    """The check for a schema: it takes a value and its path, and raises AgentError `usage`."""
    match schema:
        case {"type": "object", "properties": dict() as fields, "additionalProperties": False, **rest} if not rest.keys() - {"required"}:
            return record({key: check_of(field) for key, field in fields.items()}, rest.get("required", []))
        case {"type": "object", "propertyNames": names, "additionalProperties": dict() as item, **rest} if not rest:
            return mapping(check_of(names), check_of(item))
        case {"type": "array", "items": item, **rest} if not rest:
            return each(check_of(item))
        case {"type": "string", "pattern": pattern, "description": what, **rest} if not rest:
            return matching(pattern, what)
        case {"type": "string", "enum": words, **rest} if not rest:
            return one_of(words)
        case {"type": "string", "const": word, **rest} if not rest:
            return one_of([word])
        case {"type": "boolean", **rest} if not rest:
            return truth
        case {"type": "integer", **rest} if not rest.keys() - {"minimum", "maximum"}:
            return number(int, "a whole number", **rest)
        case {"type": "number", **rest} if not rest.keys() - {"minimum", "maximum"}:
            return number((int, float), "a number", **rest)
        case {"anyOf": [item, {"type": "null", **null}], **rest} if not rest and not null:
            return nullable(check_of(item))
        case {"oneOf": kinds, **rest} if not rest:
            return chosen(kinds)
    raise ValueError(f"no check stands for {', '.join(schema)}")


MOST = sys.float_info.max
WORDS = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number", type(None): "null"}


def refused(path, wanted):
    return AgentError("usage", f"{path or 'arguments'}: should be {wanted}")


def typed(value, kind, path, wanted):
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise refused(path, f"{wanted}, is {WORDS[type(value)]}")


def record(fields, required):
    """An object with no other keys than these."""

    def check(value, path):
        typed(value, dict, path, "an object")
        for key in value:
            if key not in fields:
                raise AgentError("usage", f"{path or 'arguments'}: unknown key {key[:80]!r}")
        for key in required:
            if key not in value:
                raise AgentError("usage", f"{path or 'arguments'}: {key!r} is missing")
        for key, item in value.items():
            fields[key](item, f"{path}.{key}" if path else key)

    return check


def mapping(names, item):
    """An object whose keys all have one form, as do its values."""

    def check(value, path):
        typed(value, dict, path, "an object")
        for key, one in value.items():
            names(key, f"{path}: key {key[:80]!r}")
            item(one, f"{path}.{key}")

    return check


def each(item):
    def check(value, path):
        typed(value, list, path, "a list")
        for index, one in enumerate(value):
            item(one, f"{path}[{index}]")

    return check


def matching(pattern, what):
    """Matches the whole text: `$` would allow a trailing newline."""
    if not (pattern.startswith("^(?:") and pattern.endswith(")$")):
        raise ValueError(f"{pattern} is not anchored as ^(?:…)$")
    shape = re.compile(pattern)

    def check(value, path):
        typed(value, str, path, what)
        if not shape.fullmatch(value):
            raise refused(path, what)

    return check


def one_of(words):
    wanted = f"one of {', '.join(words)}" if words[1:] else words[0]

    def check(value, path):
        if not isinstance(value, str) or value not in words:
            raise refused(path, wanted)

    return check


def truth(value, path):
    typed(value, bool, path, "true or false")


def number(kind, what, minimum=-MOST, maximum=MOST):
    """Refuses NaN and infinity, which Python accepts in JSON."""

    def check(value, path):
        typed(value, kind, path, what)
        if value < minimum:
            raise refused(path, f"{what} of at least {minimum}")
        if not value <= maximum:
            raise refused(path, f"{what} of at most {maximum}")

    return check


def nullable(item):
    return lambda value, path: None if value is None else item(value, path)


def chosen(kinds):
    """One of several objects, distinguished by the key that is constant in each."""
    (key,) = {key for kind in kinds for key, field in kind["properties"].items() if "const" in field}
    checks = {kind["properties"][key]["const"]: check_of(kind) for kind in kinds}
    choice = one_of(list(checks))

    def check(value, path):
        typed(value, dict, path, "an object")
        choice(value.get(key), f"{path}.{key}")
        checks[value[key]](value, path)

    return check
