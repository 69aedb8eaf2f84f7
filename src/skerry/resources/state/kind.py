"""All that a host remembers, as the engine knows it: there is one of it, which a restore puts another one in place of."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from skerry.model import backup
from skerry.model.backup import HostState
from skerry.parts import state as parts
from skerry.protocol import state as requests
from skerry.resources.kind import Alone, Answer, Apply, Context, Kind, Observer, Plan, Planner, Reader
from skerry.resources.state import recover, specs, verbs, view
from skerry.resources.state.specs import Specs

_ID = "state"


class States(Kind[HostState]):
    """The kind of what a host remembers."""

    name: ClassVar[str] = requests.RESOURCE.name
    resource: ClassVar[type] = HostState

    def planners(self) -> Mapping[str, Planner[HostState]]:
        """What decides, for each verb that changes something."""
        return verbs.PLANNERS

    def readers(self) -> Mapping[str, Reader]:
        """What answers, for each verb that only reads."""
        return {"state_info": view.info}

    def find(self, context: Context, request: Any) -> HostState:
        """The state of now; once a restore is done, that of the backup, which the next engine has."""
        if context.db.retired.is_set() and isinstance(request, requests.StateRestore):
            return backup.state_of(backup.read(request.manifest))
        return view.now(context)

    def about(self, resource: HostState) -> tuple[str, str]:
        """There is one only; its name is that of the host."""
        return _ID, resource.domain

    def asked(self, request: Any) -> str:  # noqa: ARG002
        """There is one only."""
        return _ID

    def view(self, _context: Context, resource: HostState) -> Answer:
        """The state as an answer shows it."""
        return view.view(resource)

    def done(self, context: Context, plan: Plan[HostState]) -> None:
        """Decide on what is staged, or rebuild: from here on nothing is written any more, and the engine starts anew."""
        if plan.verb == verbs.RESTORE and plan.lasting:
            parts.decide(context.host)
            context.db.retired.set()
        elif plan.verb == recover.RECOVER:  # the next engine mounts, routes and starts what is there again
            specs.rebuild(context, context.db)
            context.db.retired.set()

    def observers(self, context: Context, alone: Alone, apply: Apply) -> Sequence[Observer]:  # noqa: ARG002
        """What keeps the files in the pool that a lost store is rebuilt from."""
        return (Specs(context),)

    def reconcile(self, context: Context) -> None:
        """Take away what was cut off before it was decided."""
        parts.forget(context.host)
