"""The lines of a text that a program wrote, as that program ends them."""


def lines_of(text):
    """
    By line feeds alone. str.splitlines ends a line at nine other characters, too, which apps, visitors and the names of files may
    have in theirs: U+2028 in an entry of the journal would leave half of its JSON.
    """
    found = text.split("\n")
    return found if found[-1] else found[:-1]
