"""From a request and what is there to plans of aliases: the checks that need the store, then the planner."""

import dataclasses
from collections.abc import Mapping, Sequence

from skerry.model.addresses import addresses
from skerry.model.alias import Alias, reserved
from skerry.model.errors import Code, SkerryError
from skerry.model.tenants import RealmKey
from skerry.parts import alias as parts
from skerry.parts.ready import Ready
from skerry.protocol.aliases import AliasDelete, AliasDrain, AliasList, AliasSet
from skerry.resources import names, shares
from skerry.resources.aliases import plan, store
from skerry.resources.kind import Context, Plan
from skerry.resources.kind import Decide as DecideAny
from skerry.resources.kind import Planner as PlannerAny
from skerry.store import operations, projects, references
from skerry.store.db import now
from skerry.store.references import ContainerRow

Decide = DecideAny[Alias]
Planner = PlannerAny[Alias]
OneAlias = AliasSet | AliasDrain | AliasDelete


def find(context: Context, request: OneAlias | AliasList) -> Alias | None:
    """The alias of the realm, project and name that a request gives."""
    if isinstance(request, AliasList):
        return None
    found = store.find(context.db, request.alias)
    ours = found is not None and (found.realm, found.project) == (request.realm, request.project)
    return found if ours else None


def _existing(context: Context, found: Alias | None, request: OneAlias) -> Alias:
    if found is not None:
        return found
    raise SkerryError(
        Code.NOT_FOUND,
        f"there is no alias {request.realm}/{request.project}/{request.alias}",
        _missing_hint(context, request),
    )


def _missing_hint(context: Context, request: OneAlias) -> str:
    """What a name may have been meant for."""
    every = store.all_aliases(context.db)
    known = [one.name for one in every if (one.realm, one.project) == (request.realm, request.project)]
    where = f"{request.realm}/{request.project}"
    return f"{names.meant(request.alias, known)}Aliases of {where}: {names.listed(known) or 'none'}"


def _check_name(context: Context, request: AliasSet) -> None:
    """Refuse a name that is not to be had. A reserved one and another realm's are refused in the same words."""
    taken = store.find(context.db, request.alias)
    if taken is not None and taken.realm == request.realm and context.sees(taken.realm, taken.project):
        if taken.project != request.project:
            raise SkerryError(
                Code.EXISTS,
                f"alias {request.alias} is project {taken.project}'s of this realm",
                "Choose another name, or delete it there first",
            )
    elif taken is not None or reserved(request.alias):
        raise SkerryError(
            Code.EXISTS,
            f"alias {request.alias}: this name is not to be had on this host",
            "Choose another name. Some are reserved, and a name can be had once",
        )


def _target(context: Context, request: AliasSet) -> ContainerRow:
    """The container that the name is to lead to."""
    row = references.container(context.db, request.realm, request.project, request.container)
    if row is None:
        known = references.container_names(context.db, request.realm, request.project)
        where = f"{request.realm}/{request.project}"
        raise SkerryError(
            Code.NOT_FOUND,
            f"there is no container {where}/{request.container}",
            f"{names.meant(request.container, known)}Containers of {where}: {names.listed(known) or 'none'}",
        )
    if row.spec.profile == "build":
        raise SkerryError(
            Code.INVALID,
            f"container {request.container} has profile build, which has no URL",
            "Let the alias lead to another container",
        )
    if any(
        one.verb in {"create", "delete"} for one in operations.unfinished(context.db, "container", row.id)
    ):
        raise SkerryError(
            Code.BUSY,
            f"container {request.container} is being made or deleted",
            "Try again when that is done",
        )
    if (request.service or "") not in row.ports:
        services = sorted(row.ports.keys() - {""})
        raise SkerryError(
            Code.INVALID,
            f"service: container {request.container} has no service {request.service!r}",
            f"Give one of {', '.join(services)}" if services else "Leave it out: the container has none",
        )
    return row


def _set(context: Context, request: AliasSet, _found: Alias | None) -> Sequence[Decide]:
    def desired(found: Alias | None) -> tuple[Alias, ContainerRow]:
        _check_name(context, request)
        row = _target(context, request)
        if found is None and (realm := projects.find_realm(context.db, RealmKey(name=request.realm))):
            shares.check(context.db, "alias", realm.id, realm.key.name)
        made = Alias(
            name=request.alias,
            realm=request.realm,
            project=request.project,
            project_id=row.project_id,
            container=request.container,
            container_id=row.id,
            service=request.service or "",
            created=found.created if found else now(),
        )
        return made, row

    def wait(found: Alias | None) -> Plan[Alias] | None:
        alias, row = desired(found)
        if found == alias or not row.started or request.wait == "running":
            return None
        address = addresses(context.host, row.slot).ipv4
        ready = Ready(row.id, address, row.ports[alias.service], request.timeout)
        return plan.await_target(request.verb, found, alias, ready)

    def lead(found: Alias | None) -> Plan[Alias]:
        return plan.lead(request.verb, context.host, found, desired(found)[0])

    return [wait, lead]


def _delete(context: Context, request: AliasDelete, _found: Alias | None) -> Sequence[Decide]:
    return [lambda found: plan.delete(context.host, _existing(context, found, request))]


def _drain(context: Context, request: AliasDrain, _found: Alias | None) -> Sequence[Decide]:
    def decide(found: Alias | None) -> Plan[Alias] | None:
        alias = dataclasses.replace(_existing(context, found, request), streams=True)
        open_now = len(parts.Drained(alias.host_name(context.host.domain), 0, 0).open(context.host))
        return plan.drain(context.host, alias, request.within, open_now) if open_now else None

    return [decide]


PLANNERS: Mapping[str, Planner] = {"alias_set": _set, "alias_drain": _drain, "alias_delete": _delete}
"""What each verb decides."""
