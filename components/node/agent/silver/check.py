"""Requests a page of a release over HTTP, as its visitors will."""

import time

from . import addresses, redact, site_services, state, unit, units
from .errors import AgentError

MOST_SECONDS_PER_REQUEST = 10.0
BODY_BYTES = 1_000_000
SHOWN_CHARACTERS = 2_000
# Each request tries again to load an app. After this many failures over this many seconds, believe it.
LOADS = 5
LOAD_SECONDS = 3.0


def check(node, arguments):
    """Asks until the answer is right or time is up; then the error has the app's last output."""
    site, release = arguments["site"], arguments["release"]
    address, port = target(node, arguments)
    listed = units.of(node, site, release)
    services = units.starting(listed, "prepare")
    end = time.monotonic() + arguments["withinSeconds"]
    pause = 0.05
    dead, since = 0, 0.0
    while True:
        answer, by_app = ask(address, port, arguments, end)
        dead = dead + 1 if answer["status"] == 500 and not by_app else 0
        since = time.monotonic() if dead <= 1 else since
        if dead >= LOADS and time.monotonic() - since >= LOAD_SECONDS:
            answer["reason"] += f"; {dead} times in a row"
            break
        if answer["ok"] or time.monotonic() + pause > end:
            break
        running = unit.active(node, services)
        if stopped := [service for service in services if service not in running]:
            answer["reason"] += f"; {' and '.join(stopped)} has stopped"
            break
        node.still_wanted()
        time.sleep(pause)
        pause = min(pause * 1.5, 1.0)
    if answer["ok"]:
        return {"answer": answer, "log": []}
    answer["reason"] += site_services.remark(node, site)
    found = redact.values(node, site)
    answer["body"] = "\n".join(redact.redact(found, answer["body"].split("\n")))
    return {"answer": answer, "log": redact.redact(found, unit.log(node, services))}


def target(node, arguments):
    if arguments["through"] == "varnish":
        return "127.0.0.1", 80
    place = addresses.find(node, arguments["site"], arguments["release"])
    if place is None or arguments["release"] not in state.read(node, arguments["site"])["releases"]:
        raise AgentError("usage", f"{arguments['release']} was not prepared on this node", fix="prepare it first")
    return place["address"], place["port"]


def ask(address, port, arguments, end):
    """Judges one request, and whether the answer came from the app's own code."""
    import http.client

    url = f"http://{address}:{port}{arguments['path']}"
    if arguments["through"] == "varnish":
        url += f" (Host: {arguments['host']})"
    start = time.monotonic()
    status, body, reason, served = None, "", None, None
    seconds = max(0.1, min(MOST_SECONDS_PER_REQUEST, end - start))
    connection = http.client.HTTPConnection(address, port, timeout=seconds)
    try:
        headers = {"Host": arguments["host"], "User-Agent": "silver-agent", "Connection": "close"}
        connection.request("GET", arguments["path"], headers=headers)
        response = connection.getresponse()
        status = response.status
        body = response.read(BODY_BYTES).decode("utf-8", "replace")
        served = response.getheader("X-Silver-Release")
        reason = judge(arguments, status, body, served)
    except TimeoutError:
        reason = f"no answer within {seconds:.1f} s"
    except (http.client.InvalidURL, UnicodeError):
        raise AgentError("usage", f"path: {arguments['path']!r} can't be requested over HTTP") from None
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
        "reason": reason,
        "body": body[:SHOWN_CHARACTERS],
        "milliseconds": round((time.monotonic() - start) * 1000, 1),
    }
    return answer, served is not None


def judge(arguments, status, body, served):
    """Why an answer fails the check; None when it passes."""
    expected = f"{arguments['site']} {arguments['release']}"
    if status != arguments["status"]:
        by = "" if served else ", not from the app's own code: its process died, or did not start"
        return f"status {status}, expected {arguments['status']}{by}"
    if served is None:
        return f"answered without X-Silver-Release, expected {expected}"
    if served != expected:
        return f"served by {served}, expected {expected}"
    if arguments["body"] is not None and arguments["body"] not in body:
        return f"the body does not contain {arguments['body']!r}"
    return None
