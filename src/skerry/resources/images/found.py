"""What the decisions about images have in common: what is there, who uses it, what goes when a name moves on."""

from collections.abc import Sequence

from skerry.model.container import Image
from skerry.resources.images import plan, store
from skerry.resources.images.plan import Found
from skerry.resources.kind import Context, Plan
from skerry.resources.kind import Decide as DecideAny
from skerry.resources.kind import Planner as PlannerAny
from skerry.store import references

Decide = DecideAny[Image]
Planner = PlannerAny[Image]


def users(context: Context, image: Image) -> Sequence[str]:
    """The containers that are made of an image."""
    return references.users_of_image(context.db, image.digest)


def found(context: Context, named: Image | None, digest: str = "") -> Found:
    """What is there: the image of the name, and that of the digest."""
    same = references.image(context.db, digest) if digest else None
    if named is None:
        return Found(None, same)
    return Found(named, same, users(context, named), store.only_of(context.db, named))


def give_way(context: Context, old: Image | None, new: str) -> Decide:
    """Delete the image that had the name, where nobody uses it."""

    def decide(_found_now: Image | None) -> Plan[Image] | None:
        if old is None or old.digest == new or users(context, old):
            return None
        return plan.give_way(old, store.only_of(context.db, old))

    return decide
