"""The lines of a text that a program wrote, as that program ends them; and as many of them as there is room for."""

from collections import deque


def lines_of(text):
    """
    By line feeds alone. str.splitlines ends a line at nine other characters, too, which apps, visitors and the names of files may
    have in theirs: U+2028 in an entry of the journal would leave half of its JSON.
    """
    found = text.split("\n")
    return found if found[-1] else found[:-1]


class Last:
    """The last lines of any number: at most so many, and of so many characters."""

    def __init__(self, count, characters):
        self.count, self.characters = count, characters
        self.kept, self.size, self.lost = deque(), 0, False

    def add(self, line):
        self.kept.append(line)
        self.size += len(line)
        while len(self.kept) > self.count or (self.size > self.characters and len(self.kept) > 1):
            self.size -= len(self.kept.popleft())
            self.lost = True
