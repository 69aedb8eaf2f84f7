"""The volumes and secrets that a container has: that they are there, that they are whole, that a volume has first files."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from skerry.model.container import Container, ContainerKey, Spec
from skerry.model.errors import Code, SkerryError
from skerry.model.secret import MOST
from skerry.parts import data, filling, users
from skerry.parts.base import Part, Step
from skerry.parts.filling import Filling, Ownership
from skerry.parts.unit import Unit, image_mount
from skerry.resources.containers import anatomy, store
from skerry.resources.containers.plan import Belongings
from skerry.resources.kind import Context, Decide, Plan, Planner, followed
from skerry.store import references


def found(context: Context, container: Container, spec: Spec) -> Belongings:
    """What is there of the volumes, secrets and neighbours that ``spec`` names, for a container."""
    db, key, project_id = context.db, container.key, container.project_id
    return Belongings(
        store.data_of(db, project_id, spec),
        store.values_of(db, project_id, spec),
        store.neighbours_of(db, container.realm_id, key.project, key.name, spec),
    )


def check(context: Context, key: ContainerKey, spec: Spec) -> None:
    """Refuse volumes and secrets that the container's project does not have, whoever else may have some of that name.

    Raises:
        SkerryError: one is not there; or the secrets are too long together.
    """
    volumes = references.volume_names(context.db, key.realm, key.project)
    secrets = references.secret_names(context.db, key.realm, key.project)
    for kind, names, known in (
        ("volume", [use.volume for use in spec.volumes], volumes),
        ("secret", [use.secret for use in spec.secrets], secrets),
    ):
        for name in names:
            if name not in known:
                where = f"{key.realm}/{key.project}"
                raise SkerryError(
                    Code.NOT_FOUND,
                    f"{kind}s: there is no {kind} {name} in {where}",
                    f"{kind.capitalize()}s of {where}: {', '.join(known) or 'none yet'}",
                )


def _check_together(container: Container) -> None:
    size = sum(
        container.values[use.secret][2] for use in container.spec.secrets if use.secret in container.values
    )
    if size > MOST:
        raise SkerryError(
            Code.INVALID,
            f"secrets: those of container {container.key} have {size} bytes together",
            f"Give it secrets of at most {MOST} bytes together; larger data belongs into a volume",
        )


def _check_settled(context: Context, container: Container) -> None:
    for use in container.spec.volumes:
        volume_id = container.data.get(use.volume, "").rpartition("-")[0]
        if references.volume_in_work(context.db, volume_id):
            raise SkerryError(
                Code.BUSY,
                f"container {container.key}: files are being restored into volume {use.volume}",
                "Start it when they are there",
            )


def _fillings(context: Context, container: Container) -> Iterator[Step]:
    """What gives an empty volume the files that the image has in its place: once, since it is not empty then."""
    host, seen = context.host, set[str]()
    for use in container.spec.volumes:
        name = container.data.get(use.volume, "")
        if name in seen or not name or not filling.is_new(host, name) or data.mounted_by(host, name):
            continue
        seen.add(name)
        part = _first(context, container, name, use.path)
        if part is not None:
            yield Step("make", part, f"volume {use.volume} is new")


def _first(context: Context, container: Container, name: str, path: str) -> Part | None:
    unit = anatomy.unit(container)
    images = unit.lowers or (unit.image_digest,)
    more = filling.images_have_more(context.host, images, path)
    if more:
        return Filling(name, images, path)
    if more is not None:
        return None
    uid, gid = users.owner([image_mount(context.host, image) for image in images], unit.user)
    return Ownership(name, uid, gid) if uid else None


def with_them(planner: Planner[Container]) -> Planner[Container]:
    """The planner, whose plans that start a container look after what it has."""

    def planned(context: Context, request: Any, found: Container | None) -> Sequence[Decide[Container]]:
        return [_decided(context, decide) for decide in planner(context, request, found)]

    return planned


def _decided(context: Context, decide: Decide[Container]) -> Decide[Container]:
    def complete(plan: Plan[Container] | None) -> Plan[Container] | None:
        if plan is None or plan.after is None:
            return plan
        _check_together(plan.after)
        steps: list[Step] = []
        for step in plan.steps:
            if step.action == "make" and isinstance(step.part, Unit):
                _check_settled(context, plan.after)
                steps += _fillings(context, plan.after)
            steps.append(step)
        return dataclasses.replace(plan, steps=tuple(steps))

    return followed(decide, complete)
