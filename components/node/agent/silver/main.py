"""The program: `silver-agent serve`, or `silver-agent VERB` for one request."""

import os
import sys

from .verbs import WORK

USAGE = f"""Usage: silver-agent serve          requests on stdin, one JSON object a line
       silver-agent VERB           arguments of one request as JSON on stdin
Verbs: {" ".join(WORK)}
"""


def main():
    # Whatever the login's umask: new files must be readable for those they are meant for.
    os.umask(0o022)
    match sys.argv[1:]:
        case ["serve"]:
            from .serve import Serve

            Serve().run()
        case ["retire", site, release]:
            from .node import Node
            from .retire import retire

            retire(Node(), site, release)
        case ["start-job", site, release, name, overlap]:
            from . import jobs
            from .node import Node

            # Into the journal of the unit that this runs in.
            if words := jobs.start(Node(), site, release, name, overlap):
                print(words)
        case ["end-job", site, name, run]:
            from . import jobs
            from .node import Node

            jobs.end_turn(Node(), site, name, run, os.environ)
        case ["probe"]:
            from .probe import main as probe

            probe()
        case ["attach", run]:
            sys.exit(attached(run))
        case [verb] if verb in WORK:
            sys.exit(once(verb))
        case _:
            sys.stderr.write(USAGE)
            sys.exit(2)


def attached(run):
    """Runs a command that a session began, as the driver's other process on this connection: its exit code."""
    from . import runs
    from .errors import explained
    from .node import Node

    try:
        return runs.attach(Node(), run)
    except Exception as error:
        print(f"silver-agent attach: {explained(error).text()}", file=sys.stderr)
        return 1


def once(verb):
    """Carries out one request for a person or a script. Exit code 0, 1 when it failed, 2 for wrong usage."""
    import json

    from . import verbs
    from .errors import explained
    from .node import Node

    node = Node(say=lambda step, text: print(f"{step}: {text}", file=sys.stderr, flush=True))
    node.begin(verb)
    session = verbs.Session(node)
    try:
        words = "" if sys.stdin.isatty() else sys.stdin.read()
        try:
            arguments = json.loads(words or "{}")
        except ValueError:
            from .errors import AgentError

            raise AgentError("usage", "stdin is not JSON") from None
        result = verbs.carry_out(node, session, verb, arguments)
    except Exception as error:
        failure = explained(error)
        print(f"silver-agent {verb}: {failure.text()}", file=sys.stderr)
        return 2 if failure.code == "usage" else 1
    finally:
        session.end()
    print(json.dumps(result, ensure_ascii=False))
    return 0
