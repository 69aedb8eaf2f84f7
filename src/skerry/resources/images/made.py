"""Images whose digest only their making tells: a chain of plans. Tarball, image, then the old one goes."""

import dataclasses
import functools
from collections.abc import Callable, Sequence

from skerry.model.container import Image
from skerry.parts.base import Part
from skerry.resources.images import factory, plan
from skerry.resources.images.found import Decide, found, give_way
from skerry.resources.kind import Context, Plan


@dataclasses.dataclass(frozen=True)
class Making:
    """What is to be made.

    Attributes:
        verb: what was asked for.
        desired: the image as it shall be, without a digest.
        named: the image that bears its name.
        tarball: what it is made of.
        reason: why it is made.
        warnings: what a person should know of it.
        like: completes ``desired`` where the same image is here already, or another one bears its name.
    """

    verb: str
    desired: Image
    named: Image | None
    tarball: Part
    reason: str
    warnings: tuple[str, ...] = ()
    like: Callable[[Image, Image], Image] = lambda desired, _like: desired


def chain(context: Context, making: Making) -> Sequence[Decide]:
    """The decisions, each after the plan of the one before is done."""
    verb, named, tarball = making.verb, making.named, making.tarball

    @functools.cache
    def digest() -> str:
        """The digest of the tarball, once it is there; empty where it was only planned."""
        return "" if context.dry_run else factory.tarball_digest(context.host)

    def prepare(_found_now: Image | None) -> Plan[Image]:
        planned = plan.prepare(verb, making.desired, named, tarball, making.reason)
        return dataclasses.replace(planned, warnings=making.warnings)

    def clean(_found_now: Image | None) -> Plan[Image] | None:
        same = found(context, named, digest()).same
        return plan.clean(verb, making.desired, named, tarball) if same else None

    def bring(_found_now: Image | None) -> Plan[Image]:
        there = found(context, named, digest())
        desired = dataclasses.replace(making.desired, digest=digest())
        like = there.same or named
        return plan.bring(verb, making.like(desired, like) if like else desired, there, making.reason)

    def clear_old(found_now: Image | None) -> Plan[Image] | None:
        return give_way(context, named, digest())(found_now)

    return [prepare, clean, bring, clear_old]
