"""What is asked of a host itself: its journal, its figures."""

from typing import Annotated, Any, Literal, TypedDict

from pydantic import Field

from skerry.protocol.core import Request, Resource


class Operations(Request):
    """Show the journal, newest first."""

    verb: Literal["operations"]
    count: Annotated[int, Field(ge=1, le=1000)] = 20
    id: Annotated[int | None, Field(ge=1, lt=2**63, description="Only the one of this number.")] = None


class ShownOperation(TypedDict):
    """One row of the journal: what is done so far of a plan for one resource, how it ended, and which token asked.

    ``next`` is the operation that went on with the same request, or will not be there: null.
    """

    id: int
    verb: str
    kind: str
    resource: str
    resource_id: str
    state: str
    error: str
    started: str
    done: int
    steps: list[str]
    stored: list[str]
    timings_ms: list[float]
    token: str
    token_id: str
    next: int | None


class Journal(TypedDict):
    """The answer to ``operations``."""

    operations: list[ShownOperation]


class Status(Request):
    """Tell about the host: version, fences, how much is promised to containers."""

    verb: Literal["status"]


Figures = dict[str, Any]
"""The answer to ``status``: version, wire_version, kinds with their versions, domain, fences; and each kind's figures."""

RESOURCE = Resource("host", 1, (Operations, Status), plain=True)
