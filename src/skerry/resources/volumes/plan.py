"""What the verbs of volumes decide: pure functions from what is there and what is desired to a plan."""

import dataclasses
from collections.abc import Sequence

from skerry.model.errors import Code, SkerryError
from skerry.model.size import format_size
from skerry.model.snapshot import Snapshot
from skerry.model.volume import Volume
from skerry.parts import archive
from skerry.parts.archive import Archive, Restored
from skerry.parts.base import Step
from skerry.parts.data import Data
from skerry.parts.snapshots import Taken
from skerry.resources import names
from skerry.resources.kind import Plan

_MEBI = 1024**2


def data(volume: Volume) -> Data:
    """Its files."""
    return Data(volume.id, volume.generation, volume.size)


def create(volume: Volume) -> Plan[Volume]:
    """Make a volume that does not exist."""
    step = Step("make", data(volume), "its files outlive the containers that use it")
    return Plan("volume_create", None, volume, (step,), "undo")


def copy(volume: Volume, place: str, files: str, inside: int) -> Plan[Volume]:
    """Make a volume with the files of another one.

    Args:
        volume: that is made.
        place: where these files lie in the pool.
        files: in words, whose they are.
        inside: how many subvolumes a program has made among them.
    """
    step = Step("make", dataclasses.replace(data(volume), origin=place), files)
    left = f"{volume.key.name} has nothing of the {inside} subvolumes which a program has made in what it is copied of"
    return Plan("volume_copy", None, volume, (step,), "undo", warnings=(left,) if inside else ())


def rename(volume: Volume, after: Volume, following: Sequence[str]) -> Plan[Volume]:
    """Give a volume another name; ``following`` says what changes in the options of containers that have it."""
    stored = (f"name {volume.key.name} to {after.key.name}", *following)
    return Plan("volume_rename", volume, after, (), "undo", stored=stored)


def update(volume: Volume, after: Volume, used: int) -> Plan[Volume]:
    """Give a volume other options.

    Args:
        volume: as it is.
        after: as it shall be.
        used: bytes that its files take.

    Raises:
        SkerryError: its files take more than that.
    """
    size = after.size
    if size < volume.size and size < used + _MEBI:
        least = -(-used // _MEBI) + 1
        raise SkerryError(
            Code.INVALID,
            f"size: {format_size(size)} is too little for volume {volume.key}, whose files take {least - 1}M",
            f"Give at least {least}M, or delete files in it first",
        )
    reason = f"size {format_size(volume.size)} to {format_size(size)}"
    steps = (Step("change", data(after), reason, data(volume)),) if size != volume.size else ()
    stored = tuple(
        f"{name} {getattr(volume, name) or 'none'} to {getattr(after, name) or 'none'}"
        for name in ("snapshot_every", "snapshot_keep")
        if getattr(volume, name) != getattr(after, name)
    )
    return Plan("volume_update", volume, after, steps, "undo", stored=stored)


def backup(volume: Volume, stream: str) -> Plan[Volume]:
    """Write a volume's files into an archive."""
    name = volume.subvolume
    steps = (
        Step("make", archive.Snapshot(name), "the archive has the files of one moment"),
        Step("make", Archive(name, stream), "it goes to whoever asked"),
        Step("remove", archive.Snapshot(name), "the archive is written"),
    )
    return Plan("volume_backup", volume, volume, steps, "undo")


def restore_new(volume: Volume, stream: str) -> Plan[Volume]:
    """Make a volume of an archive."""
    return Plan("volume_restore", None, volume, _unpacking(volume, stream), "undo")


def restore(volume: Volume, stream: str) -> Plan[Volume]:
    """Put an archive's files into the place of those that a volume has."""
    after = dataclasses.replace(volume, generation=volume.generation + 1)
    return Plan("volume_restore", volume, after, _unpacking(after, stream), "undo")


def _unpacking(volume: Volume, stream: str) -> tuple[Step, ...]:
    return (
        Step("make", data(volume), "the archive's files go there"),
        Step("make", Restored(volume.subvolume, stream), "each member is checked before it is written"),
    )


def restore_snapshot(volume: Volume, snapshot: Snapshot, kept: Snapshot | None) -> Plan[Volume]:
    """Put the files of a snapshot into the place of those that a volume has, of which ``kept`` is taken before."""
    after = dataclasses.replace(volume, generation=volume.generation + 1, snapshots=(kept,) if kept else ())
    what = f"are snapshot {kept.key.name}" if kept else "are destroyed"
    reason = f"the files of {snapshot.created[:19]}; those of now {what}"
    steps = (
        *(Step("make", taken(volume, one), "the files of now are kept") for one in after.snapshots),
        Step("make", dataclasses.replace(data(after), origin=snapshot.place), reason),
    )
    return Plan("snapshot_restore", volume, after, steps, "undo")


def taken(volume: Volume, snapshot: Snapshot) -> Taken:
    """The files of a snapshot of it."""
    return Taken(snapshot.key.name, snapshot.place, f"v/{volume.subvolume}", volume.id)


def forget_old(verb: str, volume: Volume, old: Volume) -> Plan[Volume]:
    """Delete the files that a volume had before it was restored."""
    step = Step("remove", data(old), "others have taken their place")
    return Plan(verb, volume, dataclasses.replace(volume, snapshots=()), (step,), "finish")


def delete(volume: Volume, users: Sequence[str]) -> Plan[Volume]:
    """Delete a volume with its files, and those of its snapshots.

    Raises:
        SkerryError: containers have it.
    """
    if users:
        raise SkerryError(
            Code.BUSY,
            f"volume {volume.key} is in use by {names.listed(users)}",
            "Take it out of their option 'volumes', or delete these containers, first",
        )
    gone = (Step("remove", taken(volume, one), "nothing goes back to it") for one in volume.snapshots)
    step = Step("remove", data(volume), "its files go, for good")
    return Plan("volume_delete", volume, None, (*gone, step), "finish")
