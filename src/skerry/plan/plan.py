"""A plan: the ordered steps of one operation, and what the store says before and after it."""

import dataclasses
from typing import Any, Literal, Self

from pydantic import TypeAdapter

from skerry.model.container import Container
from skerry.parts.base import Step

Recovery = Literal["undo", "finish"]
_CONTAINER: TypeAdapter[Container] = TypeAdapter(Container)


def _to_json(container: Container | None) -> Any:
    return None if container is None else _CONTAINER.dump_python(container, mode="json")


def _from_json(value: Any) -> Container | None:
    return None if value is None else _CONTAINER.validate_python(value)


@dataclasses.dataclass(frozen=True)
class Plan:
    """One operation on one container.

    Attributes:
        verb: create, start, stop, restart, update or delete.
        before: the container as the store has it; None where it does not exist yet.
        after: as it shall be; None where it is to be deleted.
        steps: what to do on the host, in this order.
        recovery: what becomes of it after a crash or a failed step: its done steps are undone, or the rest is done.
        restart_required: options that the running container takes over only when it is restarted.
    """

    verb: str
    before: Container | None
    after: Container | None
    steps: tuple[Step, ...]
    recovery: Recovery
    restart_required: tuple[str, ...] = ()

    @property
    def container(self) -> Container:
        """The container that it is about."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a plan is about a container")
        return found

    @property
    def changed(self) -> bool:
        """Whether it does anything at all."""
        return bool(self.steps) or self.before != self.after

    def titles(self) -> list[str]:
        """Each step in a few words."""
        return [step.title() for step in self.steps]

    def to_json(self) -> dict[str, Any]:
        """The plan as the journal keeps it: whole, so that it can be finished or undone after a crash."""
        return {
            "verb": self.verb,
            "before": _to_json(self.before),
            "after": _to_json(self.after),
            "steps": [step.to_json() for step in self.steps],
            "recovery": self.recovery,
            "restart_required": list(self.restart_required),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The plan that :meth:`to_json` wrote."""
        return cls(
            verb=value["verb"],
            before=_from_json(value["before"]),
            after=_from_json(value["after"]),
            steps=tuple(Step.from_json(step) for step in value["steps"]),
            recovery=value["recovery"],
            restart_required=tuple(value["restart_required"]),
        )
