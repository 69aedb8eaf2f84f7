"""From a request and what is there to plans of realms: the checks that need the store, then the planner."""

import dataclasses
from collections.abc import Iterator

from skerry.model.base import DEFAULT
from skerry.model.errors import Code, SkerryError
from skerry.model.tenants import Realm, RealmKey
from skerry.parts.base import Step
from skerry.parts.slices import RealmJournal
from skerry.protocol import realms as requests
from skerry.resources import names, owner_plan, owners
from skerry.resources.kind import Context, Plan
from skerry.resources.kind import Decide as DecideAny
from skerry.store import projects, tokens
from skerry.store.db import Database

Decide = DecideAny[Realm]
Options = requests.RealmCreate | requests.RealmUpdate | requests.RealmEnsure


def not_found(db: Database, key: RealmKey) -> SkerryError:
    """The error for a realm that is not there."""
    known = [one.key.name for one in projects.realms(db)]
    hint = f"{names.meant(key.name, known)}Realms: {names.listed(known, 10)}"
    return SkerryError(Code.NOT_FOUND, f"there is no realm {key}", hint)


def existing(context: Context, found: Realm | None, key: RealmKey) -> Realm:
    """``found``, which must be there.

    Raises:
        SkerryError: it is not.
    """
    if found is None:
        raise not_found(context.db, key)
    return found


def _with_options(context: Context, realm: Realm, request: Options) -> Realm:
    """The realm with what a request names."""
    merges = realm.merge_memory if request.merge_memory is None else request.merge_memory
    after = dataclasses.replace(realm, quota=owners.changed(realm, request.quota), merge_memory=merges)
    if after.merge_memory and not realm.merge_memory:
        _check_merging(context, after)
    return after


def _check_merging(context: Context, realm: Realm) -> None:
    """Refuse a second realm that merges memory, unless the operator has accepted it."""
    others = [one.key.name for one in projects.realms(context.db) if one.merge_memory and one.id != realm.id]
    if others and realm.key.name not in context.host.merge_memory_realms:
        raise SkerryError(
            Code.INVALID,
            f"merge_memory: realm {names.listed(others)} has it on this host, and who shares memory can measure what "
            "others have",
            f"Leave it off, or switch it off there. To accept it, set lxc_host_merge_memory_realms: [{realm.key}] in the "
            "inventory and run site.yml",
        )


def _described(before: Realm, after: Realm) -> Iterator[str]:
    yield from owners.described(before.quota, after.quota)
    if before.merge_memory != after.merge_memory:
        words = {True: "yes", False: "no"}
        yield f"merge_memory {words[before.merge_memory]} to {words[after.merge_memory]}"


def _create(context: Context, request: requests.RealmCreate | requests.RealmEnsure) -> Decide:
    def decide(found: Realm | None) -> Plan[Realm]:
        if found is not None:
            raise SkerryError(
                Code.EXISTS, f"realm {found.key} exists already", "Choose another name, or update it"
            )
        proposed = projects.propose_realm(context.db, context.secret, request.realm)
        realm = _with_options(context, proposed, request)
        return owner_plan.create(realm, owners.limits(realm), list(_described(proposed, realm)))

    return decide


def _update(context: Context, request: requests.RealmUpdate | requests.RealmEnsure) -> Decide:
    def decide(found: Realm | None) -> Plan[Realm]:
        realm = existing(context, found, request.realm)
        after = _with_options(context, realm, request)
        owners.check_room(context.db, realm, after.quota)
        stored, warnings = list(_described(realm, after)), []
        running = projects.running(context.db, realm.id)
        if running and realm.merge_memory != after.merge_memory:
            warnings.append(
                f"merge_memory: a restart is due for {names.listed(running)}, until then it is as before"
            )
        return owner_plan.update(realm, after, (owners.limits(realm), owners.limits(after)), stored, warnings)

    return decide


def _delete(context: Context, key: RealmKey, *, must_exist: bool) -> Decide:
    def decide(found: Realm | None) -> Plan[Realm] | None:
        if found is None and not must_exist:
            return None
        realm = existing(context, found, key)
        if key.name == DEFAULT:
            raise SkerryError(
                Code.INVALID, f"realm {key} is always there", "Delete what is in it, where that is meant"
            )
        has = [f"project {one.key.name}" for one in projects.projects(context.db, realm.id)]
        has += [f"token {name}" for name in tokens.names(context.db, realm.id)]
        if not has:
            has = [f"an operation on {one}" for one in projects.in_work(context.db, "realm_id", realm.id)]
        journal = Step("remove", RealmJournal(realm.id), "nothing is left of it")
        return owner_plan.delete(realm, owners.limits(realm), has, (journal,))

    return decide


PLANNERS = owners.planners("realm", _create, _update, _delete)
"""What each verb decides."""
