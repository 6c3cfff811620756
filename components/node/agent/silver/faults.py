"""Faults that must not keep others from what is done for them."""

import contextlib

from .errors import DriverGone, explained
from .lines import lines_of


@contextlib.contextmanager
def apart(tell, whose, failures=None):
    """
    Goes on after a fault in here, once all that is known of it is told, line by line.
    @param tell: a node's `note` for what concerns one site, and its `say` for what concerns all of them
    @param failures: gets the fault, too
    """
    try:
        yield
    except DriverGone:
        raise
    except Exception as error:
        for line in lines_of(explained(error).text()):
            tell(whose, line)
        if failures is not None:
            failures.append(error)
