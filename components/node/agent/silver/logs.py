"""`silver logs`: lines of a site, of the journal or of Varnish, the last ones or as they come."""

import re
import time

from . import app_log, redact, state, units
from .errors import AgentError
from .lines import Last, lines_of

# Read of a log at most, the newest first, and shown of it: an app may have written any amount, of lines of any size.
MOST_READ, MOST_SHOWN, MOST_OF_A_LINE = 1 << 28, 1 << 23, 20_000
# Lines, and their characters, in which secrets are looked for at once.
PART, PART_CHARACTERS = 1000, 1 << 21
# What `--unit` of journalctl selects, as fields, which can be joined with others: what a unit says, what systemd and the agent say of it,
# and that it has dumped core.
OF_UNITS = (
    ("_SYSTEMD_UNIT",),
    ("UNIT", "_PID=1"),
    ("OBJECT_SYSTEMD_UNIT", "_UID=0"),
    ("COREDUMP_UNIT", "_UID=0", "MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1"),
)
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
        lines = access(node, wanted)
    elif arguments.get("follow"):
        lines = []
    else:
        lines = last(node, wanted)
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

    def only(self, lines, first=0, end=None):
        """
        Without secrets, which a rollout may add to at any time; what is looked for is looked for in what may be seen.
        @param first, end: which of the lines are meant; of a secret in them, a part may be in the others
        """
        found = redact.site_lines(self.node, self.arguments["site"], lines)[first:end]
        return [shortened(line) for line in found if self.pattern.search(line)]

    def line(self, text):
        """What a line of the journal says to a person; None when that is nothing."""
        if self.arguments["kind"] == "rollout":
            return text
        entry = app_log.parsed(text)
        return None if entry is None else self.said(entry)

    def said(self, entry):
        """The same of an entry, but for one of a run in another release than is meant: some are selected by what several have in common."""
        unit, only = app_log.unit_of(entry), self.arguments["release"]
        of_another = only and unit.startswith("silver-job-") and not unit.endswith(f"@{only}.service")
        return None if of_another else app_log.line(entry)


def shortened(line):
    return line if len(line) <= MOST_OF_A_LINE else f"{line[:MOST_OF_A_LINE]} …"


def journal_words(node, arguments):
    """Selects the app's lines by unit, which no other site can forge, and the rollout's by root. Who follows selects them by `heard`."""
    name, release = arguments["site"], arguments["release"]
    words = ["journalctl", "--no-pager", "--quiet"]
    if arguments["kind"] == "rollout":
        return [*words, "--output=short-iso", f"SYSLOG_IDENTIFIER=silver-rollout-{name}", "_UID=0"]
    words += ["--output=json", "--all"]
    if arguments.get("follow"):
        return words
    roles = roles_of(arguments)
    runs = f"silver-job-{name}.*@{release}.service"
    wanted = [*services(node, name, release, roles), runs] if release else units.patterns(name, roles)
    return [*words, *(f"--unit={service}" for service in wanted)]


def roles_of(arguments):
    """Of the units whose lines are wanted; None: of all."""
    return ("cron", "job") if arguments["kind"] == "cron" else None


def services(node, site, release, roles):
    """The units in which a release of a site says anything, but for the runs of its jobs."""
    listed = [*units.of(node, site, release), units.name(site, release, "check")]
    return [service for service in listed if roles is None or service.split("-")[1] in roles]


def heard(node, site, releases, roles):
    """
    Selects what is said by these releases, now and later. journalctl looks for the units of a pattern once, and each run of a job is a unit
    of its own; so runs are known by the name of their job, also in what root says of them. One that systemd gives can't be forged: no app
    reaches the socket where it could give itself another.
    """
    found = [service for release in releases for service in services(node, site, release, roles)]
    jobs = {entry["name"] for release in releases for entry in units.of(node, site, release).values() if entry["role"] == "cron"}
    told = [[*rule, *(f"{field}={service}" for service in found)] for field, *rule in OF_UNITS] if found else []
    runs = [f"SYSLOG_IDENTIFIER=silver-job-{site}.{job}" for job in sorted(jobs)]
    told += [["_TRANSPORT=stdout", *runs], ["_UID=0", *runs]] if runs else []
    return [word for at, words in enumerate(told) for word in (["+"] * (at > 0) + words)]


def last(node, wanted):
    """The newest first, until there are as many as are wanted: most entries of a server are no line for a person."""
    count, found, size, read = wanted.arguments["lines"], [], 0, 0
    # Newest first: those in which no secrets are hidden yet, and those before them, where the rest of one may be.
    part, newer, characters, is_any = [], [], 0, False

    def take(is_end):
        """Of the oldest lines a secret may have begun in still older ones: they wait for these."""
        nonlocal part, newer, size, characters
        ready = len(part) if is_end else len(part) - redact.NEAR
        lines = [*reversed(part), *reversed(newer)]
        fit = wanted.only(lines, len(part) - ready, len(part))
        found.extend(reversed(fit))
        size += sum(map(len, fit))
        newer = part[max(ready - redact.NEAR, 0) : ready]
        part, characters = part[ready:], sum(map(len, part[ready:]))

    for text in node.run.lines([*wanted.journal, *wanted.since, "--reverse"]):
        if text is None:
            node.still_wanted()
            continue
        is_any, read = True, read + len(text)
        if (line := wanted.line(text)) is not None:
            part.append(line)
            characters += len(line)
        enough = PART if wanted.pattern.pattern else count - len(found)
        if len(part) >= min(enough, PART) + redact.NEAR or characters > PART_CHARACTERS:
            node.still_wanted()
            take(is_end=len(part) <= redact.NEAR)
        if len(found) >= count or size > MOST_SHOWN or read > MOST_READ:
            break
    if not is_any:
        refuse_without_journal(node, wanted)
    if len(found) < count:
        take(is_end=True)
    cut = len(found) < count and (size > MOST_SHOWN or read > MOST_READ)
    return [*([OLDER] if cut else []), *reversed(found[:count])]


# In the place of what is older.
OLDER = "… what is older is left out: too much was written"


def refuse_without_journal(node, wanted):
    """Where it has no entry: a pattern without any unit in the journal is an error of its own to journalctl, and nothing was ever said."""
    done = node.run([*wanted.journal, *wanted.since, "--lines=1"], ok=None)
    if done.code != 0 and "Failed to add filter" not in done.err:
        raise AgentError("internal", "journalctl failed", log=lines_of(done.err)[-5:])


def access_words(arguments):
    """Varnish's own log is in memory, of a fixed size and shared by all sites: reading it costs no site anything."""
    site, release = arguments["site"].replace("-", "_"), arguments["release"]
    vcl = f"^r_{site}_{release.rpartition('.')[2]} via" if release else ""
    query = f'VCL_use ~ "{vcl} site_{site}$"' if vcl else f'VCL_use ~ " via site_{site}$"'
    return ["varnishncsa", "-F", ACCESS, "-q", query]


def access(node, wanted):
    """The last ones of what Varnish still knows."""
    words, since = access_words(wanted.arguments), wanted.arguments.get("since")
    first = "" if since is None else time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since))
    kept, part, is_any = Last(wanted.arguments["lines"], MOST_SHOWN), [], False

    def take():
        for line in wanted.only(part):
            kept.add(line)
        part.clear()

    for text in node.run.lines([*words, "-d"], env={"TZ": "UTC"}):
        if text is None or len(part) >= PART:
            node.still_wanted()
            take()
        if text is not None:
            is_any = True
            part += [text] if text[: len(first)] >= first else []
    take()
    if not is_any:
        refuse_without_varnish(node, words)
    return [*([OLDER] if len(kept.kept) < kept.count and kept.lost else []), *kept.kept]


def refuse_without_varnish(node, words):
    done = node.run([*words, "-d"], env={"TZ": "UTC"}, ok=None)
    if done.code != 0:
        raise AgentError("vcl", "Varnish is not running on this node", fix="systemctl status varnish", log=lines_of(done.err)[-5:])


def follow(node, wanted, lines):
    """Tells lines as they come, each as an event, until the driver is gone: it never returns."""
    for line in lines:
        node.tell_line(line)
    arguments = wanted.arguments
    if arguments["kind"] == "access":
        said = node.run.lines(access_words(arguments), env={"TZ": "UTC"})
    elif arguments["kind"] == "rollout":
        said = node.run.lines([*wanted.journal, "--follow", *wanted.since, f"--lines={arguments['lines']}"])
    else:
        said = entries(node, wanted)
    for text in said:
        node.still_wanted()
        if text is not None:
            for line in wanted.only([text]):
                node.tell_line(line)
    raise AgentError("internal", "what reads the log ended by itself")


def entries(node, wanted):
    """
    Lines as they come, and None now and then. With a new release, which may have other units and jobs, journalctl starts again, after the
    last entry it gave.
    """
    site, only = wanted.arguments["site"], wanted.arguments["release"]
    known = lambda: [only] if only else state.read(node, site)["releases"]  # noqa: E731
    begin = [*wanted.since, f"--lines={wanted.arguments['lines']}"]
    while True:
        releases = known()
        named = heard(node, site, releases, roles_of(wanted.arguments))
        while not named and known() == releases:
            yield None
            time.sleep(1)
        if not named:
            continue
        for text in node.run.lines([*wanted.journal, "--follow", *begin, *named]):
            entry = None if text is None else app_log.parsed(text)
            if entry is None:
                yield None
            else:
                begin = ["--no-tail", f"--after-cursor={entry['__CURSOR']}"]
                yield wanted.said(entry)
            if known() != releases:
                break
        else:
            return
