"""Another image under the same id: plans that give a container a fresh root, or one that was kept. Pure functions."""

import dataclasses
from collections.abc import Mapping

from skerry.model.container import Container, Desired, Image, Spec
from skerry.model.host import HostConfig
from skerry.model.kept import KeptRoot
from skerry.model.size import format_size
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
    """

    why: str
    grace: float
    wait: Wait
    unwritten: bool = False


def change(verb: str, host: HostConfig, old: Container, new: Container, way: Way) -> Plan[Container]:
    """Replace root and image. Where it is to run, it is restarted, and its URLs say so meanwhile."""
    anatomy.command(new)
    desired: Desired = "stopped" if old.desired == "stopped" else "started"
    after = dataclasses.replace(new, desired=desired, ended=None, health="")
    is_new = new.root not in {one.number for one in old.kept}
    root = Step("change", anatomy.root(new), way.why, anatomy.root(old, without=new.root if is_new else 0))
    told = changes.described(old.spec, new.spec, set(changes.changed_options(old.spec, new.spec)) - {"image"})
    if desired == "stopped":
        steps = [root, *rerouting(host, old, after, "its URLs stay")]
        return Plan(verb, old, after, tuple(steps), "undo", stored=tuple(told))
    paused = anatomy.paused_routes(host, old)
    steps = [
        *(
            Step("change", one, "its URL says that it restarts", before)
            for before, one in zip(anatomy.routes(host, old), paused, strict=True)
        ),
        *thawing(old),
        Step("remove", anatomy.unit(old, way.grace), "it stops"),
        *([Step("make", parts.Unwritten(old.id), "nothing may stay behind")] if way.unwritten else []),
        root,
    ]
    before, entry = anatomy.firewall_entry(host, old), anatomy.firewall_entry(host, new)
    if entry != before:
        steps.append(Step("change", entry, "its packets may pass", before))
    steps += running_steps(host, after, way.wait)
    there = {one.host: one for one in paused}
    for one in anatomy.routes(host, after):
        if one.host in there:
            steps.append(Step("change", one, "its URL leads to it", there.pop(one.host)))
        else:
            steps.append(Step("make", one, "its URL leads to it"))
    steps += [Step("remove", one, "its service is gone") for one in there.values()]
    return Plan(verb, old, after, tuple(steps), "undo", stored=tuple(told))


def settle(verb: str, container: Container, sizes: Mapping[int, int]) -> Plan[Container] | None:
    """Let kept roots count as what they take, and delete those that are too many; None where nothing changes.

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
    steps = [
        Step("remove", parts.KeptRoot(container.id, one.number), f"rollbacks is {most}")
        for one in container.kept[most:]
    ]
    why = "its space comes back" if steps else f"kept roots take {format_size(anatomy.kept_size(after))}"
    limit = Step("change", anatomy.volume(after), why, anatomy.volume(container))
    return Plan(verb, container, after, (*steps, limit), "finish")
