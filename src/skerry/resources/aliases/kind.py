"""Aliases, as the engine knows them: what decides, what is stored when, how one is shown."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from skerry.model.alias import Alias
from skerry.protocol import aliases as requests
from skerry.resources.aliases import plan, store, verbs
from skerry.resources.kind import Answer, Context, Kind, Plan, Planner, Reader
from skerry.store import references


class Aliases(Kind[Alias]):
    """The kind of aliases."""

    name: ClassVar[str] = requests.RESOURCE.name
    resource: ClassVar[type] = Alias
    tables: ClassVar[tuple[str, ...]] = store.TABLES

    def planners(self) -> Mapping[str, Planner[Alias]]:
        """What decides, for each verb that changes something."""
        return verbs.PLANNERS

    def readers(self) -> Mapping[str, Reader]:
        """What answers, for each verb that only reads."""
        return {"alias_list": self._list}

    def find(self, context: Context, request: Any) -> Alias | None:
        """The alias that a request names."""
        return verbs.find(context, request)

    def about(self, resource: Alias) -> tuple[str, str]:
        """Its name. A drain is about something else: a switch need not wait for it, nor settle it."""
        if resource.streams:
            return f"{resource.name}/streams", f"what is open through {resource.key}"
        return resource.name, resource.key

    def asked(self, request: Any) -> str:
        """Realm, project and name in a request."""
        key = f"{request.realm}/{request.project}/{request.alias}"
        return f"{key}'s connections" if isinstance(request, requests.AliasDrain) else key

    def view(self, context: Context, resource: Alias) -> Answer:
        """The alias, with the container and the image behind it."""
        behind = references.container(context.db, resource.realm, resource.project, resource.container)
        return {
            "name": resource.name,
            "alias": resource.name,
            "realm": resource.realm,
            "project": resource.project,
            "container": resource.container,
            "container_id": resource.container_id,
            "service": resource.service or None,
            "desired": behind.desired if behind else None,
            "image": behind.image if behind else None,
            "url": context.host.url(resource.host_name(context.host.domain)),
            "created": resource.created,
        }

    def _list(self, context: Context, request: requests.AliasList) -> requests.Aliases:
        return {
            "aliases": [
                dict(self.view(context, alias))
                for alias in store.all_aliases(context.db)
                if context.lists(request, alias.realm, alias.project)
            ]
        }

    def begin(self, context: Context, plan_: Plan[Alias]) -> None:
        """Write where the name leads, or that it is gone, before the proxy has it so."""
        if not plan_.lasting or plan_.resource.streams:
            return
        self._write(context, plan_.after, plan_.resource)

    def withdraw(self, context: Context, plan_: Plan[Alias]) -> None:
        """Write where it led: or a proxy that starts while steps are undone would serve the other."""
        self.undone(context, plan_)

    def done(self, context: Context, plan: Plan[Alias]) -> None:
        """All is written already."""

    def undone(self, context: Context, plan_: Plan[Alias]) -> None:
        """Write the alias of before, or forget one that was to be made."""
        if not plan_.resource.streams:
            self._write(context, plan_.before, plan_.resource)

    @staticmethod
    def _write(context: Context, alias: Alias | None, resource: Alias) -> None:
        if alias is None:
            store.delete(context.db, resource)
        else:
            route = plan.route(context.host, alias)
            store.write(context.db, alias, route.host, route.value)

    def warnings(self, context: Context, before: Alias | None, after: Alias | None) -> Iterable[str]:  # noqa: ARG002
        """That a name leads to a container that does not run."""
        behind = after and references.container(context.db, after.realm, after.project, after.container)
        if after and behind and not behind.started:
            yield f"container {after.container} is {behind.desired}: {after.name} answers 503 until it is started"

    def figures(self, context: Context) -> Answer:
        """How many there are."""
        return {"aliases": len(store.all_aliases(context.db))}
