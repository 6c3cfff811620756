"""Requests a page of a release at each of its locations over HTTP, as its visitors will."""

import contextlib
import random
import socket
import threading
import time

from . import addresses, blame, redact, state, unit, units, verify
from .errors import AgentError

MOST_SECONDS_PER_REQUEST = 10.0
# The last request of a check, made when its time is nearly up: a busy node is not a wrong answer.
LEAST_SECONDS_PER_REQUEST = 2.0
BODY_BYTES = 1_000_000
SHOWN_CHARACTERS = 2_000
# Where visitors come.
VISITORS = ("127.0.0.1", 80)
# Each request tries again to load an app. After this many failures over this many seconds, believe it.
LOADS = 5
LOAD_SECONDS = 3.0


# Only root may connect from one of these: so the site's VCL knows the agent, and believes what it says of TLS.
OWN_PORTS = range(512, 1024)


def check(node, lease, arguments):
    """
    Asks one location after the other until each answer is right or time is up; then the result has the app's output, or the error is the
    node's.
    """
    site, release = arguments["site"], arguments["release"]
    place = find(node, arguments)
    services = units.starting(units.of(node, site, release), "prepare")
    end = time.monotonic() + arguments["withinSeconds"]
    answers = []
    for target in arguments["targets"]:
        answers.append(ask_until(node, services, place, arguments, target, end))
        if not answers[-1]["ok"]:
            break
    log = []
    if not answers[-1]["ok"]:
        log = unit.said_since(node, services, lease.since())
    hidden = redact.values(node, site)
    if not answers[-1]["ok"] and (cause := blame.of_node(node, site, arguments["through"])):
        last = without(hidden, answers[-1])
        message = f"{last['url']}: {last['reason']}; {cause.message}"
        raise AgentError(cause.code, message, fix=cause.fix, log=redact.redact(hidden, log))
    if answers[-1]["ok"]:
        verify.remember(node, arguments)
    return {"answers": [without(hidden, answer) for answer in answers], "log": redact.redact(hidden, log)}


def without(hidden, answer):
    """An answer without secrets, in what the app itself wrote of it, as much of it as is shown."""
    own = {field: answer[field] for field in ("body", "reason", "redirect") if answer[field] is not None}
    # Cut afterwards: a part of a secret would not be found.
    return {**answer, **{field: "\n".join(redact.redact(hidden, text.split("\n")))[:SHOWN_CHARACTERS] for field, text in own.items()}}


def ask_until(node, services, place, arguments, target, end):
    """The first right answer of one location, or the one that was wrong when there was no point in asking again."""
    pause = 0.05
    dead, since = 0, 0.0
    while True:
        answer, by_app = ask(place, arguments, target, end)
        dead = dead + 1 if answer["status"] == 500 and not by_app else 0
        since = time.monotonic() if dead <= 1 else since
        if dead >= LOADS and time.monotonic() - since >= LOAD_SECONDS:
            answer["reason"] += f"; {dead} times in a row"
            return answer
        if answer["ok"] or time.monotonic() + pause > end:
            return answer
        running = unit.active(node, services)
        if stopped := [service for service in services if service not in running]:
            answer["reason"] += f"; {' and '.join(stopped)} has stopped"
            return answer
        node.still_wanted()
        time.sleep(pause)
        pause = min(pause * 1.5, 1.0)


def find(node, arguments):
    """Address and port of what is asked."""
    if arguments["through"] == "varnish":
        return VISITORS
    place = addresses.find(node, arguments["site"], arguments["release"])
    if place is None or arguments["release"] not in state.read(node, arguments["site"])["releases"]:
        raise AgentError("usage", f"{arguments['release']} was not prepared on this node", fix="prepare it first")
    return place["address"], place["port"]


def ask(place, arguments, target, end):
    """Judges one request, and whether the answer came from the app's own code."""
    import http.client

    from .http_answer import Answer

    address, port = place
    url = f"http://{address}:{port}{target['path']}"
    if arguments["through"] == "varnish" or len(arguments["targets"]) > 1:
        url += f" (Host: {target['host']})"
    start = time.monotonic()
    status, redirect, body, reason, served = None, None, "", None, None
    seconds = min(MOST_SECONDS_PER_REQUEST, max(LEAST_SECONDS_PER_REQUEST, end - start))
    connection = http.client.HTTPConnection(address, port, timeout=seconds)
    connection.response_class = Answer
    try:
        headers = {"Host": target["host"], "User-Agent": "silver-agent", "Connection": "close"}
        if arguments["https"]:
            headers["X-Forwarded-Proto"] = "https"
            connection.sock = connect_as_root(address, port, seconds)
        else:
            connection.connect()
        with limited(connection.sock, seconds):
            connection.request("GET", target["path"], headers=headers)
            response = connection.getresponse()
            status = response.status
            if 300 <= status < 400:
                redirect = printable(response.getheader("Location", ""))
            body = response.read(BODY_BYTES).decode("utf-8", "replace")
        served = response.getheader("X-Silver-Release")
        reason = judge(arguments, status, redirect, body, served)
    except TimeoutError:
        reason = f"no answer within {seconds:.1f} s"
    except (http.client.InvalidURL, UnicodeError):
        raise AgentError("usage", f"path: {target['path']!r} can't be requested over HTTP") from None
    except http.client.HTTPException as error:
        reason = f"not an HTTP answer ({type(error).__name__})"
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
    finally:
        connection.close()
    answer = {
        "ok": reason is None,
        "url": url,
        "status": status,
        "redirect": redirect,
        "reason": reason,
        "body": body,
        "milliseconds": round((time.monotonic() - start) * 1000, 1),
    }
    return answer, served is not None


@contextlib.contextmanager
def limited(connected, seconds):
    """
    Cuts a request off when time is up; error TimeoutError. The socket's own limit begins anew with each byte: an app that answers drop
    by drop would hold up whoever asks after all sites of the node.
    """
    late = threading.Event()

    def cut():
        late.set()
        with contextlib.suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.start()
    try:
        yield
    except Exception:
        if late.is_set():
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError


def printable(text):
    """A header as a terminal may show it."""
    return "".join(character if character.isprintable() else "?" for character in text) or None


def connect_as_root(address, port, seconds):
    """A connection from a port that only root may use."""
    import errno

    for own in random.sample(OWN_PORTS, len(OWN_PORTS)):
        try:
            return socket.create_connection((address, port), timeout=seconds, source_address=("", own))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                raise
    raise OSError(errno.EADDRINUSE, "every port below 1024 is in use")


def judge(arguments, status, redirect, body, served):
    """Why an answer fails the check; None when it passes."""
    expected = f"{arguments['site']} {arguments['release']}"
    wanted = arguments["status"]
    if status >= 500 if wanted is None else status != wanted:
        by = "" if served or status < 500 else ", not from the app's own code: its process died, or did not start"
        to = "" if redirect is None else f": it redirects to {redirect}"
        return f"status {status}, expected {'one below 500' if wanted is None else wanted}{by}{to}"
    if served is None:
        return f"answered without X-Silver-Release, expected {expected}"
    if served != expected:
        return f"served by {served}, expected {expected}"
    if arguments["body"] is not None and arguments["body"] not in body:
        return f"the body does not contain {arguments['body']!r}"
    return None
