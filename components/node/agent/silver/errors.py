"""The one way in which a verb fails: a code of the contract's closed list, and words for a person."""

from .lines import lines_of


class AgentError(Exception):
    def __init__(self, code, message, fix=None, log=(), holder=None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.fix = fix
        self.log = list(log)
        self.holder = holder

    def json(self):
        return {"code": self.code, "message": self.message, "fix": self.fix, "log": self.log, "holder": self.holder}

    def text(self):
        """For a person at a terminal: the agent prints this when it runs a single verb."""
        lines = [f"{self.code}: {self.message}"]
        if self.fix:
            lines.append(f"What to do: {self.fix}")
        return "\n".join(lines + [f"  | {line}" for line in self.log])


class DriverGone(Exception):
    """The session's driver disconnected while a verb was only waiting."""


def last_lines(text, count=40):
    """The end of a program's output, where the reason usually is."""
    return [line.rstrip() for line in lines_of(text) if line.strip()][-count:]


def explained(error):
    """Any failure as the contract's error. The text of an unexpected one is withheld: it may contain a secret."""
    if isinstance(error, AgentError):
        return error
    import os
    import traceback

    frames = [f"{os.path.basename(frame.filename)}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    what = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) else type(error).__name__
    return AgentError("internal", f"the agent failed: {what}", fix="a bug: report it with the lines below", log=frames[-12:])
