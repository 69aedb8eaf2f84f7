"""What is said where a request names a snapshot that is not there: more than one kind is asked for them."""

from skerry.model.errors import Code, SkerryError
from skerry.model.snapshot import SnapshotKey, SourceKey
from skerry.resources import names
from skerry.store import references, snapshots
from skerry.store.db import Database


def no_source(db: Database, key: SourceKey) -> SkerryError:
    """The error for a container or volume that is not there. It tells of the named project only."""
    lists = {"container": references.container_names, "volume": references.volume_names}
    known = lists[key.kind](db, key.realm, key.project)
    other = "container" if key.kind == "volume" else "volume"
    same = key.owner_name in lists[other](db, key.realm, key.project)
    text = (
        ""
        if not same
        else f"There is a {other} of that name: {'volume/' * (other == 'volume')}{key.owner_name}. "
    )
    where = f"{key.realm}/{key.project}"
    hint = f"{names.meant(key.owner_name, known)}{text}{key.kind.capitalize()}s of {where}: {names.listed(known) or 'none'}"
    return SkerryError(Code.NOT_FOUND, f"there is no {key.kind} {key.owner}", hint)


def no_snapshot(db: Database, key: SnapshotKey) -> SkerryError:
    """The error for a snapshot that is not there: what its name may have been meant for, and where there is one."""
    owner = snapshots.source(db, key)
    if owner is None:
        return no_source(db, key)
    known = [one.key.name for one in snapshots.of(db, owner.id)]
    others = [
        one.key.source
        for one in snapshots.every(db)
        if (one.key.realm, one.key.project, one.key.name) == (key.realm, key.project, key.name)
    ]
    elsewhere = f"One of that name is of {names.listed(others)}. " if others else ""
    hint = f"{names.meant(key.name, known)}{elsewhere}Snapshots of {key.source}: {names.listed(known[::-1]) or 'none'}"
    return SkerryError(Code.NOT_FOUND, f"{key.kind} {key.owner} has no snapshot {key.name}", hint)
