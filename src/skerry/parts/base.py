"""What every part of the host has in common."""

import abc
import dataclasses
from typing import Any, ClassVar, Literal, Self

from skerry.model.host import HostConfig

_REGISTRY: dict[str, type["Part"]] = {}


@dataclasses.dataclass(frozen=True)
class Part(abc.ABC):
    """One thing on the host. Its fields are JSON types, since the journal keeps them.

    ``make`` and ``remove`` are each other's inverse and idempotent, so that a step that was cut off in the middle can be
    done again or undone without knowing how far it came.
    """

    kind: ClassVar[str]
    making: ClassVar[str] = "make"  # the word for its making, in titles

    def __init_subclass__(cls) -> None:
        _REGISTRY[cls.kind] = cls

    @abc.abstractmethod
    def make(self, host: HostConfig) -> None:
        """Bring it about; where an older form of it is there, turn that into this one."""

    @abc.abstractmethod
    def remove(self, host: HostConfig) -> None:
        """Take it away; nothing happens where it is not there."""

    @abc.abstractmethod
    def exists(self, host: HostConfig) -> bool:
        """Whether it is there now, whole. Reads only."""

    def to_json(self) -> dict[str, Any]:
        """The part as the journal keeps it."""
        return {"kind": self.kind, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Part":
        """The part that :meth:`to_json` wrote."""
        fields = {name: tuple(item) if isinstance(item, list) else item for name, item in value.items()}
        return _REGISTRY[str(fields.pop("kind"))](**fields)


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
