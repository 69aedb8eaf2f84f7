"""Another name for a volume: the containers that have it name it so, and nothing of them has to be restarted."""

import dataclasses
from typing import Any

from skerry.model.errors import Code, SkerryError
from skerry.model.volume import Volume, VolumeKey
from skerry.protocol import volumes as requests
from skerry.resources import names
from skerry.resources.kind import Context, Plan
from skerry.resources.kind import Decide as DecideAny
from skerry.resources.volumes import missing, plan, store
from skerry.store import renames
from skerry.store.renames import Renaming

Decide = DecideAny[Volume]


def names_in(request: Any) -> tuple[VolumeKey, ...]:
    """What the volume that a request is about may be called, in the order in which one is looked for."""
    key: VolumeKey = request.volume
    other = None
    if isinstance(request, requests.VolumeRename):
        other = request.new_name
    elif isinstance(request, requests.VolumeEnsure) and request.state != "absent":
        other = request.renamed_from
    return (key,) if other is None else (key, key.model_copy(update={"name": other}))


def renaming(before: Volume, after: Volume) -> Renaming:
    """What becomes of its name."""
    key = before.key
    return Renaming("volume", key.realm, key.project, key.name, after.key.name)


def rename(context: Context, old: VolumeKey, new: VolumeKey) -> Decide:
    """The volume called ``old`` is to be called ``new``; it is found by either."""

    def decide(found: Volume | None) -> Plan[Volume] | None:
        if old == new or found is None or found.key == new:
            return None
        if store.find(context.db, new) is not None:
            raise SkerryError(
                Code.EXISTS,
                f"volume {new} exists already",
                "Choose another name, or rename or delete that one first",
            )
        after = dataclasses.replace(found, key=new)
        return plan.rename(found, after, _followers(context, renaming(found, after)))

    return decide


def rename_existing(context: Context, request: requests.VolumeRename) -> Decide:
    """As :func:`rename`, of a volume that must exist by its old name."""
    old = request.volume
    new = old.model_copy(update={"name": request.new_name})

    def decide(found: Volume | None) -> Plan[Volume] | None:
        if found is None or found.key != old:
            raise missing.not_found(context.db, old)
        return rename(context, old, new)(found)

    return decide


def _followers(context: Context, renaming: Renaming) -> list[str]:
    """In words, the containers that have it."""
    if found := renames.in_work(context.db, renaming):
        raise SkerryError(
            Code.BUSY,
            f"volume {renaming.old} cannot be renamed while an operation works on {names.listed(found)}, which has it",
            "Try again when that is done",
        )
    return [
        f"{one.name}: volume {renaming.old} to {renaming.new}"
        for one in renames.followers(context.db, renaming)
    ]
