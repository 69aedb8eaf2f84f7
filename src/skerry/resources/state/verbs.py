"""From a request and what a host remembers to plans: what is checked first, and what is refused in which words."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from skerry.host import age
from skerry.model import backup
from skerry.model.backup import Backup, HostState
from skerry.model.errors import Code, SkerryError
from skerry.parts.base import Step
from skerry.parts.state import StagedState, StateArchive, UnpackedState, unpacked
from skerry.protocol.state import StateBackup, StateRestore
from skerry.resources import names
from skerry.resources.kind import Context, Looking, Plan
from skerry.resources.kind import Decide as DecideAny
from skerry.resources.kind import Planner as PlannerAny
from skerry.resources.state import archive, recover

Decide = DecideAny[HostState]
RESTORE = "state_restore"


def _backup(context: Context, request: StateBackup, _found: HostState | None) -> Sequence[Decide]:
    written: list[bytes] = []

    def look(_found: HostState | None) -> None:
        age.check(request.recipients)
        if not context.dry_run:
            written.append(archive.write(context))

    def decide(found: HostState | None) -> Plan[HostState]:
        content = written[0] if written else b""
        part = StateArchive(tuple(request.recipients), request.stream, content)
        return Plan(request.verb, found, found, (Step("make", part, "it goes to whoever asked"),), "undo")

    return [Looking(look, decide)]


def _check(context: Context, request: StateRestore, found: HostState, saved: Backup) -> None:
    """Refuse what would not make this host the one of the backup, or would destroy more than was said.

    Raises:
        SkerryError: what is wrong, and what would be right.
    """
    if saved.host != found.domain:
        raise SkerryError(
            Code.INVALID,
            f"backup: it is of host {saved.host}, and this one is {found.domain}: its URLs would be others",
            f"Set proxy_domain to {saved.host} and run site.yml first, or take the backup of {found.domain}",
        )
    backup.check_tables(saved, context.db.tables())
    if request.replace and request.replace != found.domain:
        raise SkerryError(
            Code.INVALID,
            f"replace: {request.replace!r} is not the domain of this host, which is {found.domain}",
            "Give the domain that 'skerry status' shows, or leave it out",
        )
    if not found.empty and not request.replace:
        what = names.listed([*found.containers, *(f"volume {one}" for one in found.volumes), *found.secrets])
        raise SkerryError(
            Code.EXISTS,
            f"this host has state of its own: {what}",
            "Restore on a fresh host. To forget what this one remembers, give its domain: "
            f"--replace {found.domain}, or -e replace={found.domain} of the playbook",
        )
    if not Path(context.host.pki).is_dir():
        raise SkerryError(
            Code.HOST, f"there is no {context.host.pki} on this host", "Set the host up first (site.yml)"
        )


def _restore(context: Context, request: StateRestore, _found: HostState | None) -> Sequence[Decide]:
    saved = backup.read(request.manifest)
    after = backup.state_of(saved)
    staged: list[tuple[StagedState, list[str]]] = []

    def unpack(found: HostState | None) -> Plan[HostState] | None:
        if found is None:
            raise ValueError("a host remembers something always")
        _check(context, request, found, saved)
        step = Step("make", UnpackedState(request.stream), "each member is checked before anything changes")
        return Plan(RESTORE, found, found, (step,), "undo", lasting=False)

    def look(_found: HostState | None) -> None:
        if not context.dry_run and Path(unpacked(context.host)).is_dir():
            staged.append(archive.read(context, saved))

    def decide(found: HostState | None) -> Plan[HostState] | None:
        if found is None:
            raise ValueError("a host remembers something always")
        part, lost = staged[-1] if staged else (StagedState(saved.host), [])
        step = Step("make", part, f"as it was on {saved.created[:19]}; the engine starts anew with it")
        told = tuple(_told(found, saved, lost))
        return Plan(
            RESTORE,
            found,
            after,
            (step,),
            "undo",
            stored=("a higher epoch: no id comes twice",),
            warnings=told,
        )

    return [unpack, Looking(look, decide)]


def _told(found: HostState, saved: Backup, lost: Sequence[str]) -> Iterator[str]:
    """What a person should know of a restore."""
    forgotten = sorted({*found.containers} - {*saved.containers}) + sorted(
        {*found.volumes} - {*saved.volumes}
    )
    if forgotten:
        yield f"forgotten, since the backup has no such: {names.listed(forgotten)}. Their files stay in the pool"
    if lost:
        yield f"not restored, since no archive has their files: {names.listed(lost)}"
    yield "what has no files yet is listed by 'skerry state info', with what brings it"


PLANNERS: Mapping[str, PlannerAny[HostState]] = {
    "state_backup": _backup,
    RESTORE: _restore,
    recover.RECOVER: recover.recover,
}
"""What each verb decides."""
