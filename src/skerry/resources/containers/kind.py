"""Containers, as the engine knows them: what decides, what is stored when, how one is shown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from skerry.model.container import Container
from skerry.parts.base import Step
from skerry.parts.neighbours import HostName, Reach
from skerry.parts.unit import Unit
from skerry.protocol import containers as requests
from skerry.resources import owners
from skerry.resources.containers import (
    access,
    anatomy,
    archives,
    boot,
    connect,
    copies,
    expiry,
    missing,
    promises,
    reconcile,
    renames,
    store,
    streamed,
    usage,
    verbs,
    view,
)
from skerry.resources.containers.watch import Watch
from skerry.resources.kind import (
    Alone,
    Answer,
    Apply,
    Context,
    Kind,
    Observer,
    Plan,
    Planner,
    Reader,
    Streamer,
    lock,
)
from skerry.store import policies, snapshots
from skerry.store import renames as followers

_READS = "export"  # its steps are about the host alone: the container stays as it is, in the store too
_ASIDE = {"update", "rename", archives.FILL, _READS}  # what does not say whether it is to run


def _routes(context: Context, container: Container | None) -> dict[str, str]:
    if container is None:
        return {}
    return {route.host: route.value for route in anatomy.routes(context.host, container)}


class Containers(Kind[Container]):
    """The kind of containers."""

    name: ClassVar[str] = requests.RESOURCE.name
    resource: ClassVar[type] = Container
    tables: ClassVar[tuple[str, ...]] = store.TABLES

    def __init__(self) -> None:
        self._watch: Watch | None = None

    def planners(self) -> Mapping[str, Planner[Container]]:
        """What decides, for each verb that changes something."""
        return owners.kept(promises.kept(verbs.PLANNERS), promises.counted)

    def readers(self) -> Mapping[str, Reader]:
        """What answers, for each verb that only reads."""
        return {
            "connect": connect.connect,
            "exec": access.execute,
            "get": access.files,
            "info": view.info,
            "list": view.list_all,
            "stats": usage.stats,
            "top": usage.stats,
            "logs": access.logs,
            "put": access.files,
            "shell": access.shell,
        }

    def streamers(self) -> Mapping[str, Streamer]:
        """What answers by a stream, for each verb that does."""
        return {"exec_stream": streamed.execute, "logs_stream": streamed.logs}

    def find(self, context: Context, request: Any) -> Container | None:
        """The container of the name that a request gives; where it may have another one, of that."""
        found = (store.find(context.db, key) for key in renames.names_in(request))
        return next(filter(None, found), None)

    def about(self, resource: Container) -> tuple[str, str]:
        """Its id, its realm, project and name."""
        return resource.id, str(resource.key)

    def asked(self, request: Any) -> str:
        """Realm, project and name in a request."""
        return str(request.container)

    def locks(self, request: Any) -> tuple[str, ...]:
        """Every name that it may have, and what it is copied of."""
        of = getattr(request, "source", None) or getattr(request, "copy_of", None)
        source = [copies.key_of(request.container, of).owner] if of else []
        asked = [*map(str, renames.names_in(request)), *source]
        return tuple(lock(self.name, one) for one in dict.fromkeys(asked))

    def view(self, context: Context, resource: Container) -> Answer:
        """The container as an answer shows it."""
        return view.view(context, resource)

    def begin(self, context: Context, plan: Plan[Container]) -> None:
        """Write the container as it shall be, with its routes: these are durable, or durably gone, first."""
        if plan.verb == _READS:
            return
        if plan.before is None:
            store.insert(context.db, plan.resource)
            policies.copy(context.db, context.secret, plan.resource.locked_as, plan.resource.id)
        elif plan.after is not None:
            store.update(context.db, plan.after)
            self._follow(context, plan.before, plan.after)
            for taken in plan.after.snapshots:
                snapshots.insert(context.db, taken)
        if plan.after is None:
            policies.unlock(context.db, plan.resource.id)
        store.set_routes(context.db, plan.resource.id, _routes(context, plan.after))

    def withdraw(self, context: Context, plan: Plan[Container]) -> None:
        """Write the routes of before: or a proxy that starts while steps are undone would serve those of after."""
        if plan.verb != _READS:
            store.set_routes(context.db, plan.resource.id, _routes(context, plan.before))
        if plan.before is None:
            policies.unlock(context.db, plan.resource.id)

    def done(self, context: Context, plan: Plan[Container]) -> None:
        """Bury a container that was deleted. All else is written already."""
        if plan.after is None:
            store.delete(context.db, plan.resource.id)
        elif plan.verb not in _ASIDE:  # else somebody says whether it runs, not the boot any more
            store.came_back(context.db, plan.resource.id)
        self._look(plan)

    def undone(self, context: Context, plan: Plan[Container]) -> None:
        """Write the container of before, or bury one that was to be made."""
        if plan.before is None:
            store.delete(context.db, plan.resource.id)
        elif plan.verb != _READS:
            for taken in plan.after.snapshots if plan.after else ():
                snapshots.delete(context.db, taken.id)
            store.update(context.db, plan.before)
            if plan.after:
                self._follow(context, plan.after, plan.before)
            store.set_routes(context.db, plan.before.id, _routes(context, plan.before))
        self._look(plan)

    def _follow(self, context: Context, before: Container, after: Container) -> None:
        """Write another name into the options of those that have the one of before."""
        if before.key != after.key:
            ids = {*before.followers, *after.followers}
            followers.follow(context.db, renames.renaming(before, after), ids)

    def told_undone(self, plan: Plan[Container], undone: Sequence[Step]) -> str:
        """A container that was stopped for what failed has been started again."""
        if any(step.action == "remove" and isinstance(step.part, Unit) for step in undone):
            return "It was stopped, and is started again as it was before, but for its volumes"
        return super().told_undone(plan, undone)

    def warnings(self, context: Context, before: Container | None, after: Container | None) -> Iterable[str]:
        """Where more is promised than the host has."""
        return promises.warnings(context.host, context.db, before, after)

    def missing(self, context: Context, request: Any) -> str:
        """What the name may have been meant for."""
        return str(missing.not_found(context, request.container))

    def figures(self, context: Context) -> Answer:
        """How many there are, and what is promised to them."""
        return view.figures(context)

    def observers(self, context: Context, alone: Alone, apply: Apply) -> Sequence[Observer]:
        """What watches what containers do by themselves, what starts them after a boot, what ends them."""
        self._watch = Watch(context, alone, apply)
        return self._watch, boot.Boot(context, apply, self._watch.look_soon), expiry.Expiry(context, apply)

    def _look(self, plan: Plan[Container]) -> None:
        """Have a container looked at after an operation: it may have ended meanwhile, or have other options now."""
        if self._watch is not None:
            self._watch.look_soon(plan.resource.id)
            if any(isinstance(step.part, Reach | HostName) for step in plan.steps):
                self._watch.look_at_neighbours()

    def reconcile(self, context: Context) -> None:
        """Remove orphans, load firewall and proxy, and after a boot write down what is to come back."""
        reconcile.reconcile(context)
