"""What a site has beside its processes. A module of this folder is a type, under the type's name, and has these functions:

set_up(node, use)     makes it what its options say, and leaves data alone that is there. The changes. Error `service` or `no-space`.
values(node, use)     what fills the placeholders in its variables: `@DIRECTORY@` is `DIRECTORY`.
needs(node, use)      lines of a systemd unit that waits for it.
size(node, use)       bytes of data, as last measured.
health(node, use)     what is wrong with it, in words for people; None when all is well.
before_install(node)  what must be said before its packages come. Left out where that is nothing.
hold(node, use)       keeps it within its limits, twice a minute. The changes. Left out where the kernel does that.
remove(node, use)     stops what runs of it, when its site is removed. The changes. Data stays.

Later come copy (into the next data generation), fence (against writes), dump and load.
"""

import importlib
from typing import NamedTuple


class Use(NamedTuple):
    """A service as a site uses it."""

    site: str
    # Of the site's data: what keeps data has a place and a name by it.
    generation: int
    # Key under which the manifest asks for it.
    name: str
    # Judged by the plan: plain numbers and words.
    options: dict

    @property
    def user(self):
        return f"site-{self.site}"


def of(kind):
    """The module of a type. The contract lets no other words through."""
    return importlib.import_module(f"{__name__}.{kind}")
