"""The only place that starts programs, so that tests can stand in for all of them."""

from typing import NamedTuple

from .errors import AgentError, last_lines


class Done(NamedTuple):
    code: int
    out: str
    err: str


class Runner:
    def __call__(self, argv, stdin="", env=None, seconds=60, ok=(0,)):
        """Runs a program to its end. A code outside of `ok` raises `internal` with the program's last words."""
        import os
        import subprocess

        try:
            done = subprocess.run(
                argv,
                input=stdin,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
            )
        except FileNotFoundError:
            raise AgentError("internal", f"{argv[0]} is not installed on this node") from None
        except subprocess.TimeoutExpired:
            raise AgentError("internal", f"`{' '.join(argv[:3])}` did not end within {seconds} s") from None
        result = Done(done.returncode, done.stdout, done.stderr)
        if ok is not None and result.code not in ok:
            raise AgentError(
                "internal",
                f"`{' '.join(argv[:3])}` failed: {describe_code(result.code)}",
                log=last_lines(result.out + "\n" + result.err),
            )
        return result


def describe_code(code):
    """A negative code is a signal: never mistaken for success."""
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
