"""Volumes, as the engine knows them: what decides, what is stored when, how one is shown."""

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from skerry.host import quotas
from skerry.model import copies
from skerry.model.errors import SkerryError
from skerry.model.tenants import Use
from skerry.model.volume import Volume
from skerry.parts import data
from skerry.protocol import volumes as requests
from skerry.resources import owners
from skerry.resources.kind import Answer, Context, Kind, Plan, Planner, Reader, lock
from skerry.resources.volumes import missing, plan, renames, store, verbs, view
from skerry.store import renames as followers
from skerry.store import snapshots

_OURS = re.compile(r"[0-9a-f]{24}-\d+(\.\w+)?")
_log = logging.getLogger(__name__)


def _counted(volume: Volume | None) -> Use:
    """What one volume counts for the quotas of its project and realm."""
    return {} if volume is None else owners.of_volume(volume.size)


class Volumes(Kind[Volume]):
    """The kind of volumes."""

    name: ClassVar[str] = requests.RESOURCE.name
    resource: ClassVar[type] = Volume
    tables: ClassVar[tuple[str, ...]] = store.TABLES

    def planners(self) -> Mapping[str, Planner[Volume]]:
        """What decides, for each verb that changes something."""
        return owners.kept(verbs.PLANNERS, _counted)

    def readers(self) -> Mapping[str, Reader]:
        """What answers, for each verb that only reads."""
        return {"volume_info": view.info, "volume_list": view.list_all}

    def find(self, context: Context, request: Any) -> Volume | None:
        """The volume of the name that a request gives; where it may have another one, of that."""
        found = (store.find(context.db, key) for key in renames.names_in(request))
        return next(filter(None, found), None)

    def about(self, resource: Volume) -> tuple[str, str]:
        """Its id, its realm, project and name."""
        return resource.id, str(resource.key)

    def asked(self, request: Any) -> str:
        """Realm, project and name in a request."""
        return str(request.volume)

    def locks(self, request: Any) -> tuple[str, ...]:
        """Every name that it may have, and what it is copied of."""
        of, key = getattr(request, "source", None) or getattr(request, "copy_of", None), request.volume
        source = [copies.key_of(of, self.name, key.realm, key.project).owner] if of else []
        asked = [*map(str, renames.names_in(request)), *source]
        return tuple(lock(self.name, one) for one in dict.fromkeys(asked))

    def view(self, _context: Context, resource: Volume) -> Answer:
        """The volume as an answer shows it."""
        return view.view(resource)

    def begin(self, context: Context, plan: Plan[Volume]) -> None:
        """Forget a volume that is to be deleted: from here on no container can have it. Write a new one, and its size."""
        if plan.after is None:
            store.delete(context.db, plan.resource.id)
        elif plan.before is None:
            store.insert(context.db, plan.after)
        else:
            store.update(context.db, plan.after)
            self._follow(context, plan.before, plan.after)
            for taken in plan.after.snapshots:
                snapshots.insert(context.db, taken)

    def done(self, context: Context, plan: Plan[Volume]) -> None:
        """All is written already."""

    def undone(self, context: Context, plan: Plan[Volume]) -> None:
        """Write the volume of before, or forget one that was to be made."""
        if plan.before is None:
            store.delete(context.db, plan.resource.id)
        else:
            store.update(context.db, plan.before)
            if plan.after:
                self._follow(context, plan.after, plan.before)
            for taken in plan.after.snapshots if plan.after else ():
                snapshots.delete(context.db, taken.id)

    def _follow(self, context: Context, before: Volume, after: Volume) -> None:
        """Write another name into the options of the containers that have it."""
        if before.key != after.key:
            followers.follow(context.db, renames.renaming(before, after))

    def failed(self, context: Context, plan: Plan[Volume]) -> None:
        """Write a volume again that could not be deleted, with its snapshots."""
        if plan.after is None and plan.before is not None:
            store.restore(context.db, plan.before)
            for taken in plan.before.snapshots:
                snapshots.insert(context.db, taken)

    def missing(self, context: Context, request: Any) -> str:
        """What the name may have been meant for."""
        return str(missing.not_found(context.db, request.volume))

    def figures(self, context: Context) -> Answer:
        """How many there are."""
        return view.figures(context)

    def reconcile(self, context: Context) -> None:
        """Take away what an operation that was cut off has left. Data that no row names stays, and is told of."""
        host, known = context.host, store.all_volumes(context.db)
        paths = {data.folder(host, one.subvolume) for one in known}
        for path in sorted(Path(data.top(host)).glob("*")):
            if str(path) not in paths and _OURS.fullmatch(path.name):
                _log.warning(
                    "%s holds the files of no volume; 'skerry state recover' may know it, 'btrfs subvolume delete' ends it",
                    path,
                )
        older: dict[int, int] = {}
        for one in known:
            try:
                if Path(place := data.folder(host, one.subvolume)).is_dir():
                    plan.data(one).make(host)
                    older[quotas.older_group_of(place)] = quotas.group_of(one.id)
            except (SkerryError, OSError) as error:
                _log.error("what volume %s has of the pool is not counted: %s", one.key, error)
        if older:
            quotas.adopt(host.pool, older)
