"""The one way in which a verb fails: a code of the contract's closed list, and words for a person."""


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
        """For a person at a terminal: the one-shot form of the agent prints this."""
        lines = [f"{self.code}: {self.message}"]
        if self.fix:
            lines.append(f"What to do: {self.fix}")
        return "\n".join(lines + [f"  | {line}" for line in self.log])


class DriverGone(Exception):
    """The driver of the session went away in the middle of a verb that only waits."""


def last_lines(text, count=40):
    """The end of a program's words, which is where the reason stands."""
    return [line.rstrip() for line in text.splitlines() if line.strip()][-count:]
