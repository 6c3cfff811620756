"""What a site has beside its processes. Each module of this folder is one type, named after it (a large one is a
folder). It has these functions, or an object `functions` that has them:

judge(node, use)      refuses what the data that is here does not allow, before anything is changed. Error `service`. Optional.
set_up(node, use)     makes it match its options, and leaves existing data alone. Returns the changes. Error `service` or `no-space`.
values(node, use)     values for the placeholders in its variables: `@DIRECTORY@` is `DIRECTORY`.
needs(node, use)      lines for a systemd unit that waits for it.
size(node, use)       bytes it holds, when last measured.
health(node, use)     what is wrong with it, for people; None when all is well.
before_install(node)  prepares the node before its packages are installed. Optional.
hold(node, use)       keeps it within its limits, twice a minute. Returns the changes. Omitted where the kernel does this.
exists(node, use)     whether it holds data already; None for a type that keeps none.
found(node, use)      options by what is on the node, for a site whose record was lost; None when there is nothing of it.
discard(node, use)    deletes its data, after `remove`: of a first rollout that failed. Returns the changes.
listens(node, use)    (name, place) in the table of addresses, by its own settings, for a table that was lost; None: nowhere. Optional.
address(node, use)    where it is, of one that somebody else runs: it has neither size nor limit. Omitted elsewhere.
client(node, use)     words of a program for a person at it, as the site; omitted where there is none.
remove(node, use)     stops it when its site is removed. Returns the changes. Data stays.
DATA_OF               the type whose data it has, where a site may go from one to the other. Optional.

What several types share stands beside this folder: `own_server.py` runs a server of the site's own, `own_address.py` has the address where
it listens, `own_login.py` the password of who comes there, `volume.py` holds a directory in a file system of fixed size,
`database_quota.py` judges what only the server can measure.

To come: copy (into the next data generation), fence (against writes), dump and load.
"""

import importlib
import pkgutil
from typing import NamedTuple


class Use(NamedTuple):
    """A service as a site uses it."""

    site: str
    # Of the site's data: a service that keeps data takes its place and name from it.
    generation: int
    # Its key in the manifest.
    name: str
    # Checked by the plan: plain numbers and words.
    options: dict
    # Its type.
    kind: str = ""
    # The release that it is set up for, or whose variables are asked for; None: no particular one.
    release: str | None = None

    @property
    def user(self):
        return f"site-{self.site}"


def types():
    """Names of all types, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def of(kind):
    """What has the functions of a type. The contract allows no other words."""
    module = importlib.import_module(f"{__name__}.{kind}")
    return getattr(module, "functions", module)


def data_of(kind):
    """The type whose data a type has: itself, as a rule."""
    return getattr(importlib.import_module(f"{__name__}.{kind}"), "DATA_OF", kind)
