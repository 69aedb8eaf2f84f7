"""Realms, as the engine knows them: what decides, what is stored when, how one is shown."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from skerry.host import ksm
from skerry.model.base import DEFAULT
from skerry.model.errors import SkerryError
from skerry.model.tenants import Realm
from skerry.protocol import realms as requests
from skerry.resources import owners
from skerry.resources.kind import Answer, Context, Kind, Plan, Planner, Reader
from skerry.resources.realms import verbs
from skerry.store import projects

_log = logging.getLogger(__name__)


class Realms(Kind[Realm]):
    """The kind of realms."""

    name: ClassVar[str] = requests.RESOURCE.name
    resource: ClassVar[type] = Realm

    def planners(self) -> Mapping[str, Planner[Realm]]:
        """What decides, for each verb that changes something."""
        return verbs.PLANNERS

    def readers(self) -> Mapping[str, Reader]:
        """What answers, for each verb that only reads."""
        return {"realm_info": self._info, "realm_list": self._list}

    def find(self, context: Context, request: Any) -> Realm | None:
        """The realm of the name that a request gives."""
        return projects.find_realm(context.db, request.realm)

    def about(self, resource: Realm) -> tuple[str, str]:
        """Its id, and its name."""
        return resource.id, str(resource.key)

    def asked(self, request: Any) -> str:
        """The name in a request."""
        return str(request.realm)

    def view(self, context: Context, resource: Realm) -> Answer:
        """The realm as an answer shows it."""
        return {
            "id": resource.id,
            "name": resource.key.name,
            "merge_memory": resource.merge_memory,
            "quota": resource.quota.told(),
            "used": owners.told(owners.used(context.db, resource.id)),
            "projects": [one.key.name for one in projects.projects(context.db, resource.id)]
            if resource.id
            else [],
            "created": resource.created,
        }

    def _info(self, context: Context, request: requests.RealmInfo) -> requests.OneRealm:
        found = verbs.existing(context, self.find(context, request), request.realm)
        return {"realm": dict(self.view(context, found))}

    def _list(self, context: Context, _request: requests.RealmList) -> requests.Realms:
        return {"realms": [dict(self.view(context, one)) for one in projects.realms(context.db)]}

    def begin(self, context: Context, plan: Plan[Realm]) -> None:
        """Forget one that is to be deleted: nothing can be put into it any more. A new one is written when it is done."""
        if plan.after is None:
            projects.delete_realm(context.db, plan.resource.id)
        elif plan.before is None:
            projects.raise_generation(context.db, plan.resource.key.name)
        else:
            projects.insert_realm(context.db, plan.after)

    def done(self, context: Context, plan: Plan[Realm]) -> None:
        """Write a new one."""
        if plan.after is not None:
            projects.insert_realm(context.db, plan.after)

    def undone(self, context: Context, plan: Plan[Realm]) -> None:
        """Write the one of before."""
        if plan.before is not None:
            projects.insert_realm(context.db, plan.before)

    def failed(self, context: Context, plan: Plan[Realm]) -> None:
        """Write one again that could not be deleted."""
        if plan.after is None and plan.before is not None:
            projects.insert_realm(context.db, plan.before)

    def warnings(self, _context: Context, before: Realm | None, after: Realm | None) -> Iterable[str]:
        """That memory is to be merged, and the kernel does not do so."""
        if after and after.merge_memory and not (before and before.merge_memory) and not ksm.runs():
            yield "merge_memory: this host's kernel merges nothing until somebody writes 1 to /sys/kernel/mm/ksm/run"

    def missing(self, context: Context, request: Any) -> str:
        """What the name may have been meant for."""
        return str(verbs.not_found(context.db, request.realm))

    def figures(self, context: Context) -> Answer:
        """How many there are."""
        return {"realms": len(projects.realms(context.db))}

    def reconcile(self, context: Context) -> None:
        """Write the default realm and project of a new host, and set the limits of slices, which a reboot forgets."""
        with context.db.transaction():
            ids = projects.ids(context.db, context.secret, DEFAULT, DEFAULT)
            projects.write(context.db, ids[0], DEFAULT, ids[1], DEFAULT)
        for one in projects.realms(context.db):
            limits = owners.limits(one)
            try:
                if limits.limited:
                    limits.make(context.host)
            except SkerryError as error:
                _log.error("realm %s is held to its quotas by the engine alone: %s", one.key, error)
