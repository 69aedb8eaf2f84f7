"""Realms, as the engine knows them: what decides, what is stored when, how one is shown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from skerry.host import ksm
from skerry.model.base import DEFAULT
from skerry.model.tenants import Realm
from skerry.protocol import realms as requests
from skerry.resources import owners
from skerry.resources.kind import Answer, Context, Planner, Reader
from skerry.resources.owner_kind import OwnerKind
from skerry.resources.realms import verbs
from skerry.store import projects
from skerry.store.db import Database


class Realms(OwnerKind[Realm]):
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
        return {
            "realms": [
                dict(self.view(context, one))
                for one in projects.realms(context.db)
                if context.sees_realm(one.key.name)
            ]
        }

    def every(self, db: Database) -> Sequence[Realm]:
        """All of them, by name."""
        return projects.realms(db)

    def count(self, db: Database, owner: Realm) -> None:
        """Note that one of that name was made."""
        projects.raise_generation(db, owner.key.name)

    def write(self, db: Database, owner: Realm) -> None:
        """Write one, new or with other options."""
        projects.insert_realm(db, owner)

    def forget(self, db: Database, owner: Realm) -> None:
        """Delete its row."""
        projects.delete_realm(db, owner.id)

    def warnings(self, _context: Context, before: Realm | None, after: Realm | None) -> Iterable[str]:
        """That memory is to be merged, and the kernel does not do so."""
        if after and after.merge_memory and not (before and before.merge_memory) and not ksm.runs():
            yield "merge_memory: this host's kernel merges nothing until somebody writes 1 to /sys/kernel/mm/ksm/run"

    def missing(self, context: Context, request: Any) -> str:
        """What the name may have been meant for."""
        return str(verbs.not_found(context.db, request.realm))

    def reconcile(self, context: Context) -> None:
        """Write the default realm and project of a new host, and set the limits of slices, which a reboot forgets."""
        with context.db.transaction():
            ids = projects.ids(context.db, context.secret, DEFAULT, DEFAULT)
            projects.write(context.db, ids[0], DEFAULT, ids[1], DEFAULT)
        super().reconcile(context)
