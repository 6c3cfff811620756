"""What services that speak HTTP have in common."""

import base64
import contextlib
import http.client
import json
import urllib.parse

from ..http_answer import Answer
from .wire import Refusal, words


def get(wire, asked, path):
    """(status, body as JSON; None where it is something else) of one page, asked for as the user."""
    wire.secure()
    connection = http.client.HTTPConnection(wire.host, wire.port)
    connection.sock, connection.response_class = wire.socket, Answer
    headers = {"Accept": "application/json", "User-Agent": "silver"}
    if asked["user"] or asked["password"]:
        pair = f"{asked['user']}:{asked['password']}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    try:
        with wire.told():
            wire.socket.settimeout(wire.time_left())
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = answer.read(64 * 1024)
    except http.client.HTTPException as error:
        raise Refusal("protocol", f"does not speak HTTP: {words(str(error) or type(error).__name__)}") from None
    if answer.status in (401, 403):
        raise Refusal("credential", f"refuses the user: status {answer.status}")
    found = None
    with contextlib.suppress(ValueError):
        found = json.loads(body)
    return answer.status, found


def quoted(path):
    return urllib.parse.quote(path, safe="/")
