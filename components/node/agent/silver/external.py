"""Services that somebody else runs: where they are, the secrets that lead to them, and whether they answer."""

import json
import re
import urllib.parse
from typing import NamedTuple

from . import accounts, files, spoiled
from .errors import AgentError
from .node import program
from .runner import describe_code

SYSTEM_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"

# For a rollout, and for whoever waits for a status.
ROLLOUT_SECONDS, STATUS_SECONDS = 10, 3


class Place(NamedTuple):
    host: str
    port: int
    user: str
    password: str
    name: str
    # As in the URL.
    path: str
    query: list
    # Empty, `verify`, or `encrypt` where a URL asks for no more.
    tls: str

    @property
    def server(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def place_of(options, secrets):
    """Where it is, by what the plan said and the site's secrets. Error `service` for a URL that is none."""
    secret = secrets.get(options["secret"], "")
    if options["isUrl"]:
        return parsed(options, secret)
    path = f"{options['prefix']}{urllib.parse.quote(options['name'], safe='')}" if options["name"] else ""
    port = options["tlsPort"] if options["tls"] else options["port"]
    tls = "verify" if options["tls"] else ""
    return Place(options["host"], port, options["user"], secret, options["name"], path, [], tls)


def parsed(options, url):
    schemes = [*options["schemes"].split(), *([options["tlsScheme"]] if options["tlsScheme"] else [])]
    # No part of it is told: any of them may be the password.
    no_url = AgentError(
        "service",
        f"{options['secret']} is not the URL of one server, beginning with {' or '.join(f'{scheme}://' for scheme in schemes)}",
        fix="set it again as a new version, with user and password percent-encoded: silver secret set",
    )
    url = url.strip()
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        raise no_url from None
    if parts.scheme not in schemes or not parts.hostname or parts.fragment or not url.isprintable() or " " in url:
        raise no_url
    query = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
    tls = "verify" if options["tls"] or parts.scheme == options["tlsScheme"] else tls_of(dict(query))
    unquote = lambda text: urllib.parse.unquote(text or "")  # noqa: E731
    prefix = options["prefix"]
    name = parts.path.removeprefix(prefix) if parts.path.startswith(prefix) else parts.path.rsplit("/", 1)[-1]
    name = unquote(name.rstrip("/")) or options["name"]
    own = options["tlsPort"] if tls else options["port"]
    return Place(parts.hostname, port or own, unquote(parts.username), unquote(parts.password), name, parts.path, query, tls)


def tls_of(query):
    """By the words of drivers of PostgreSQL, MongoDB and MySQL."""
    mysql = (query.get("ssl-mode") or query.get("ssl_mode") or "").upper()
    if query.get("sslmode") == "verify-full" or "true" in (query.get("tls"), query.get("ssl")) or mysql == "VERIFY_IDENTITY":
        return "verify"
    return "encrypt" if query.get("sslmode") in ("require", "verify-ca") or mysql in ("REQUIRED", "VERIFY_CA") else ""


def url_of(place, options, authorities):
    """The URL for apps: each part percent-encoded, and its TLS enforced as far as a driver can be told so."""
    quote = lambda text: urllib.parse.quote(text, safe="")  # noqa: E731
    password = f":{quote(place.password)}" if place.password else ""
    login = f"{quote(place.user)}{password}@" if place.user or password else ""
    told = options["tlsQuery"].replace("@CA@", urllib.parse.quote(authorities, safe="/")) if place.tls == "verify" else ""
    usual, enforced = (dict(urllib.parse.parse_qsl(query)) for query in (options.get("query", ""), told))
    query = {**usual, **dict(place.query), **enforced}
    scheme = options["tlsScheme"] if place.tls and options["tlsScheme"] else options["schemes"].split()[0]
    end = f"?{urllib.parse.urlencode(query, quote_via=urllib.parse.quote, safe='/')}" if query else ""
    return f"{scheme}://{login}{place.server}{place.path}{end}"


def values(place, options, authorities):
    """For the placeholders of its variables."""
    own = authorities if place.tls == "verify" else ""
    return {
        "URL": url_of(place, options, authorities),
        "HOST": place.host,
        "PORT": place.port,
        "SERVER": place.server,
        "NAME": place.name,
        "USER": place.user,
        "PASSWORD": place.password,
        "CA": own,
    }


# Secrets


def secrets(node, site):
    """Name → value, as the last set-up brought them."""
    found = spoiled.read(node, node.paths.external_secrets(site), spoiled.is_texts, lambda: None)
    return found or {}


def keep(node, site, given):
    """What replaces another secret comes after it in what is never told. Returns the changes."""
    from . import redact

    path = node.paths.external_secrets(site)
    known = secrets(node, site)
    if known == given:
        return []
    redact.remember_words(node, site, set(known.values()))
    if given:
        files.write_json(path, given, 0o600)
    else:
        files.remove(path)
    return [{"what": path, "why": "other secrets"}]


def words_of(found):
    """All that nobody may read of these secrets: each, and the passwords in one that is a URL, plain and percent-encoded."""
    words = set(found)
    for written in {each for secret in found for each in passwords_in(secret)}:
        words |= {written, urllib.parse.unquote(written), urllib.parse.unquote_plus(written)}
    return {word for word in words if word}


# In a URL, the names of what is secret: password, tlsCertificateKeyFilePassword, sslpassword, AWS_SESSION_TOKEN, api_key.
SOUNDS_SECRET = re.compile(
    r"passw|passphrase|pwd|secret|token$|credential|(?:api|access|account|private|shared)[-_]?key$|signature|^sig$", re.I
)
# Said of a secret, and an ordinary word of logs.
SWITCHES = {"true", "false", "require", "required", "prefer", "none", "prompt"}
# The same: a version of it, or the seconds after which it expires.
SHORT_NUMBER = re.compile(r"[0-9]{1,5}")


def passwords_in(url):
    """As they are written in it: for its server, and among what follows it."""
    try:
        parts = urllib.parse.urlsplit(url.strip())
        yield parts.password or ""
    except ValueError:
        return
    if not parts.scheme:
        return
    for pair in {*parts.query.split("&"), *re.split("[&;]", parts.query)}:
        name, _, value = pair.partition("=")
        # MongoDB has pairs within a value: authMechanismProperties=AWS_SESSION_TOKEN:…,SERVICE_REALM:…
        inner = [each.partition(":") for each in re.split(",|%2C", value.replace("%3A", ":"))]
        for key, found in [(name, value), *((key, found) for key, _, found in inner)]:
            if SOUNDS_SECRET.search(key) and found.lower() not in SWITCHES and not SHORT_NUMBER.fullmatch(found):
                yield found


# Whether it answers


def reach(node, lease, arguments):
    """Error `service` for the first that does not answer as it should."""
    for service in arguments["services"]:
        options = service["options"]
        place = place_of(options, arguments["secrets"])
        node.say("reach", f"{service['name']} at {place.server}")
        found = probe(node, lease.site, options, place, ROLLOUT_SECONDS)
        if "kind" not in found:
            continue
        reason = hide(found["reason"], words_of(arguments["secrets"].values()))
        message = f"service {service['name']} ({options['of']}) at {place.server} {reason}"
        names = {**options, **service, "site": lease.site, "node": node.name()}
        raise AgentError("service", message, fix=FIXES[found["kind"]].format(**names))


FIXES = {
    "unreachable": "see that it runs, and that {node} may connect to it; or correct services.{name} of the site {site} in the environment",
    "slow": "see that it runs, and that {node} may connect to it; or correct services.{name} of the site {site} in the environment",
    "tls": "see its certificate, and tls of services.{name} of the site {site} in the environment: true, or the ca that signed it",
    "protocol": "see that this is the address of {of}: services.{name} of the site {site} in the environment",
    "credential": "correct the user, or set the secret again, as a new version: silver secret set {site} {secret}",
    "name": "create it there, or correct services.{name} of the site {site} in the environment",
    "busy": "try again once it takes connections",
    "version": "correct version of services.{name} of the site {site} in the environment, once the app works with the other",
}


def problem(node, use):
    """What is wrong with it now, for people, after "is"; None when it answers as it should."""
    known = secrets(node, use.site)
    try:
        place = place_of(use.options, known)
    except AgentError as error:
        return f"failing: {error.message}"
    found = probe(node, use.site, use.options, place, STATUS_SECONDS)
    return f"failing: {place.server} {hide(found['reason'], words_of(known.values()))}" if "kind" in found else None


def hide(text, words):
    from . import redact

    return redact.redact(words, [text])[0]


def probe(node, site, options, place, seconds):
    """Asks it as the site's user: what the firewall keeps from the site, it keeps from this."""
    from . import probe as asking
    from .probe.wire import words

    asked = {
        **{key: getattr(place, key) for key in ("host", "port", "user", "password", "name", "path", "tls")},
        **{key: options[key] for key in ("of", "ca", "version")},
        "seconds": seconds,
    }
    user = f"site-{site}"
    argv = accounts.run_as(user, user, ["python3", "-I", program(), "probe"])
    done = node.run(argv, stdin=json.dumps(asked), seconds=seconds + 10, ok=None)
    if done.code in asking.LATE:
        # A name that nobody resolves.
        return {"kind": "slow", "reason": f"did not answer within {seconds:g} s"}
    why = "did not say what it found" if done.code == 0 else f"ended ({describe_code(done.code)})"
    try:
        found = json.loads(done.out)
    except (ValueError, RecursionError):
        found = None
    if not asking.is_found(found):
        return {"kind": "protocol", "reason": f"can't be asked: the program that asks it {why}"}
    return {**found, "reason": words(found["reason"])} if "kind" in found else found
