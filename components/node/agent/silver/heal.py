"""Puts back what a node has lost of what its records say, without a new release. Nothing that serves is restarted."""

import os
import time

from . import converge, debs, log_space, node_record, packages, prepare, recover, releases, site_services, spoiled, state, varnish, verify
from .errors import AgentError

# An app that does not listen by then is told as one that does not start.
START_SECONDS = 60
# One that listens, and does not answer its check by then, does not for a reason of its own.
ANSWER_SECONDS = 30
NEW_RELEASE = "raise the version in the manifest, then run silver up: a new release has all of its files"


class Mending:
    """What was put back, and what could not be: one thing that can't be put back keeps no other from it."""

    def __init__(self, node):
        self.node, self.changes, self.problems = node, [], []

    def try_to(self, work, *words):
        """`work` returns its changes."""
        try:
            self.changes += work(self.node, *words)
        except AgentError as error:
            self.add(error.message, error.fix, error.log)
        except OSError as error:
            self.add(f"{error.filename}: {error.strerror}", "see what else uses it, then run silver heal again")

    def add(self, what, fix, log=()):
        problem = {"what": what, "fix": fix, "log": list(log)}
        # Varnish that does not run is in the way of several things.
        if problem not in self.problems:
            self.problems.append(problem)

    def result(self):
        return {"changes": self.changes, "problems": self.problems}


def node_wide(node):
    """What all sites share: files, users, packages, firewall, Varnish, units."""
    mending = Mending(node)
    if "files" in node_record.read(node):
        mending.try_to(converge.heal)
    else:
        path = node_record.path(node)
        mending.add(f"{path} does not say what this node's files hold", "run silver up after a change of this environment: it writes it")
        mending.try_to(recover.node_wide)
    return mending.result()


def site(node, lease):
    """What one site has: data, its live release's files and units, its label."""
    name, mending = lease.site, Mending(node)
    live = state.read(node, name)["live"]
    if live is None:
        return mending.result()
    services = site_services.recorded(node, name)
    for service in services:
        mending.try_to(site_services.put_back, name, service)
    if services:
        mending.try_to(site_services.make_target, name)
    mending.try_to(log_space.set_up, name)
    mending.try_to(recover.put_back, name)
    mending.try_to(set_check_aside, name, live)
    if verify.how(node, name, live) is None:
        mending.add(f"{node.paths.check(name, live)} is lost: {verify.NOT_KNOWN}", NEW_RELEASE)
    record = state.record(node, name, live)
    if record is None:
        mending.add(f"{state.record_path(node, name, live)} is lost: {live} can't be put back", NEW_RELEASE)
    else:
        mending.try_to(packages.install, record["packages"], name)
        mending.try_to(debs.install, record)
        mending.try_to(prepare.restore, record, START_SECONDS)
    if not os.path.isdir(releases.app(node, name, live)):
        mending.add(f"{releases.app(node, name, live)} is gone", NEW_RELEASE)
    with varnish.turn(node):
        mending.try_to(varnish.apply)
    if mending.changes and not mending.problems:
        wait_until_it_answers(node, name)
    for change in mending.changes:
        node.note(name, f"put back: {change['what']}: {change['why']}")
    return mending.result()


def wait_until_it_answers(node, name):
    """An app that was started again listens before it is loaded, and Varnish takes a moment to find that it does. Status tells the rest."""
    end = time.monotonic() + ANSWER_SECONDS
    while verify.told(verify.answers, node, name) and time.monotonic() < end:
        node.still_wanted()
        time.sleep(0.1)


def set_check_aside(node, name, live):
    """A spoiled record of how the live release is checked: only a rollout knows."""
    path = node.paths.check(name, live)
    was = os.path.lexists(path)
    spoiled.read(node, path, verify.is_check, lambda: None)
    return [{"what": path, "why": "was spoiled, and is set aside"}] if was and not os.path.lexists(path) else []
