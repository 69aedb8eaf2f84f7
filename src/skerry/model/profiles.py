"""What goes with the profile of a container, and what does not. Pure: no input or output."""

from collections.abc import Mapping
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, Field

from skerry.model.duration import format_duration, parse_duration
from skerry.model.program import OF_APPS, Profile

_LONGEST = 24 * 3600  # seconds that a container of profile build lives
_NO_ROUTE = ("services", "publish", "reachable_from", "health")
_KEEPS = ("volumes", "snapshot_every")


def _check_ttl(value: str) -> str:
    """The shortest way to write for how long; empty for ever."""
    if not value:
        return ""
    seconds = parse_duration(value)
    if seconds > _LONGEST:
        raise ValueError(f"{value!r} is too long for what is thrown away; give at most 1d")
    return format_duration(seconds)


Ttl = Annotated[
    str,
    AfterValidator(_check_ttl),
    Field(
        description="How long a container of profile build lives from when it was made, such as 30m or 2h, at most 1d. "
        "Then it is deleted, whatever it does. Required there, and refused with any other profile."
    ),
]


class _Options(Protocol):
    @property
    def profile(self) -> Profile: ...
    @property
    def restart(self) -> str: ...
    @property
    def ttl(self) -> str: ...


def with_defaults(given: Any) -> Any:
    """The options as they are given, with what a profile has by default."""
    if isinstance(given, Mapping) and given.get("profile") == "build":
        return {"restart": "never", **given}
    return given


def check_profile(spec: _Options) -> None:
    """Refuse options that do not go with the profile.

    Raises:
        ValueError: there are some; the message names them.
    """
    if spec.profile == "system":
        _refuse(
            spec, "system, whose init is root; say in the unit files inside as whom a program runs", OF_APPS
        )
    if spec.profile != "build":
        if spec.ttl:
            raise ValueError(f"ttl goes with profile build alone; with {spec.profile} leave it out")
        return
    _refuse(spec, "build, which nobody reaches; leave them out", _NO_ROUTE)
    _refuse(spec, "build, which is thrown away and keeps nothing; leave them out", _KEEPS)
    _refuse(spec, "build, whose root has its rights by itself; leave them out", ("capabilities",))
    if spec.restart != "never":
        raise ValueError(
            f"restart {spec.restart} does not go with profile build, which runs once; give never"
        )
    if not spec.ttl:
        raise ValueError(
            "a container of profile build is thrown away; give ttl, how long it lives, such as 1h"
        )


def _refuse(spec: _Options, why: str, options: tuple[str, ...]) -> None:
    if given := [name for name in options if getattr(spec, name)]:
        raise ValueError(f"{' and '.join(given)} do not go with profile {why}")
