"""From a request and what is there to plans of volumes: the checks that need the host or the store, then the planner."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from skerry.host import capacity, quotas
from skerry.model.errors import Code, SkerryError
from skerry.model.schedule import check_schedule
from skerry.model.size import format_size, parse_size
from skerry.model.volume import Volume, VolumeKey
from skerry.parts import archive, data, root
from skerry.parts import snapshots as parts
from skerry.protocol import volumes as requests
from skerry.protocol.snapshots import SnapshotRestore
from skerry.resources import missing as missing_snapshots
from skerry.resources import names
from skerry.resources.kind import Context, Looking, Plan
from skerry.resources.kind import Decide as DecideAny
from skerry.resources.kind import Planner as PlannerAny
from skerry.resources.volumes import copies, missing, plan, renames, store
from skerry.store import references, snapshots

Decide = DecideAny[Volume]
Planner = PlannerAny[Volume]
Options = requests.VolumeCreate | requests.VolumeCopy | requests.VolumeUpdate | requests.VolumeEnsure
_NEW_SIZE = parse_size("1G")
_MEBI = 1024**2


def existing(context: Context, found: Volume | None, key: VolumeKey) -> Volume:
    """``found``, which must be there.

    Raises:
        SkerryError: it is not.
    """
    if found is None:
        raise missing.not_found(context.db, key)
    return found


def _with_files(context: Context, found: Volume | None, key: VolumeKey) -> Volume:
    """``found``, which must be there, and its files with it.

    Raises:
        SkerryError: it is not, or only a backup's word of it.
    """
    volume = existing(context, found, key)
    if not data.is_there(context.host, volume.subvolume):
        raise SkerryError(
            Code.NOT_FOUND,
            f"the files of volume {key} are not on this host",
            f"Bring them first: skerry volume restore {key.name} FILE",
        )
    return volume


def used(context: Context, volume: Volume) -> int:
    """Bytes that its files take."""
    return quotas.used_by(context.host.pool, quotas.group_of(volume.id))


def users(context: Context, volume: Volume) -> list[str]:
    """The containers that have it, as a person names them: by their options, or still, until they are restarted."""
    found = dict(references.users_of_volume(context.db, volume.project_id, volume.key.name))
    running = data.mounted_by(context.host, volume.subvolume) - found.keys()
    return sorted([*found.values(), *(references.container_name(context.db, one) for one in running)])


def _with_options(volume: Volume, request: Options) -> Volume:
    """The volume with what a request names."""
    given = {name: getattr(request, name) for name in ("size", "snapshot_every", "snapshot_keep")}
    after = dataclasses.replace(volume, **{name: value for name, value in given.items() if value is not None})
    try:
        check_schedule(after.snapshot_every, after.snapshot_keep)
    except ValueError as error:
        wrong, _, right = str(error).partition("; ")
        raise SkerryError(Code.INVALID, wrong, right[:1].upper() + right[1:]) from error
    return after


def _check_new(found: Volume | None) -> None:
    if found is not None:
        raise SkerryError(
            Code.EXISTS,
            f"volume {found.key} exists already",
            "Choose another name, update it, or delete it first",
        )


def _create(context: Context, request: requests.VolumeCreate | requests.VolumeEnsure) -> Decide:
    key, size = request.volume, request.size or _NEW_SIZE

    def decide(found: Volume | None) -> Plan[Volume]:
        _check_new(found)
        capacity.check_disk(context.host, "size", size)
        proposed = store.propose(context.db, context.secret, key, size)
        return plan.create(_with_options(proposed, request))

    return decide


def _copy(context: Context, request: requests.VolumeCopy | requests.VolumeEnsure, of: str) -> Decide:
    key, findings = request.volume, copies.Findings(context)

    def look(found: Volume | None) -> None:
        if found is None:
            findings.of(copies.source(context, key, of), request.size)

    def decide(found: Volume | None) -> Plan[Volume]:
        _check_new(found)
        source = copies.source(context, key, of)
        proposed = store.propose(context.db, context.secret, key, source.volume.size)
        same = {name: getattr(source.volume, name) for name in ("snapshot_every", "snapshot_keep")}
        made = _with_options(dataclasses.replace(proposed, **same), request)
        capacity.check_disk(context.host, "size", made.size)
        inside = findings.of(source, request.size)
        findings.check(source, made)
        return plan.copy(made, source.place, source.why, inside)

    return Looking(look, decide)


def _once(context: Context) -> Callable[[Volume], int]:
    """Bytes that a volume's files take, found out once a request."""
    return functools.cache(functools.partial(used, context))


def _update(context: Context, request: requests.VolumeUpdate | requests.VolumeEnsure) -> Decide:
    takes = _once(context)

    def look(found: Volume | None) -> None:
        if found is not None and (request.size or found.size) < found.size:
            takes(found)

    def decide(found: Volume | None) -> Plan[Volume]:
        volume = _with_files(context, found, request.volume)
        after = _with_options(volume, request)
        capacity.check_disk(context.host, "size", after.size)
        return plan.update(volume, after, takes(volume) if after.size < volume.size else 0)

    return Looking(look, decide)


def _delete(context: Context, key: VolumeKey, *, must_exist: bool) -> Decide:
    def decide(found: Volume | None) -> Plan[Volume] | None:
        if found is None and not must_exist:
            return None
        volume = existing(context, found, key)
        volume = dataclasses.replace(volume, snapshots=snapshots.of(context.db, volume.id))
        return plan.delete(volume, users(context, volume))

    return decide


def _backup(context: Context, request: requests.VolumeBackup) -> Decide:
    def decide(found: Volume | None) -> Plan[Volume]:
        return plan.backup(_with_files(context, found, request.volume), request.stream)

    return decide


def _check_rest(context: Context, volume: Volume) -> None:
    """Refuse to restore under a program that runs, or is about to. None can run without the volume's files."""
    if not data.is_there(context.host, volume.subvolume):
        return
    awake = references.started_users_of_volume(context.db, volume.project_id, volume.key.name)
    still = [
        references.container_name(context.db, one) for one in data.mounted_by(context.host, volume.subvolume)
    ]
    if found := sorted({*awake, *still}):
        raise SkerryError(
            Code.BUSY,
            f"volume {volume.key} is in use by {names.listed(found)}",
            "Stop these containers first",
        )


def _check_word(context: Context, volume: Volume, replace: str, takes: Callable[[Volume], int]) -> None:
    """Refuse to destroy files, unless told exactly which."""
    if replace and replace != volume.id:
        raise SkerryError(
            Code.INVALID,
            f"replace: {replace!r} is not the id of volume {volume.key}",
            "Give the id that 'skerry volume info' shows, or leave it out",
        )
    if not replace and not archive.is_empty(context.host, volume.subvolume):
        size = format_size(-(-takes(volume) // _MEBI) * _MEBI)
        raise SkerryError(
            Code.EXISTS,
            f"volume {volume.key} has files of its own, which take {size}",
            f"Restore into another volume. To destroy these files for good, give its id: --replace {volume.id}, "
            f"or -e replace={volume.id} of the playbook",
        )


def _restore(context: Context, request: requests.VolumeRestore, had: Volume | None) -> Sequence[Decide]:
    takes = _once(context)

    def look(found: Volume | None) -> None:
        if found is not None and not request.replace and not archive.is_empty(context.host, found.subvolume):
            takes(found)

    def decide(found: Volume | None) -> Plan[Volume]:
        if found is None:
            capacity.check_disk(context.host, "size", request.size)
            proposed = store.propose(context.db, context.secret, request.volume, request.size)
            return plan.restore_new(proposed, request.stream)
        _check_rest(context, found)
        _check_word(context, found, request.replace, takes)
        return plan.restore(found, request.stream)

    def forget(found: Volume | None) -> Plan[Volume] | None:
        return plan.forget_old(request.verb, found, had) if had and found else None

    return [Looking(look, decide), forget]


def _restore_snapshot(context: Context, request: SnapshotRestore, had: Volume | None) -> Sequence[Decide]:
    findings = _Findings(context)

    def look(found: Volume | None) -> None:
        if found and request.keep:
            findings.of(found)

    def decide(found: Volume | None) -> Plan[Volume]:
        volume = existing(context, found, request.volume)
        snapshot = snapshots.find(context.db, request.snapshot)
        if snapshot is None:
            raise missing_snapshots.no_snapshot(context.db, request.snapshot)
        _check_rest(context, volume)
        if not request.keep:
            return plan.restore_snapshot(volume, snapshot, None)
        _check_kept(volume, findings)
        kept = snapshots.before(context.db, context.secret, request.snapshot, findings.size(volume))
        return plan.restore_snapshot(volume, snapshot, kept)

    def forget(found: Volume | None) -> Plan[Volume] | None:
        return plan.forget_old(request.verb, found, had) if had and found else None

    return [Looking(look, decide), forget]


class _Findings:
    """What takes long to find out of a volume. One request finds it out once, ahead of its decision."""

    def __init__(self, context: Context) -> None:
        host = context.host
        self.used = _once(context)
        self.inside = functools.cache(lambda volume: parts.inside(host, f"v/{volume.subvolume}"))
        self.size = functools.cache(
            lambda volume: root.counted(Path(data.folder(host, volume.subvolume))).size
        )

    def of(self, volume: Volume) -> None:
        """Find it all out."""
        for find in (self.used, self.inside, self.size):
            find(volume)


def _check_kept(volume: Volume, findings: _Findings) -> None:
    """Refuse to keep files of now that no snapshot can have, or that leave those of the snapshot no room to change."""
    if inside := findings.inside(volume):
        raise SkerryError(
            Code.INVALID,
            f"volume {volume.key} has {len(inside)} subvolumes that a program has made, which no snapshot keeps",
            "Move what is in them elsewhere, or give --no-keep to destroy the files of now",
        )
    taken = findings.used(volume)
    if volume.size - taken < _MEBI:
        raise SkerryError(
            Code.INVALID,
            f"size: {format_size(volume.size)} is too little for the files of now beside those of the snapshot: "
            f"all that volume {volume.key} has takes {taken // _MEBI + 1}M",
            f"Give it at least {taken // _MEBI + 2}M, delete snapshots of it, or give --no-keep to destroy what it has",
        )


def _ensure(context: Context, request: requests.VolumeEnsure, found: Volume | None) -> Sequence[Decide]:
    if request.state == "absent":
        return [_delete(context, request.volume, must_exist=False)]
    if found is None:
        return [_copy(context, request, request.copy_of) if request.copy_of else _create(context, request)]
    return [renames.rename(context, found.key, request.volume), _update(context, request)]


PLANNERS: Mapping[str, Planner] = {
    "volume_create": lambda context, request, _found: [_create(context, request)],
    "volume_copy": lambda context, request, _found: [_copy(context, request, request.source)],
    "volume_rename": lambda context, request, _found: [renames.rename_existing(context, request)],
    "volume_update": lambda context, request, _found: [_update(context, request)],
    "volume_delete": lambda context, request, _found: [_delete(context, request.volume, must_exist=True)],
    "volume_ensure": _ensure,
    "volume_backup": lambda context, request, _found: [_backup(context, request)],
    "volume_restore": _restore,
    "snapshot_restore": _restore_snapshot,
}
"""What each verb decides."""
