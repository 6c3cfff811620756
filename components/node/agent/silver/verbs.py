"""What each verb does. Modules are imported on demand: an agent that only reads starts fast."""

from . import contract
from .errors import AgentError


class Session:
    """The leases of this process, and the commands that it began."""

    def __init__(self, node):
        self.node = node
        self.leases = {}
        self.runs = {}

    def take(self, arguments):
        from . import claim, lease, recover, status

        site = arguments["site"]
        if site in self.leases:
            raise AgentError("usage", f"this session already holds {site}'s lease")
        if "owner" in arguments:
            claim.refuse_others(self.node, arguments["owner"])
        if not has_site(self.node, site):
            raise AgentError("usage", f"this node has no site {site}", fix="run pulumi up: it sets the node up for it first")
        taken = lease.take(self.node, site, arguments["who"], arguments["pid"], arguments["release"])
        self.leases[site] = taken
        recovered = recover.site(self.node, taken)
        return {"token": taken.token, "state": status.site(self.node, site), "recovered": recovered}

    def held(self, arguments):
        taken = self.leases.get(arguments["site"])
        if taken is None:
            raise AgentError("lease-lost", f"this session holds no lease on {arguments['site']}", fix="take the lease first")
        taken.check(arguments["token"])
        return taken

    def give_back(self, site):
        self.leases[site].give_back()
        del self.leases[site]

    def begin_run(self, arguments):
        from . import runs

        run = runs.begin(self.node, arguments)
        self.runs[run.id] = run
        return {"run": run.id, "directory": f"{runs.directory(self.node, run.id)}/given"}

    def end_run(self, name, why=None):
        from . import runs

        if name not in self.runs:
            raise AgentError("usage", "this session began no such command")
        return runs.end(self.node, self.runs.pop(name), why)

    def end(self):
        """When the driver is gone: undoes what is not cut over, finishes what is, ends its commands, releases all locks."""
        from . import recover

        changes = []
        for site in list(self.leases):
            try:
                changes += recover.site(self.node, self.leases[site])
            finally:
                self.give_back(site)
        for name in list(self.runs):
            self.end_run(name, "the connection was lost")
        return changes


def has_site(node, site):
    import os

    return os.path.isdir(node.paths.site(site))


def hello(node, session, arguments):
    from . import claim

    found = claim.read(node)
    return node.hello() if found is None else {**node.hello(), "claim": found}


def claim(node, session, arguments):
    from . import claim

    return {"changes": claim.take(node, arguments["owner"], arguments.get("from"))}


def give_up(node, session, arguments):
    from . import claim

    return {"changes": claim.give_up(node, arguments["owner"])}


def converge(node, session, arguments):
    from . import converge

    return converge.converge(node, arguments["owner"], arguments["state"])


def receive(node, session, arguments):
    from . import releases

    session.held(arguments)
    return releases.receive(node, arguments["site"], arguments["release"], arguments["bundle"], arguments.get("wheels"))


def reach(node, session, arguments):
    from . import external

    external.reach(node, session.held(arguments), arguments)
    return {}


def set_up(node, session, arguments):
    from . import site_services

    return site_services.set_up(node, session.held(arguments), arguments)


def prepare(node, session, arguments):
    from . import prepare

    return prepare.prepare(node, session.held(arguments), arguments)


def check(node, session, arguments):
    from . import check

    return check.check(node, session.held(arguments), arguments)


def flip(node, session, arguments):
    from . import flip

    return flip.flip(node, session.held(arguments), arguments["release"], arguments["last"])


def undo(node, session, arguments):
    from . import site_services, state, undo

    session.held(arguments)
    changes = undo.undo(node, arguments["site"])
    changes += site_services.take_back(node, arguments["site"])
    node.note(arguments["site"], f"undone: {arguments['reason']}")
    return {"live": state.read(node, arguments["site"])["live"], "changes": changes}


def hand_over(node, session, arguments):
    from . import hand_over

    return hand_over.see_through(node, session.held(arguments), arguments)


def finish(node, session, arguments):
    from . import finish, status

    finish.finish(node, session.held(arguments), arguments)
    session.give_back(arguments["site"])
    return {"state": status.site(node, arguments["site"])}


def remove(node, session, arguments):
    from . import remove

    return remove.remove(node, session.held(arguments))


def status(node, session, arguments):
    from . import status

    return status.status(node, arguments["site"])


def verify(node, session, arguments):
    from . import verify

    return verify.verify(node, arguments["site"])


def heal(node, session, arguments):
    from . import heal

    try:
        return heal.site(node, session.held(arguments))
    finally:
        if arguments["site"] in session.leases:
            session.give_back(arguments["site"])


def rotate_key(node, session, arguments):
    from . import site_key

    session.held(arguments)
    try:
        return {"changes": site_key.rotate(node, arguments["site"])}
    finally:
        session.give_back(arguments["site"])


def heal_node(node, session, arguments):
    from . import heal

    return heal.node_wide(node)


def logs(node, session, arguments):
    from . import logs

    return logs.logs(node, arguments)


def run(node, session, arguments):
    return session.begin_run(arguments)


def end_run(node, session, arguments):
    return session.end_run(arguments["run"])


def recover(node, session, arguments):
    from . import recover

    return {"changes": recover.node_wide(node)}


def measure(node, session, arguments):
    from . import measure

    return {"changes": measure.measure(node)}


WORK = {
    "hello": hello,
    "ping": lambda node, session, arguments: {},
    "claim": claim,
    "give-up": give_up,
    "lease": lambda node, session, arguments: session.take(arguments),
    "converge": converge,
    "receive": receive,
    "reach": reach,
    "set-up": set_up,
    "prepare": prepare,
    "check": check,
    "flip": flip,
    "undo": undo,
    "hand-over": hand_over,
    "finish": finish,
    "remove": remove,
    "status": status,
    "verify": verify,
    "heal": heal,
    "heal-node": heal_node,
    "rotate-key": rotate_key,
    "logs": logs,
    "run": run,
    "end-run": end_run,
    "recover": recover,
    "measure": measure,
}


def carry_out(node, session, verb, arguments):
    contract.check_arguments(verb, arguments)
    try:
        return WORK[verb](node, session, arguments)
    except OSError as error:
        import errno

        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise AgentError("no-space", f"the disk is full: {error.filename or 'unknown file'}", fix="free some space") from error
        raise
