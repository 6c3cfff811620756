"""`silver logs`: lines of a site, of the journal or of Varnish, the last ones or as they come."""

import json
import re
import time

from . import app_log, redact, state, units
from .errors import AgentError
from .lines import lines_of

# Entries read at first for each line wanted: most of those of a server are no line for a person.
MARGIN = 4
MOST_ENTRIES = 400_000
# When, for which host and whom, what, how it went: status, bytes, microseconds, whether from the cache.
ACCESS = (
    '%{%Y-%m-%dT%H:%M:%S+0000}t %{Host}i %{X-Forwarded-For}i "%m %U%q %H" %s %O %Dus %{Varnish:handling}x "%{Referer}i" "%{User-agent}i"'
)


def logs(node, arguments):
    site = arguments["site"]
    if site not in state.sites(node):
        raise AgentError("usage", f"this node has no site {site}", fix="see: silver-agent status")
    wanted = Wanted(node, arguments)
    if arguments["kind"] == "access":
        lines = wanted.only(access(node, arguments))
    elif arguments.get("follow"):
        lines = []
    else:
        lines = last(node, wanted)
    lines = lines[-arguments["lines"] :]
    if arguments.get("follow"):
        follow(node, wanted, lines)
    return {"lines": lines}


class Wanted:
    """Which lines are asked for."""

    def __init__(self, node, arguments):
        self.node, self.arguments = node, arguments
        self.journal = journal_words(node, arguments)
        since = arguments.get("since")
        self.since = [] if since is None else [f"--since=@{since:.6f}"]
        try:
            self.pattern = re.compile(arguments.get("grep") or "")
        except re.error as error:
            raise AgentError("usage", f"grep: not a regular expression: {error}") from None

    def only(self, lines):
        """Without secrets, which a rollout may add to at any time; what is looked for is looked for in what may be seen."""
        found = [line for line in lines if line is not None]
        return [line for line in redact.site_lines(self.node, self.arguments["site"], found) if self.pattern.search(line)]

    def of_journal(self, entries):
        return self.only(entries if self.arguments["kind"] == "rollout" else map(app_log.line, entries))


def journal_words(node, arguments):
    """Selects the app's lines by unit, which no other site can forge, and the rollout's by root."""
    name, release = arguments["site"], arguments["release"]
    words = ["journalctl", "--no-pager", "--quiet"]
    if arguments["kind"] == "rollout":
        return [*words, "--output=short-iso", f"SYSLOG_IDENTIFIER=silver-rollout-{name}", "_UID=0"]
    roles = ("cron", "job") if arguments["kind"] == "cron" else None
    if roles and arguments.get("follow"):
        # Each run is a unit of its own, and journalctl looks for the units of a pattern once. A name given by systemd can't be forged:
        # no app reaches the socket where it could give itself another.
        names = {entry["name"] for entry in units.left(node, name, release or "*").values() if entry["role"] == "cron"}
        said_by = [f"SYSLOG_IDENTIFIER=silver-{role}-{name}.{job}" for role in roles for job in sorted(names)]
        return [*words, "--output=json", "--all", "_TRANSPORT=stdout", *(said_by or [f"SYSLOG_IDENTIFIER=silver-job-{name}"])]
    wanted = services(node, name, release, roles) if release else units.patterns(name, roles)
    return [*words, "--output=json", "--all", *(f"--unit={service}" for service in wanted)]


def services(node, site, release, roles=None):
    """The units in which a release of a site says anything; `roles`: only of these."""
    listed = [*units.of(node, site, release), units.name(site, release, "check"), f"silver-job-{site}.*@{release}.service"]
    return [service for service in listed if roles is None or service.split("-")[1] in roles]


def last(node, wanted):
    """As many as are wanted, though most entries may be no line for a person."""
    lines = wanted.arguments["lines"]
    entries = lines * MARGIN
    while True:
        done = node.run([*wanted.journal, *wanted.since, f"--lines={entries}"], ok=None)
        # A pattern without any unit in the journal is an error of its own to journalctl: nothing was ever said.
        if done.code != 0 and "Failed to add filter" not in done.err:
            raise AgentError("internal", "journalctl failed", log=lines_of(done.err)[-5:])
        read = lines_of(done.out)
        found = wanted.of_journal(read)
        if len(found) >= lines or len(read) < entries or entries >= MOST_ENTRIES:
            return found
        entries *= MARGIN * 2


def access_words(arguments):
    """Varnish's own log is in memory, of a fixed size and shared by all sites: reading it costs no site anything."""
    site, release = arguments["site"].replace("-", "_"), arguments["release"]
    vcl = f"^r_{site}_{release.rpartition('.')[2]} via" if release else ""
    query = f'VCL_use ~ "{vcl} site_{site}$"' if vcl else f'VCL_use ~ " via site_{site}$"'
    return ["varnishncsa", "-F", ACCESS, "-q", query]


def access(node, arguments):
    done = node.run([*access_words(arguments), "-d"], env={"TZ": "UTC"}, ok=None)
    if done.code != 0:
        raise AgentError("vcl", "Varnish is not running on this node", fix="systemctl status varnish", log=lines_of(done.err)[-5:])
    since = arguments.get("since")
    first = "" if since is None else time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since))
    return [line for line in lines_of(done.out) if line[: len(first)] >= first]


def follow(node, wanted, lines):
    """Tells lines as they come, each as an event, until the driver is gone: it never returns."""
    for line in lines:
        node.tell_line(line)
    arguments = wanted.arguments
    sift = wanted.only if arguments["kind"] == "access" else wanted.of_journal
    if arguments["kind"] == "access":
        texts = node.run.lines(access_words(arguments), env={"TZ": "UTC"})
    elif arguments["kind"] == "app" and not arguments["release"]:
        texts = entries_of_all_releases(node, wanted)
    else:
        texts = node.run.lines([*wanted.journal, "--follow", *wanted.since, f"--lines={arguments['lines']}"])
    for text in texts:
        node.still_wanted()
        for line in sift([text] if text is not None else []):
            node.tell_line(line)
    raise AgentError("internal", "what reads the log ended by itself")


def entries_of_all_releases(node, wanted):
    """As they come, and None now and then. journalctl looks for the units of a pattern once, when it starts: so releases are named as
    well, and with a new one it starts again, after the last entry it gave."""
    site = wanted.arguments["site"]
    begin = [*wanted.since, f"--lines={wanted.arguments['lines']}"]
    while True:
        releases = state.read(node, site)["releases"]
        if not releases:
            yield None
            time.sleep(1)
            continue
        named = [f"--unit={service}" for release in releases for service in services(node, site, release)]
        for text in node.run.lines([*wanted.journal, *named, "--follow", *begin]):
            yield text
            if text is not None:
                begin = ["--no-tail", f"--after-cursor={json.loads(text)['__CURSOR']}"]
            if state.read(node, site)["releases"] != releases:
                break
        else:
            return
