"""What a kind of resource registers: how it is found, planned, stored and shown. The engine knows no kind by name."""

import abc
import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from pydantic import TypeAdapter

from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.image import OF_CONTAINER, Image
from skerry.model.token import KeptToken
from skerry.parts.base import Step
from skerry.protocol.core import Listing
from skerry.store.db import Database

R = TypeVar("R")
Recovery = Literal["undo", "finish"]
Answer = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Context:
    """What planners, readers and stores work with.

    Attributes:
        host: this host.
        db: the state store.
        secret: the host's secret, which makes ids unguessable.
        dry_run: nothing is done, so what an earlier plan of the same request would have made is not there.
        asker: the token that asks; None where root does, or the engine itself.
        if_match: the states of which the resource must have one, as :mod:`skerry.protocol.etags` tells them; none where it
            must not be there; None where any is right.
        request: the id of the request, which its operations have in the journal.
    """

    host: HostConfig
    db: Database
    secret: bytes = b""
    dry_run: bool = False
    asker: KeptToken | None = None
    if_match: tuple[str, ...] | None = None
    request: str = ""

    def sees(self, realm: str, project: str) -> bool:
        """Whether who asks may know what a project has."""
        return self.asker is None or self.asker.sees(realm, project)

    def sees_realm(self, realm: str) -> bool:
        """Whether who asks may know all of a realm."""
        return self.asker is None or self.asker.sees_realm(realm)

    def sees_image(self, image: Image) -> bool:
        """Whether who asks may know and use an image: that of a container's files is its project's."""
        realm, _, rest = image.reference.removeprefix(OF_CONTAINER).partition("/")
        published = image.reference.startswith(OF_CONTAINER)
        return not published or self.sees(realm, rest.partition("/")[0])

    def lists(self, request: Listing, realm: str, project: str) -> bool:
        """Whether a list has what a project has: it is asked for, and who asks may know of it."""
        wanted = request.realm in {None, realm} and request.project in {None, project}
        return wanted and self.sees(realm, project)


@dataclasses.dataclass(frozen=True)
class Plan(Generic[R]):
    """One operation on one resource.

    Attributes:
        verb: what is done.
        before: the resource as the store has it; None where it does not exist yet.
        after: as it shall be; None where it is to be deleted.
        steps: what to do on the host, in this order.
        recovery: what becomes of it after a crash or a failed step: its done steps are undone, or the rest is done.
        restart_required: options that take effect only at a restart.
        stored: what is written down and takes no step, in words.
        warnings: what a person should know of it besides.
        lasting: False where it only prepares for the request's next plan, and nothing of it stays.
        aside: it is about another resource than the request.
        once: what only the answer tells, once it is done: no journal, no plan and no log has it.
    """

    verb: str
    before: R | None
    after: R | None
    steps: tuple[Step, ...]
    recovery: Recovery
    restart_required: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    lasting: bool = True
    aside: bool = False
    once: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False, compare=False)

    @property
    def resource(self) -> R:
        """The resource that it is about."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a plan is about a resource")
        return found

    @property
    def changed(self) -> bool:
        """Whether it does anything at all."""
        return bool(self.steps) or self.before != self.after

    def titles(self) -> list[str]:
        """Each step in a few words."""
        return [step.title() for step in self.steps]


Decide = Callable[[R | None], Plan[R] | None]
Look = Callable[[R | None], None]
Planner = Callable[[Context, Any, R | None], Sequence[Decide[R]]]
Reader = Callable[[Context, Any], Answer]


class Client(Protocol):
    """Who is answered by a stream, and may hold nothing of the host but what it is sent."""

    def send(self, event: Mapping[str, Any], descriptors: Sequence[int] = ()) -> bool:
        """Send a line, with descriptors beside it; False where nobody is there any more."""

    def fileno(self) -> int:
        """The connection: ``POLLHUP`` or ``POLLRDHUP`` there says that nobody is there any more."""


Streamer = Callable[[Context, Any, Client], Answer]
"""Answers by lines until there are no more, or nobody is there; then the rest of the answer."""
Still = Callable[[Any], bool]
"""Whether a request that nobody sent is still wanted, from the resource as it is when its turn has come."""
Alone = Callable[[str], AbstractContextManager[None]]
"""Within it no operation runs on the resource that a person names so. Raises an error of code ``busy`` where one does."""


class Apply(Protocol):
    """Does what a request asks for, as if a client had sent it, where that is still wanted."""

    def __call__(self, request: Any, still: Still, patience: float | None = None) -> None:
        """Do it, after at most ``patience`` seconds for another operation; by default as many as a client waits."""


@dataclasses.dataclass(frozen=True)
class Looking(Generic[R]):
    """A decision that needs what takes long to find out, such as a count of files: others do not wait for that.

    Attributes:
        look: finds it out for ``decide``, ahead of it and outside of the store's transaction. The same resource is there.
        decide: as any other. All else may have changed since the look.
    """

    look: Look[R]
    decide: Decide[R]

    def __call__(self, found: R | None) -> Plan[R] | None:
        """Decide."""
        return self.decide(found)


def followed(decide: Decide[R], check: Callable[[Plan[R] | None], Plan[R] | None]) -> Decide[R]:
    """A decision whose plan is checked or completed before it is made."""

    def decided(found: R | None) -> Plan[R] | None:
        return check(decide(found))

    return Looking(decide.look, decided) if isinstance(decide, Looking) else decided


class Observer(Protocol):
    """What looks after the resources of a kind while nobody asks for anything."""

    def start(self) -> None:
        """Begin, in threads of its own."""

    def stop(self) -> None:
        """End, and return when nothing of it runs any more."""


def lock(kind: str, asked: str) -> str:
    """The name of the lock on what a person names so."""
    return f"{kind} {asked}"


@functools.cache
def _adapter(resource: type) -> TypeAdapter[Any]:
    """What turns a resource into JSON and back; its making takes milliseconds."""
    return TypeAdapter(resource)


class Kind(abc.ABC, Generic[R]):
    """A kind of resource. A class of it and a declaration in ``protocol`` are all that the engine needs.

    A planner turns a request and what is there into decisions: functions that give one plan each. A decision is made
    only after the plan before it is done, and while all others wait: what it needs and takes long is a :class:`Looking`.
    Planners and readers write nothing.

    The store of a kind is written in three places only: when a plan begins, when it is done, when it was undone. Each
    is one transaction, together with the journal.
    """

    name: ClassVar[str]
    resource: ClassVar[type]  # of it the journal keeps one as JSON
    tables: ClassVar[tuple[str, ...]] = ()  # SQL: its tables, then each migration of them
    serial: ClassVar[bool] = False  # one operation of the kind at a time, not one of each resource
    patience: ClassVar[float] = 120.0  # seconds that a request waits for another operation

    @abc.abstractmethod
    def planners(self) -> Mapping[str, Planner[R]]:
        """What decides, for each verb that changes something."""

    def readers(self) -> Mapping[str, Reader]:
        """What answers, for each verb that only reads."""
        return {}

    def streamers(self) -> Mapping[str, Streamer]:
        """What answers by a stream, for each verb that goes on for as long as its client wants it."""
        return {}

    @abc.abstractmethod
    def find(self, context: Context, request: Any) -> R | None:
        """The resource that a request is about, if there is one."""

    @abc.abstractmethod
    def about(self, resource: R) -> tuple[str, str]:
        """A resource's id, and how a person names it."""

    @abc.abstractmethod
    def asked(self, request: Any) -> str:
        """How a person names what a request is about."""

    def locks(self, request: Any) -> tuple[str, ...]:
        """What no other operation is to run on meanwhile, as a person would name it."""
        return (lock(self.name, self.asked(request)),)

    @abc.abstractmethod
    def view(self, context: Context, resource: R) -> Answer:
        """A resource as an answer shows it."""

    def begin(self, context: Context, plan: Plan[R]) -> None:
        """Write what the store must know before anything happens on the host. Inside a transaction."""

    def withdraw(self, context: Context, plan: Plan[R]) -> None:
        """Write what the store must know before steps are undone. Inside a transaction."""

    @abc.abstractmethod
    def done(self, context: Context, plan: Plan[R]) -> None:
        """Write that all of a plan is done. Inside a transaction."""

    def undone(self, context: Context, plan: Plan[R]) -> None:
        """Write that nothing of a plan remains. Inside a transaction."""

    def told_undone(self, plan: Plan[R], undone: Sequence[Step]) -> str:  # noqa: ARG002
        """In words, what is there after the steps ``undone`` of a plan that failed were undone."""
        return "Nothing of it is left" if plan.before is None else "It is as it was before"

    def failed(self, context: Context, plan: Plan[R]) -> None:
        """Write that a plan stays in the middle and waits for the next try. Inside a transaction."""

    def warnings(self, context: Context, before: R | None, after: R | None) -> Iterable[str]:  # noqa: ARG002
        """What a person should know of a change that was made, or would be."""
        return ()

    def missing(self, context: Context, request: Any) -> str:  # noqa: ARG002
        """What to say where a request has found no resource, and made none."""
        return ""

    def figures(self, context: Context) -> Answer:  # noqa: ARG002
        """What ``status`` says of all resources of the kind."""
        return {}

    def reconcile(self, context: Context) -> None:
        """Bring the host to what the store says, when the engine starts and nothing is open any more.

        Nobody is served meanwhile: what takes long is an observer's.
        """

    def observers(self, context: Context, alone: Alone, apply: Apply) -> Sequence[Observer]:  # noqa: ARG002
        """What looks after its resources from when the engine is ready until it ends."""
        return ()

    def dump(self, plan: Plan[R]) -> dict[str, Any]:
        """The plan as the journal keeps it: whole, so that it can be finished or undone after a crash.

        It may hold secrets. The state store that keeps it is root's alone.
        """
        adapter = _adapter(self.resource)

        def as_json(resource: R | None) -> Any:
            return None if resource is None else adapter.dump_python(resource, mode="json")

        return {
            "verb": plan.verb,
            "before": as_json(plan.before),
            "after": as_json(plan.after),
            "steps": [step.to_json() for step in plan.steps],
            "recovery": plan.recovery,
            "restart_required": list(plan.restart_required),
            "stored": list(plan.stored),
        }

    def load(self, value: dict[str, Any]) -> Plan[R]:
        """The plan that :meth:`dump` wrote.

        Raises:
            UnknownPartError: it has a part that is not registered.
            SkerryError: it has another form than this Skerry reads.
        """
        try:
            return self._load(value)
        except (KeyError, TypeError, ValueError):  # which may quote a secret
            raise SkerryError(
                Code.HOST,
                f"the journal has an operation of kind {self.name!r} in a form that this Skerry does not know",
                "Install the Skerry that wrote it, or a newer one",
            ) from None

    def _load(self, value: dict[str, Any]) -> Plan[R]:
        adapter = _adapter(self.resource)

        def resource(found: Any) -> R | None:
            return None if found is None else adapter.validate_python(found)

        return Plan(
            verb=value["verb"],
            before=resource(value["before"]),
            after=resource(value["after"]),
            steps=tuple(Step.from_json(step) for step in value["steps"]),
            recovery=value["recovery"],
            restart_required=tuple(value["restart_required"]),
            stored=tuple(value.get("stored", ())),  # older journals have none
        )


class Kinds:
    """The kinds of one engine, in the order in which they are reconciled: what others stand on comes first."""

    def __init__(self, kinds: Sequence[Kind[Any]]) -> None:
        self._kinds = {kind.name: kind for kind in kinds}

    def __iter__(self) -> Iterator[Kind[Any]]:
        return iter(self._kinds.values())

    def tables(self) -> dict[str, tuple[str, ...]]:
        """The tables and migrations of each kind, for the store."""
        return {kind.name: kind.tables for kind in self}

    def __getitem__(self, name: str) -> Kind[Any]:
        """The kind of that name.

        Raises:
            SkerryError: it is not registered.
        """
        if name not in self._kinds:
            raise SkerryError(
                Code.HOST,
                f"the journal has an operation of kind {name!r}, which this Skerry does not know",
                "Install the Skerry that wrote it, or a newer one",
            )
        return self._kinds[name]
