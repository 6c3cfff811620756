"""Which release each site's label points to: in Varnish, and in boot.cli for Varnish's next start."""

import contextlib
import hashlib

from . import discard, files, node_record, state
from .errors import AgentError
from .lock import shared
from .paths import BOOT_CLI, S503_VCL, TOP_VCL
from .varnish_cli import VarnishCli


def label(site):
    return f"site_{site.replace('-', '_')}"


def vcl_name(site, release_digest):
    return f"r_{site.replace('-', '_')}_{release_digest[:8]}"


def vcl_of(site, release):
    """The same, of a release whose record may be lost: its id ends as its digest begins."""
    return vcl_name(site, release.rpartition(".")[2])


def content_name(prefix, path):
    """The node's own VCLs are named after their content, so a name shows what is loaded. None when the file is missing."""
    content = read_bytes(path)
    return None if content is None else f"{prefix}_{hashlib.sha256(content).hexdigest()[:8]}"


def live_vcl(node, site, release, changes):
    """Name of a release's VCL; None when nothing is live or the release is not here. Adds to the changes what it had to put back."""
    if release is None:
        return None
    name, own = vcl_of(site, release), f"{node.paths.release(site, release)}/conf/site.vcl"
    text = read_bytes(own)
    if not text or text != read_bytes(node.paths.vcl(name)):
        from . import rendered

        # One of the two is spoiled, and the release's record has what both were made from.
        record = state.record(node, site, release)
        if record is not None:
            changes += rendered.put_back(node, record)
        text = read_bytes(own)
    if not text:
        return None
    if why := files.write(node.paths.vcl(name), text):
        changes.append({"what": node.paths.vcl(name), "why": why})
    return name


def read_bytes(path):
    """None for what is not a file."""
    try:
        with open(path, "rb", opener=files.at_once) as file:
            return file.read()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


class Wanted:
    """What Varnish should have loaded and labelled, read from disk; `override` names a site's release that is about to go live."""

    def __init__(self, node, override=None):
        self.put_back = node_record.put_back(node, (S503_VCL, TOP_VCL))
        self.s503 = content_name("s503", node.paths.at(S503_VCL))
        self.top = content_name("top", node.paths.at(TOP_VCL))
        listed = {site["name"] for site in node_record.read(node)["sites"]}
        live = {site: state.read(node, site)["live"] for site in state.sites(node)}
        live.update(override or {})
        # Site → VCL; None stands for the 503 VCL. A site that serves keeps its label until it is removed.
        self.sites = {
            site: live_vcl(node, site, live.get(site), self.put_back)
            for site in sorted(listed | set(override or {}) | {site for site, release in live.items() if release})
        }

    def boot_cli(self, node):
        """Labels first point to the 503 VCL; a leading `-` lets Varnish continue when that line fails."""
        if self.s503 is None:
            return ""
        lines = [f"vcl.load {self.s503} {S503_VCL}"]
        lines += [f"vcl.label {label(site)} {self.s503}" for site in self.sites]
        for site, vcl in self.sites.items():
            if vcl is not None:
                lines += [f"-vcl.load {vcl} {node.paths.vcl(vcl)}", f"-vcl.label {label(site)} {vcl}"]
        if self.top is not None:
            lines += [f"vcl.load {self.top} {TOP_VCL}", f"vcl.use {self.top}"]
        return "\n".join(lines) + "\n"


@contextlib.contextmanager
def turn(node):
    """Locks boot.cli, which all sites share: nobody else may write it until the state matches what it says."""
    with shared(node, "varnish"):
        yield


def load(node, vcl):
    """Compiles a release's VCL beside all others; nothing serves from it yet. Error `vcl` with the compiler's output."""
    cli = VarnishCli(node)
    if vcl in cli.list()[0]:
        discard.take_back(node, cli, vcl)
    else:
        cli("vcl.load", vcl, node.paths.vcl(vcl))


def apply(node, override=None):
    """Makes Varnish and boot.cli match the state. Call it within `turn`. Returns the changes.

    Whatever fails to compile does so before boot.cli names it, unless Varnish is not running.
    """
    wanted = Wanted(node, override)
    cli = VarnishCli(node)
    if wanted.s503 is None or not cli.running():
        return wanted.put_back + write_boot_cli(node, wanted)
    vcls, labels = cli.list()
    changes = wanted.put_back + _load(node, cli, wanted, vcls, labels, override or {})
    changes += write_boot_cli(node, wanted)
    changes += _turn_labels(cli, wanted, labels)
    changes += _use(cli, wanted, vcls)
    _tidy(cli, wanted, vcls, labels)
    return changes


def write_boot_cli(node, wanted):
    why = files.write(node.paths.at(BOOT_CLI), wanted.boot_cli(node), 0o640)
    return [{"what": BOOT_CLI, "why": why}] if why else []


def _load(node, cli, wanted, vcls, labels, override):
    """Loads what is missing, and creates a new site's label, on the 503 VCL, because the top VCL names it."""
    changes = []

    def load_missing(name, path):
        if name in vcls:
            discard.take_back(node, cli, name)
        else:
            cli("vcl.load", name, path)
            vcls[name] = False
            changes.append({"what": name, "why": "not loaded"})

    load_missing(wanted.s503, S503_VCL)
    for site, vcl in wanted.sites.items():
        if label(site) not in labels:
            cli("vcl.label", label(site), wanted.s503)
            labels[label(site)] = wanted.s503
            changes.append({"what": label(site), "why": "a new site"})
        try:
            if vcl is not None:
                load_missing(vcl, node.paths.vcl(vcl))
        except AgentError as error:
            # One site's broken VCL stops only that site.
            if site in override:
                raise
            node.say("varnish", f"{site}: {error.message}")
            wanted.sites[site] = None
    if wanted.top is not None:
        load_missing(wanted.top, TOP_VCL)
    return changes


def _turn_labels(cli, wanted, labels):
    changes = []
    for site, vcl in wanted.sites.items():
        before, after = labels[label(site)], vcl or wanted.s503
        if before != after:
            cli("vcl.label", label(site), after)
            labels[label(site)] = after
            changes.append({"what": label(site), "why": f"was {before}, now {after}"})
    return changes


def _use(cli, wanted, vcls):
    if wanted.top is None or vcls[wanted.top]:
        return []
    cli("vcl.use", wanted.top)
    vcls.update({name: name == wanted.top for name in vcls})
    return [{"what": wanted.top, "why": "another top VCL was in use"}]


def _tidy(cli, wanted, vcls, labels):
    """Discards what nothing needs. In this order: old top VCLs hold labels, and labels hold the 503 VCL."""
    known = {label(site) for site in wanted.sites}
    old = [name for name, active in vcls.items() if not active and name not in (wanted.top, wanted.s503)]
    tops = [name for name in old if name.startswith("top_")]
    unnamed = [name for name in labels if name not in known]
    for name in tops + unnamed + [name for name in old if name.startswith("s503_")]:
        # A request in hand may still hold it: the next run discards it.
        with contextlib.suppress(AgentError):
            cli("vcl.discard", name)
