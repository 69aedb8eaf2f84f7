"""From a request and what is there to plans of projects: the checks that need the store, then the planner."""

import dataclasses

from skerry.model.base import DEFAULT
from skerry.model.errors import Code, SkerryError
from skerry.model.tenants import Project, ProjectKey, RealmKey
from skerry.parts.base import Step
from skerry.parts.lock import Lock
from skerry.protocol import projects as requests
from skerry.resources import names, owner_plan, owners, shares
from skerry.resources.kind import Context, Plan
from skerry.resources.kind import Decide as DecideAny
from skerry.store import projects
from skerry.store.db import Database

Decide = DecideAny[Project]


def not_found(db: Database, key: ProjectKey) -> SkerryError:
    """The error for a project that is not there. It tells of the named realm only."""
    if (realm := projects.find_realm(db, RealmKey(name=key.realm))) is None:
        return SkerryError(
            Code.NOT_FOUND,
            f"there is no realm {key.realm}",
            f"Create it first: skerry realm create {key.realm}",
        )
    known = [one.key.name for one in projects.projects(db, realm.id)]
    hint = f"{names.meant(key.name, known)}Projects of {key.realm}: {names.listed(known, 10) or 'none yet'}"
    return SkerryError(Code.NOT_FOUND, f"there is no project {key}", hint)


def existing(context: Context, found: Project | None, key: ProjectKey) -> Project:
    """``found``, which must be there.

    Raises:
        SkerryError: it is not.
    """
    if found is None:
        raise not_found(context.db, key)
    return found


def _create(context: Context, request: requests.ProjectCreate | requests.ProjectEnsure) -> Decide:
    key = request.project

    def decide(found: Project | None) -> Plan[Project]:
        if found is not None:
            raise SkerryError(
                Code.EXISTS, f"project {found.key} exists already", "Choose another name, or update it"
            )
        realm = projects.find_realm(context.db, RealmKey(name=key.realm))
        if realm is None:
            raise not_found(context.db, key)
        shares.check(context.db, "project", realm.id, key.realm)
        proposed = projects.propose(context.db, context.secret, realm, key)
        project = dataclasses.replace(proposed, quota=owners.changed(proposed, request.quota))
        return owner_plan.create(
            project, owners.limits(project), list(owners.described(proposed.quota, project.quota))
        )

    return decide


def _update(context: Context, request: requests.ProjectUpdate | requests.ProjectEnsure) -> Decide:
    def decide(found: Project | None) -> Plan[Project]:
        project = existing(context, found, request.project)
        after = dataclasses.replace(project, quota=owners.changed(project, request.quota))
        owners.check_room(context.db, project, after.quota)
        stored = list(owners.described(project.quota, after.quota))
        return owner_plan.update(project, after, (owners.limits(project), owners.limits(after)), stored)

    return decide


def _delete(context: Context, key: ProjectKey, *, must_exist: bool) -> Decide:
    def decide(found: Project | None) -> Plan[Project] | None:
        if found is None and not must_exist:
            return None
        project = existing(context, found, key)
        if (key.realm, key.name) == (DEFAULT, DEFAULT):
            raise SkerryError(
                Code.INVALID, f"project {key} is always there", "Delete what is in it, where that is meant"
            )
        has = [
            f"{plural} {names.listed(found)}"
            for plural, found in projects.contents(context.db, project.id).items()
        ]
        if not has:
            has = [f"an operation on {one}" for one in projects.in_work(context.db, "project_id", project.id)]
        unlocked = Step("remove", Lock(project.id), "its policy goes with it")
        return owner_plan.delete(project, owners.limits(project), has, (unlocked,))

    return decide


PLANNERS = owners.planners("project", _create, _update, _delete)
"""What each verb decides."""
