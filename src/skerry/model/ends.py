"""How a container's program ends, what follows, and how its health is checked. Pure: no input or output."""

import dataclasses
import re
import signal
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from skerry.model.base import Frozen
from skerry.model.program import check_command
from skerry.model.size import format_size

Restart = Literal["always", "on-failure", "never"]
Now = Literal["running", "restarting", "failed", "stopped"]
By = Literal["itself", "administrator"]
DEFAULT_SIGNAL = "SIGTERM"
SYSTEM_SIGNAL = "SIGRTMIN+3"
"""What asks systemd to power off; it takes SIGTERM for something else (systemd(1), "Signals")."""
REBOOTED = 256
"""Instead of an exit code, which is never so high: a whole Debian has rebooted (start.c)."""
HEALTHY_SECONDS = 10.0  # that a restarted program runs until the pauses begin anew, as with Docker
_SIGNAL = re.compile(r"(?:SIG)?(RTMIN\+([1-9]|[12][0-9]|30)|RTM(?:IN|AX)|[A-Z][A-Z0-9]*)")
# Not SIGWINCH, which Apache ends by once its requests are answered.
_ENDS_NOTHING = ("SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGCONT", "SIGCHLD", "SIGURG")
_LONGEST_PATH = 1024
_KINDS = ("port", "http", "command")  # of health checks
_LONGEST_COMMAND = 16 * 1024  # bytes of a check's command, all words together
_SIGNALED = 128  # an exit code of 128 and N: signal N, as a shell says it


def signal_number(name: str) -> int:
    """The number of a signal's name, such as ``SIGQUIT`` or ``SIGRTMIN+3``.

    Raises:
        ValueError: there is no such signal.
    """
    match = _SIGNAL.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no signal")
    if match[2]:
        return int(signal.SIGRTMIN) + int(match[2])
    try:
        return int(signal.Signals[f"SIG{match[1]}"])
    except KeyError:
        raise ValueError(f"{name!r} is no signal") from None


def check_signal(value: str | None) -> str | None:
    """The name of a signal that can ask a program to end, with SIG in front."""
    if value is None:
        return None
    whole = value if value.startswith("SIG") else f"SIG{value}"
    try:
        signal_number(whole)
    except ValueError:
        raise ValueError(
            f"{value[:20]!r} is no signal; give a name such as SIGTERM, SIGQUIT or SIGRTMIN+3"
        ) from None
    if whole in _ENDS_NOTHING:
        *most, last = _ENDS_NOTHING
        raise ValueError(
            f"{value!r} ends no program; give any other signal than {', '.join(most)} and {last}, such as SIGQUIT"
        )
    return whole


def _as_words(value: Any) -> Any:
    """One text is a line for a shell, as on a command line."""
    return ["/bin/sh", "-c", value] if isinstance(value, str) and value.strip() else value


def _short(value: list[str] | None) -> list[str] | None:
    if value is not None and sum(len(word.encode()) + 1 for word in value) > _LONGEST_COMMAND:
        raise ValueError(
            f"a command has at most {_LONGEST_COMMAND // 1024} KiB; put the rest into a script of the image"
        )
    return value


class Health(Frozen):
    """How to find out whether a program does its work. Without a port, a path and a command nothing is checked."""

    in_words: ClassVar[str] = "port, http or command, and how often"
    port: Annotated[
        int | None, Field(ge=1, le=65_535, description="It is healthy when this TCP port takes a connection.")
    ] = None
    http: Annotated[
        str | None,
        Field(
            description="It is healthy when GET of this path, at the port of its plain URL, "
            "answers with a status from 200 to 399. No redirect is followed.",
        ),
    ] = None
    command: Annotated[
        list[str] | None,
        BeforeValidator(_as_words),
        AfterValidator(check_command),
        AfterValidator(_short),
        Field(
            description="It is healthy when this program ends with exit code 0. It runs in the container, as its program's "
            "user, in its folder, with its environment. What is left of it is killed afterwards, or at the timeout.",
        ),
    ] = None
    interval: Annotated[
        float,
        Field(ge=1, le=3600, allow_inf_nan=False, description="Seconds between two checks. By default 10."),
    ] = 10.0
    timeout: Annotated[
        float,
        Field(
            ge=0.1, le=60, allow_inf_nan=False, description="Seconds that an answer may take. By default 3."
        ),
    ] = 3.0
    start_period: Annotated[
        float,
        Field(
            ge=0,
            le=3600,
            allow_inf_nan=False,
            description="Seconds after its start in which a failed check does not count. By default 10.",
        ),
    ] = 10.0
    retries: Annotated[
        int,
        Field(
            ge=1, le=100, description="Failed checks one after another that make it unhealthy. By default 3."
        ),
    ] = 3
    restart: Annotated[bool, Field(description="Restart it when it has become unhealthy.")] = False

    @field_validator("http")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        if value is not None and len(value) > _LONGEST_PATH:
            raise ValueError(f"a path has at most {_LONGEST_PATH} characters; give a shorter one")
        if value is not None and not (value.startswith("/") and all("!" <= one <= "~" for one in value)):
            raise ValueError(
                f"{value[:60]!r} is no path; begin it with /, and write blanks and the like as %20"
            )
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> "Health":
        given = [name for name in _KINDS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are there together; give one of them")
        if not self.checks and any(
            getattr(self, name) != field.default for name, field in Health.model_fields.items()
        ):
            raise ValueError(
                "there is no port, no http and no command; give one of them, or nothing at all for no check"
            )
        return self

    @property
    def checks(self) -> bool:
        """Whether there is anything to check."""
        return any(getattr(self, name) is not None for name in _KINDS)


@dataclasses.dataclass(frozen=True)
class End:
    """How a container's program ended by itself, and what it does since.

    Attributes:
        now: what the container does now.
        status: the exit code; 128 and N where signal N ended the program. None where nobody knows.
        oom: how many processes were ended since they were out of memory.
        memory: the limit at that moment, in bytes.
        at: when it ended, UTC.
        restarts: how often it was started again since it last ran for long.
        again: when it is started again, in seconds since the epoch; 0 where it is not, or runs already.
        by: who ended it: its program by itself, or the host's administrator, by systemd.
    """

    now: Now
    status: int | None
    oom: int = 0
    memory: int = 0
    at: str = ""
    restarts: int = 0
    again: float = 0.0
    by: By = "itself"

    @property
    def reason(self) -> str:
        """How it ended, in words: ``exit code 3``, ``signal SIGSEGV (exit code 139)``, ``out of memory at limit 256M``."""
        return reason(self.status, self.oom, self.memory)


def reason(status: int | None, oom: int = 0, memory: int = 0) -> str:
    """How a program ended, in words."""
    if status is None:
        return "exit code unknown"
    if status == REBOOTED:
        return "reboot"
    spoken = _status(status)
    if not oom or status == 0:
        return spoken
    limit = f"out of memory at limit {format_size(memory)}"
    return limit if status == _SIGNALED + signal.SIGKILL else f"{spoken}, after it was {limit}"


def _status(status: int) -> str:
    try:
        return f"signal {signal.Signals(status - _SIGNALED).name} (exit code {status})"
    except ValueError:
        return f"exit code {status}"


def ordinal(number: int) -> str:
    """A number as in ``5th time``."""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def pause(seconds: float) -> str:
    """A pause in words: ``0.4 s``, ``8 s``."""
    return f"{seconds:.1f} s" if seconds < 1 else f"{seconds:.0f} s"


def detail(end: End | None, now: float) -> str:
    """What is said behind a container's state: ``5th time, next in 8 s; exit code 3``.

    Args:
        end: how it ended by itself, if it did.
        now: seconds since the epoch.
    """
    if end is None or end.now == "running":
        return ""
    if end.now != "restarting":
        return f"by the host's administrator; {end.reason}" if end.by == "administrator" else end.reason
    following = f", next in {pause(end.again - now)}" if end.again > now else ""
    return f"{ordinal(end.restarts + 1)} time{following}; {end.reason}"


def circle(after: Mapping[str, Sequence[str]], name: str) -> list[str]:
    """The way from ``name`` back to itself by those that each one comes after; empty where there is none."""
    seen: set[str] = set()

    def walk(one: str, way: list[str]) -> list[str]:
        for before in after.get(one, ()):
            if before == name:
                return [*way, before]
            if before not in seen:
                seen.add(before)
                if found := walk(before, [*way, before]):
                    return found
        return []

    return walk(name, [name])
