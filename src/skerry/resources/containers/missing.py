"""What is said where no container has the name that a request gives."""

from skerry.model.container import ContainerKey
from skerry.model.errors import Code, SkerryError
from skerry.resources import names
from skerry.resources.containers import store
from skerry.resources.kind import Context

_LISTED = 10  # names in a message


def not_found(context: Context, key: ContainerKey) -> SkerryError:
    """The error for a container that is not there: what its name may have been meant for, and what is there."""
    every = [one for one in store.keys(context.db) if context.sees(one.realm, one.project)]
    known = [one.name for one in every if (one.realm, one.project) == (key.realm, key.project)]
    # Of this realm alone: which others there are, and what they have, is nobody else's business.
    others = [f"{one.realm}/{one.project}" for one in every if (one.realm, one.name) == (key.realm, key.name)]
    elsewhere = f"One of that name is in {names.listed(others, _LISTED)}. " if others else ""
    here = f"Containers of {key.realm}/{key.project}: {names.listed(known, _LISTED) or 'none'}"
    hint = f"{names.meant(key.name, known)}{elsewhere}{here}"
    return SkerryError(Code.NOT_FOUND, f"there is no container {key}", hint)
