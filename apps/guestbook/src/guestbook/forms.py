"""Reads a form: texts as str, the file as bytes."""

from email.message import Message

FILE = "picture"


def read(environ, length):
    body = environ["wsgi.input"].read(length)
    kind, boundary = _header(environ.get("CONTENT_TYPE", ""), "boundary")
    if kind != "multipart/form-data" or not boundary:
        return {}
    # A text where a file is meant, or the other way round, is none of ours.
    parts = _parts(body, boundary.encode("latin-1", "replace"))
    return {name: value for name, value in parts if isinstance(value, bytes) == (name == FILE)}


def _parts(body, boundary):
    """(name, value) of each part of a multipart body (RFC 7578); what is not well formed is left out."""
    # Each part begins with a boundary on a line of its own; before the first and after the last one stands nothing of use.
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:]:
        head, end, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        for line in head.decode("utf-8", "replace").split("\r\n") if end else ():
            key, _, value = line.partition(":")
            if key.strip().lower() == "content-disposition":
                _, name = _header(value, "name")
                _, file = _header(value, "filename")
                if name is not None:
                    yield name, content if file is not None else _text(content)


def _header(value, parameter):
    """A header's first word in lower case, and one of its parameters."""
    message = Message()
    message["Content-Type"] = " ".join(value.split())
    found = message.get_param(parameter)
    return value.partition(";")[0].strip().lower(), found if isinstance(found, str) else None


def _text(content):
    """Browsers send line ends as two characters, and count them as one."""
    return content.decode("utf-8", "replace").replace("\r\n", "\n")
