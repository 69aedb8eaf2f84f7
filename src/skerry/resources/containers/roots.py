"""Another image under the same id: plans that give a container a fresh root, or one that was kept. Pure functions."""

import dataclasses
from collections.abc import Mapping

from skerry.model.container import Container, Desired, Image, Spec
from skerry.model.host import HostConfig
from skerry.model.kept import KeptRoot
from skerry.model.snapshot import Snapshot
from skerry.parts import root as parts
from skerry.parts.base import Step
from skerry.resources.containers import anatomy, changes
from skerry.resources.containers.plan import Belongings, Wait, rerouting, running_steps, thawing
from skerry.resources.kind import Plan


def fresh(container: Container, spec: Spec, image: Image, has: Belongings, size: int) -> Container:
    """The container with ``spec`` on a new root over ``image``; the root that it has, of ``size`` bytes, is kept."""
    every = [container.root, *(one.number for one in container.kept)]
    return dataclasses.replace(
        has.of(container), spec=spec, image=image, root=max(every) + 1, kept=_with_this(container, size)
    )


def back(container: Container, to: KeptRoot, image: Image, size: int) -> Container:
    """The container on a root that was kept; the one that it has, of ``size`` bytes, is kept in its turn."""
    kept = tuple(one for one in _with_this(container, size) if one.number != to.number)
    spec = container.spec.model_copy(update={"image": to.image})
    return dataclasses.replace(container, spec=spec, image=image, root=to.number, kept=kept)


def restored(
    container: Container, snapshot: Snapshot, image: Image, size: int, kept: Snapshot | None
) -> Container:
    """The container on a new root with the files of a snapshot.

    Args:
        container: as it is.
        snapshot: what it goes back to.
        image: what that root stands on.
        size: bytes of the root that it has.
        kept: the snapshot that is taken of that one before.
    """
    numbers = [container.root, *(one.number for one in container.kept)]
    return dataclasses.replace(
        container,
        spec=container.spec.model_copy(update={"image": snapshot.image}),
        image=image,
        root=max(numbers) + 1,
        kept=_with_this(container, size),
        snapshots=(kept,) if kept else (),
    )


def _with_this(container: Container, size: int) -> tuple[KeptRoot, ...]:
    this = KeptRoot(container.root, container.spec.image, container.image.digest, size)
    return (this, *container.kept)


@dataclasses.dataclass(frozen=True)
class Way:
    """How a container comes to another root.

    Attributes:
        why: for a person.
        grace: seconds that the program on the one that it has gets to end by itself.
        wait: what the caller waits for.
        unwritten: whether the one that it has must have no files when that program has ended.
        origin: where the snapshot lies in the pool that the new one begins with; empty for none.
    """

    why: str
    grace: float
    wait: Wait
    unwritten: bool = False
    origin: str = ""


def change(verb: str, host: HostConfig, old: Container, new: Container, way: Way) -> Plan[Container]:
    """Replace root and image. Where it is to run, it is restarted, and its URLs say so meanwhile.

    Snapshots that ``new`` has are taken of the earlier root.
    """
    anatomy.command(new)
    desired: Desired = "stopped" if old.desired == "stopped" else "started"
    after = dataclasses.replace(new, desired=desired, ended=None, health="")
    is_new = new.root not in {one.number for one in old.kept}
    before = anatomy.root(old, without=new.root if is_new else 0)
    exchange = [
        *(Step("make", anatomy.taken(old, one), "the files of now are kept") for one in new.snapshots),
        Step("change", anatomy.root(new, origin=way.origin), way.why, before),
    ]
    told = changes.described(old.spec, new.spec, set(changes.changed_options(old.spec, new.spec)) - {"image"})
    if desired == "stopped":
        steps = [*exchange, *rerouting(host, old, after, "its URLs stay")]
        return Plan(verb, old, after, tuple(steps), "undo", stored=tuple(told))
    paused = anatomy.paused_routes(host, old)
    steps = [
        *(
            Step("change", one, "its URL says that it restarts", route)
            for route, one in zip(anatomy.routes(host, old), paused, strict=True)
        ),
        *thawing(old),
        Step("remove", anatomy.unit(old, way.grace), "it stops"),
        *([Step("make", parts.Unwritten(old.id), "nothing may stay behind")] if way.unwritten else []),
        *exchange,
        *_passing(host, old, new),
        *running_steps(host, after, way.wait),
    ]
    there = {one.host: one for one in paused}
    for one in anatomy.routes(host, after):
        if one.host in there:
            steps.append(Step("change", one, "its URL leads to it", there.pop(one.host)))
        else:
            steps.append(Step("make", one, "its URL leads to it"))
    steps += [Step("remove", one, "its service is gone") for one in there.values()]
    return Plan(verb, old, after, tuple(steps), "undo", stored=tuple(told))


def _passing(host: HostConfig, old: Container, new: Container) -> list[Step]:
    before, after = anatomy.firewall_entry(host, old), anatomy.firewall_entry(host, new)
    return [] if before == after else [Step("change", after, "its packets may pass", before)]


def drop(verb: str, container: Container, number: int) -> Plan[Container] | None:
    """Delete one kept root; None where it is not there."""
    after = dataclasses.replace(
        container, kept=tuple(one for one in container.kept if one.number != number), snapshots=()
    )
    if len(after.kept) == len(container.kept):
        return None
    step = Step("remove", parts.KeptRoot(container.id, number), "that of the snapshot has taken its place")
    return Plan(verb, container, after, (step,), "finish")


def settle(verb: str, container: Container, sizes: Mapping[int, int]) -> Plan[Container] | None:
    """Write what kept roots take, and delete those that are too many; None where nothing changes.

    Args:
        verb: what it belongs to.
        container: as it is.
        sizes: bytes that kept roots take, by their number, where that was found out anew.
    """
    most = container.spec.rollbacks
    kept = tuple(
        dataclasses.replace(one, size=sizes.get(one.number, one.size)) for one in container.kept[:most]
    )
    if kept == container.kept:
        return None
    after = dataclasses.replace(container, kept=kept)
    steps = (
        Step("remove", parts.KeptRoot(container.id, one.number), f"rollbacks is {most}")
        for one in container.kept[most:]
    )
    return Plan(verb, container, after, tuple(steps), "finish")
