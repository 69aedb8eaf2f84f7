"""What is said where no container has the name that a request gives."""

import difflib
from collections.abc import Sequence

from skerry.model.container import ContainerKey
from skerry.model.errors import Code, SkerryError
from skerry.resources.containers import store
from skerry.store.db import Database

_LISTED = 10  # names in a message


def not_found(db: Database, key: ContainerKey) -> SkerryError:
    """The error for a container that is not there: what its name may have been meant for, and what is there."""
    every = store.keys(db)
    names = [one.name for one in every if (one.realm, one.project) == (key.realm, key.project)]
    near = difflib.get_close_matches(key.name, names, n=1, cutoff=0.6)
    elsewhere = [f"{one.realm}/{one.project}" for one in every if one.name == key.name]
    hints = [
        *[f"Did you mean {name}?" for name in near],
        *([f"One of that name is in {_listed(elsewhere)}."] if elsewhere else []),
        f"Containers of {key.realm}/{key.project}: {_listed(names)}",
    ]
    return SkerryError(Code.NOT_FOUND, f"there is no container {key}", " ".join(hints))


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return (", ".join(names[:_LISTED]) or "none") + (f" and {more} more" if more > 0 else "")
