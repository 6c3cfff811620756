"""What a node really does for its sites, beside what its records say: Varnish, units, and each site's own check. Reads only."""

import os
import time
from concurrent.futures import ThreadPoolExecutor, wait

from . import certificates, check, files, firewall, log_space, node_record, ports, redact, site_services, state, unit, units, varnish
from .errors import AgentError
from .paths import TOP_VCL
from .runner import WAITING_SECONDS
from .varnish_cli import VarnishCli

# Each site is asked once: who waits for a status wants it now.
SECONDS = 5.0
SIDE_BY_SIDE = 16
NOT_KNOWN = "whether the site answers its check is not known until its next rollout"


def verify(node, only):
    """Problems of the node, which concern all of its sites, and of each site that serves; none where all is well."""
    names = [name for name in state.sites(node) if only in (None, name) and state.read(node, name)["live"]]
    if not names:
        # A node may have no Varnish at all, such as one that only holds services.
        return {"problems": [], "sites": []}
    ofnode, labels = of_varnish(node)
    sites = {name: told(of_site, node, name, labels) for name in names}
    # What visitors would get is a consequence of anything found already.
    sound = [] if ofnode else [name for name in names if not sites[name]]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        asked = {name: pool.submit(told, reaches, node, name) for name in sound}
        # A site of many locations, each of which takes its time, must not have the driver take this for lost.
        while wait(asked.values(), WAITING_SECONDS).not_done:
            node.still_at_it()
        sites |= {name: answer.result() for name, answer in asked.items()}
    return {
        "problems": ofnode + idle(node) + certificates.problems(node),
        "sites": [{"site": name, "problems": problems} for name, problems in sites.items()],
    }


def idle(node):
    """What of the platform does not run beside what visitors would notice, such as the timers that hold sites to their quotas."""
    names = [name for name in node_record.read(node).get("units", {}).get("running", []) if name != "varnish.service"]
    seen = unit.show(node, names) if names else {}
    return [
        f"{name} {'does not run' if seen[name].get('ActiveState') != 'active' else 'does not start at boot'}"
        for name in names
        if (seen[name].get("ActiveState"), seen[name].get("UnitFileState")) != ("active", "enabled")
    ]


def told(look, *words):
    """One site's broken record is that site's problem."""
    try:
        return look(*words)
    except AgentError as error:
        return [error.message]


def of_varnish(node):
    """What is wrong for every site, and the labels; None for these when Varnish does not say."""
    problems = ports.foreign(node)
    if not firewall.is_loaded(node):
        problems.append("the firewall's rules are not loaded")
    cli = VarnishCli(node)
    if not cli.running():
        return [*problems, "Varnish does not run"], None
    if not ports.serves(node) and not problems:
        problems.append(f"Varnish does not listen on port {ports.VARNISH[0]}")
    if ports.exposed(node):
        problems.append("the kernel gives ports of releases to other programs' connections")
    try:
        vcls, labels = cli.list()
    except AgentError as error:
        return [*problems, error.message], None
    top = varnish.content_name("top", node.paths.at(TOP_VCL))
    if top is not None and vcls.get(top) is not True:
        problems.append("Varnish does not use the routes of this node")
    return problems, labels


def of_site(node, name, labels):
    release = state.read(node, name)["live"]
    record = state.record(node, name, release)
    if record is None:
        path = state.record_path(node, name, release)
        return [f"{path} is spoiled" if os.path.lexists(path) else f"the files of {release} are gone"]
    problems = [found] if (found := log_space.problem(node, name)) else []
    vcl = varnish.vcl_name(name, record["digest"])
    if not intact(f"{node.paths.release(name, release)}/conf/site.vcl", node.paths.vcl(vcl)):
        problems.append(f"{node.paths.vcl(vcl)} is not the release's")
    if labels is not None and (points := labels.get(varnish.label(name))) != vcl:
        problems.append(f"Varnish sends its visitors to {points or 'nothing'} instead of {vcl}")
    linked = ("prepare", "cut-over") if state.read(node, name)["works"] else ("prepare",)
    for service, entry in units.of(node, name, release).items():
        if not intact(f"{node.paths.release(name, release)}/{entry['file']}", node.paths.unit(service)):
            problems.append(f"the unit file of {service} is not the release's")
        elif entry["starts"] in linked and not unit.enabled(node, service):
            problems.append(f"{service} does not start at boot")
    return problems


def intact(original, copy):
    try:
        with open(original, "rb", opener=files.at_once) as one, open(copy, "rb", opener=files.at_once) as other:
            return one.read() == other.read()
    except OSError:
        return False


def reaches(node, name):
    """What a site can't reach, and else what visitors don't get."""
    return site_services.away(node, name) or answers(node, name)


def answers(node, name):
    """The first wrong answer to the check of the site's live release, asked through Varnish, as its rollout did."""
    live = state.read(node, name)["live"]
    asked = how(node, name, live)
    if asked is None:
        path = node.paths.check(name, live)
        return [f"{path} is {'spoiled' if os.path.lexists(path) else 'gone'}: {NOT_KNOWN}"]
    arguments = {**asked, "through": "varnish", "site": name, "release": live}
    end = time.monotonic() + SECONDS
    for target in asked["targets"]:
        answer, _ = check.ask(check.VISITORS, arguments, target, end)
        if not answer["ok"]:
            # Where an app redirects to may hold a secret of its own.
            (said,) = redact.site_lines(node, name, [f"{answer['url']}: {answer['reason']}"])
            return [said[: check.SHOWN_CHARACTERS]]
    return []


def how(node, site, release):
    """How a release is checked; None where that is lost: only a rollout knows."""
    try:
        asked = files.read_json(node.paths.check(site, release))
    except AgentError:
        return None
    return asked if is_check(asked) else None


def is_check(value):
    if not isinstance(value, dict) or not {"targets", "https", "status", "body"} <= value.keys() or not isinstance(value["targets"], list):
        return False
    return all(isinstance(target, dict) and {"host", "path"} <= target.keys() for target in value["targets"])


def remember(node, arguments):
    """
    Keeps how a release is checked, once it answered so: with the release, because a rollout that is undone leads back to another check.
    """
    asked = {key: arguments[key] for key in ("targets", "https", "status", "body")}
    files.write_json(node.paths.check(arguments["site"], arguments["release"]), asked)
