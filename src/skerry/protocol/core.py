"""The wire format: one line of JSON a request; lines of progress and one last line as the answer.

A kind declares its requests once, as models. The table of all verbs follows from them, and needs no engine.
"""

import dataclasses
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, NotRequired, TypedDict

from pydantic import BaseModel, Field, ValidationError
from pydantic.fields import FieldInfo

from skerry.model.base import Frozen, InProject
from skerry.model.errors import Code, SkerryError
from skerry.protocol.errors import quoted, readable

# 3: operations name their kind, `resource` and `resource_id`, in place of `container` and `container_id`. What only an
#    image's row holds (command, environment, name) is in `stored`, as a container's is, and no longer in `steps`. A
#    container has `desired`, in place of `wanted`.
WIRE_VERSION = 3
PLAN = "plan"
Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
ShowEnv = Annotated[
    bool, Field(description="Show the values of its environment as well, which may be secrets.")
]


@dataclasses.dataclass(frozen=True)
class OptionsOf:
    """The field has some of the options of ``model``: those that are to change."""

    model: type[BaseModel]


@dataclasses.dataclass(frozen=True)
class FromInput:
    """The field is bytes, as base64; on a command line they come from standard input."""


@dataclasses.dataclass(frozen=True)
class Document:
    """The field is a list of objects; on a command line a file has them, as JSON."""


@dataclasses.dataclass(frozen=True)
class Stream:
    """The field names a FIFO of :mod:`skerry.streams`; on a command line it is a file that the command opens itself.

    Attributes:
        direction: whether the engine's program reads it (``in``) or writes it (``out``).
        head: the field that gets the text which the file begins with; the engine's program reads the rest.
    """

    direction: Literal["in", "out"]
    head: str = ""


FifoName = Annotated[str, Field(pattern=r"^([0-9a-f]{16})?$")]


def group_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model of the options that a field of a request stands for, where it is a group of them."""
    for note in field.metadata:
        if isinstance(note, OptionsOf):
            return note.model
    hint = field.annotation
    return hint if isinstance(hint, type) and issubclass(hint, BaseModel) else None


class Request(Frozen):
    """What every request has. Its class says what it does, its docstring what a person gets to read of it."""

    changes: ClassVar[bool] = False
    tells_once: ClassVar[bool] = False  # its answer has a value that is kept nowhere
    for_people: ClassVar[bool] = True  # else it is no command: a program of ours asks it
    answered_by: ClassVar[tuple[str, ...]] = ()  # kinds, where it is not the one that it is declared with
    verb: str

    def kind(self) -> str:
        """The kind that answers it; empty for the one that it is declared with."""
        return ""


class Change(Request):
    """A request that changes something, so it can be planned as well."""

    changes: ClassVar[bool] = True


class Listing(InProject, Request):
    """A request about all that is there, or what is of one realm or project."""

    realm: Annotated[str | None, Field(description="Only those of this realm.")] = None
    project: Annotated[
        str | None, Field(description="Only those of projects of this name, or of REALM/PROJECT.")
    ] = None


@dataclasses.dataclass(frozen=True)
class PlanOnly:
    """Tell what another request would do, and do nothing."""

    of: Request
    verb: str = PLAN


class ShownPlan(TypedDict):
    """A plan in an answer.

    Attributes:
        verb: what it does.
        steps: each step, in words.
        stored: what is written down and takes no step, in words.
        restart_required: options that take effect only at a restart.
    """

    verb: str
    steps: list[str]
    stored: list[str]
    restart_required: list[str]


class Changed(TypedDict):
    """The answer to every request that changes something, and to its plan.

    Attributes:
        changed: whether anything was done, or would be.
        before: the resource before it; null where there was none.
        after: the resource after it.
        plans: what was done, in order.
        timings_ms: milliseconds of each step, a list for each plan; empty where it was only planned.
        warnings: what a person should know.
        missing: what to say where nothing was there, and nothing is.
        once: what is told this once, such as a token that was made; only where there is something.
    """

    changed: bool
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    plans: list[ShownPlan]
    timings_ms: list[list[float]]
    warnings: list[str]
    missing: str
    once: NotRequired[dict[str, str]]


@dataclasses.dataclass(frozen=True)
class Resource:
    """A kind of resource, as clients see it.

    Attributes:
        name: in the singular; with an underscore the beginning of its verbs, unless ``plain``.
        version: raised when one of its requests or answers changes its meaning.
        requests: the model of each of its verbs.
        columns: the fields that a list shows.
        plain: its verbs stand by themselves, such as ``create``.
    """

    name: str
    version: int
    requests: Sequence[type[Request]]
    columns: Sequence[str] = ()
    plain: bool = False

    @property
    def plural(self) -> str:
        """The name of many."""
        if self.name.endswith("y") and self.name[-2] not in "aeiou":
            return f"{self.name[:-1]}ies"
        return f"{self.name}{'es' if self.name.endswith('s') else 's'}"


@dataclasses.dataclass(frozen=True)
class Verb:
    """A verb: its name on the wire, its request, its kind."""

    name: str
    request: type[Request]
    resource: Resource

    @property
    def changes(self) -> bool:
        """Whether it changes something."""
        return self.request.changes

    @property
    def words(self) -> tuple[str, ...]:
        """The verb on a command line: ``image import``."""
        if self.resource.plain:
            return (self.name,)
        return (self.resource.name, self.name.removeprefix(f"{self.resource.name}_"))

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        return self.request.__doc__ or ""


class Table:
    """Every verb, by its name. Made from the kinds' declarations; a process that is no engine can have it too."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.resources = tuple(resources)
        self._verbs: Mapping[str, Verb] = {
            verb.name: verb for resource in resources for verb in _verbs(resource)
        }

    def verbs(self) -> Iterator[Verb]:
        """Every verb, kind by kind."""
        return iter(self._verbs.values())

    def __getitem__(self, name: str) -> Verb:
        """The verb of that name.

        Raises:
            KeyError: there is none.
        """
        return self._verbs[name]

    def verb_of(self, request: Request) -> Verb:
        """The verb of a request."""
        return self._verbs[request.verb]

    def parse(self, raw: dict[str, Any]) -> Request | PlanOnly:
        """The typed request in a decoded line.

        Raises:
            SkerryError: the version is not ours, the verb is unknown, or an option is wrong.
        """
        asked = {name: value for name, value in raw.items() if name != "version"}
        _check_version(raw)
        if asked.get("verb") != PLAN:
            return self._request(asked)
        if extra := sorted(asked.keys() - {"verb", "of"}):
            raise SkerryError(Code.INVALID, f"{extra[0]}: there is no such option", "Leave it out")
        if not isinstance(of := asked.get("of"), dict):
            raise SkerryError(Code.INVALID, "of: is missing", "Give the request to plan")
        return PlanOnly(of=self._request(of, planning=True))

    def _request(self, raw: dict[str, Any], *, planning: bool = False) -> Request:
        if "verb" not in raw:
            raise SkerryError(Code.INVALID, "verb: is missing", "Say what to do, such as list")
        known = [verb.name for verb in self.verbs() if verb.changes or not planning]
        if raw["verb"] not in known:
            every = ", ".join(known if planning else [*known, PLAN])
            raise SkerryError(
                Code.INVALID, f"verb: {quoted(raw['verb'])} is not allowed", f"Give one of {every}"
            )
        model = self._verbs[raw["verb"]].request
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            raise readable(error, model) from error


def _verbs(resource: Resource) -> Iterator[Verb]:
    for model in resource.requests:
        (name,) = typing.get_args(model.model_fields["verb"].annotation)
        yield Verb(name, model, resource)


def _check_version(raw: dict[str, Any]) -> None:
    """Refuse another version of the wire format than ours, or none; the message names both."""
    if "version" not in raw:
        said = "the request names no version of the wire format"
    elif raw["version"] == WIRE_VERSION and not isinstance(raw["version"], bool):
        return
    else:
        said = f"the request is in version {quoted(raw['version'])} of the wire format"
    raise SkerryError(
        Code.INVALID,
        f"{said}, and this engine speaks version {WIRE_VERSION}",
        "Use the client that came with this engine, or bring the host to the client's version (site.yml)",
    )
