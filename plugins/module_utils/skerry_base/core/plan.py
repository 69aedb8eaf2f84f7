"""A plan: ordered steps with their reasons, and what a module returns of it. Check mode prints what the real run does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar


class Step(Protocol):
    """One step of a plan, frozen; its text is its title."""

    @property
    def reason(self) -> str:
        """Why it is done."""


S_co = TypeVar("S_co", bound=Step, covariant=True)


@dataclass(frozen=True)
class Plan(Generic[S_co]):
    """Steps in the order in which they are done.

    Attributes:
        steps: none where nothing is to be done.
        before: the state as it is, for ``--diff``; None where only the steps are shown.
        after: the state that the steps leave.
    """

    steps: tuple[S_co, ...] = ()
    before: Any = None
    after: Any = None

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.steps)

    @property
    def titles(self) -> list[str]:
        """What is done, in order."""
        return [str(step) for step in self.steps]

    def diff(self) -> Any:
        """What ``--diff`` shows: the state before and after, and below that the steps with their reasons."""
        lines = [f"  {number}. {step}: {step.reason}\n" for number, step in enumerate(self.steps, start=1)]
        prepared = {"prepared": "".join(lines)}
        return prepared if self.before is None else {"before": self.before, "after": self.after, **prepared}

    def result(self, **facts: Any) -> dict[str, Any]:
        """What a module returns of it.

        Args:
            facts: what the module returns besides.
        """
        return {"changed": self.changed, "steps": self.titles, "diff": self.diff(), **facts}
