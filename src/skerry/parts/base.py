"""What every part of the host has in common, and the step that does something to one."""

import abc
import contextlib
import contextvars
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal, Self

from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig

Event = dict[str, Any]
Progress = Callable[[Event], None]

_REGISTRY: dict[str, type["Part"]] = {}
_progress: contextvars.ContextVar[Progress | None] = contextvars.ContextVar("progress", default=None)


def tell(event: Event) -> None:
    """Report progress to whoever waits for the step that is being done; a step that takes seconds does."""
    if (progress := _progress.get()) is not None:
        progress(event)


def warn(text: str) -> None:
    """Tell whoever waits for the step what a person should know of it, though it did what it was to do."""
    tell({"event": "warning", "text": text})


@contextlib.contextmanager
def reporting_to(progress: Progress) -> Iterator[None]:
    """Within it, what :func:`tell` reports goes to ``progress``."""
    token = _progress.set(progress)
    try:
        yield
    finally:
        _progress.reset(token)


class UnknownPartError(SkerryError):
    """The journal names a part that this Skerry has not."""


UNJOURNALED = {"journal": False}
"""Metadata of a field that the journal does not keep: what only :meth:`Part.make` needs, such as bytes to write.

A step with one can be undone after a crash, but not done: its plan's recovery is ``undo``.
"""


@dataclasses.dataclass(frozen=True)
class Part(abc.ABC):
    """One thing on the host. Its fields are JSON types, since the journal keeps them.

    ``make`` and ``remove`` are each other's inverse and idempotent, so that a step that was cut off in the middle can be
    done again or undone without knowing how far it came.
    """

    kind: ClassVar[str]
    making: ClassVar[str] = "make"  # the word for its making, in titles
    in_pool: ClassVar[bool] = False  # it lies in the pool, and is lost with the power until that is synced

    def __init_subclass__(cls) -> None:
        if "kind" in cls.__dict__:  # not one that only shares code
            _REGISTRY[cls.kind] = cls

    @abc.abstractmethod
    def make(self, host: HostConfig) -> None:
        """Bring it about; where an older form of it is there, turn that into this one."""

    @abc.abstractmethod
    def remove(self, host: HostConfig) -> None:
        """Take it away; nothing happens where it is not there."""

    @abc.abstractmethod
    def exists(self, host: HostConfig) -> bool:
        """Probe: whether it is there now, whole. Reads only."""

    def hurried(self) -> "Part":
        """The same part, without a long wait in what it does: for an engine that starts, and answers nobody yet."""
        return self

    def to_json(self) -> dict[str, Any]:
        """The part as the journal keeps it."""
        kept = [field.name for field in dataclasses.fields(self) if field.metadata.get("journal", True)]
        return {"kind": self.kind, **{name: getattr(self, name) for name in kept}}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Part":
        """The part that :meth:`to_json` wrote.

        Raises:
            UnknownPartError: no part of that kind is registered.
        """
        fields = {name: tuple(item) if isinstance(item, list) else item for name, item in value.items()}
        kind = str(fields.pop("kind"))
        if kind not in _REGISTRY:
            raise UnknownPartError(
                Code.HOST,
                f"the journal has a part of kind {kind!r}, which this Skerry does not know",
                "Install the Skerry that wrote it, or a newer one",
            )
        return _REGISTRY[kind](**fields)


Action = Literal["make", "change", "remove"]


@dataclasses.dataclass(frozen=True)
class Step:
    """One thing to do to one part, and why.

    Attributes:
        action: ``make`` it, ``remove`` it, or ``change`` it from ``before`` into ``part``.
        part: what is to be there afterwards, or no longer there.
        reason: why, for a person.
        before: for ``change``, what is there now.
    """

    action: Action
    part: Part
    reason: str
    before: Part | None = None

    def do(self, host: HostConfig) -> None:
        """Carry the step out."""
        if self.action == "remove":
            self.part.remove(host)
        else:
            self.part.make(host)

    def undo(self, host: HostConfig) -> None:
        """Take back what :meth:`do` did, also where it was cut off in the middle."""
        if self.action == "make":
            self.part.remove(host)
        else:
            (self.before or self.part).make(host)

    def hurried(self) -> "Step":
        """The same step, without a long wait."""
        return dataclasses.replace(self, part=self.part.hurried())

    def probe(self, host: HostConfig) -> bool:
        """Whether what the step brings about is so now. Reads only."""
        return self.part.exists(host) == (self.action != "remove")

    def title(self) -> str:
        """The step in a few words: what a person reads in a diff, in check mode and in the journal."""
        word = self.part.making if self.action == "make" else self.action
        return f"{word} {self.part}: {self.reason}"

    def to_json(self) -> dict[str, Any]:
        """The step as the journal keeps it."""
        before = self.before.to_json() if self.before else None
        return {"action": self.action, "part": self.part.to_json(), "reason": self.reason, "before": before}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The step that :meth:`to_json` wrote."""
        before = Part.from_json(value["before"]) if value["before"] else None
        return cls(value["action"], Part.from_json(value["part"]), value["reason"], before)


def journaled_title(value: dict[str, Any]) -> str:
    """The title of a step as the journal keeps it, also where its part is none of this Skerry's."""
    try:
        return Step.from_json(value).title()
    except (UnknownPartError, TypeError):  # or one with other fields
        return f"{value['action']} {value['part']['kind']}: {value['reason']}"
