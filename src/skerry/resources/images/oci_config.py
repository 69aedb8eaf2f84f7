"""What an OCI image's configuration becomes here, and what of it is ignored. Pure.

Nothing that an image says becomes more than a value of its container: what has no place there is named, not guessed.
"""

import dataclasses
import re
import signal
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError

from skerry.model.ends import Health, check_signal
from skerry.model.program import check_command, check_env, check_user
from skerry.resources.images.oci_manifest import JSON
from skerry.text import printable

_MOST = 64  # ports, volumes, labels
_MOST_TEXT = 4096  # characters of one text
_SPANS = {"Interval": "interval", "Timeout": "timeout", "StartPeriod": "start_period"}
_PORT = re.compile(r"([0-9]{1,5})(?:/([a-z]+))?")
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What an image says of its containers; empty where it says nothing.

    Attributes:
        ports: TCP ports that its program listens on, the lowest first.
        volumes: folders that are to outlive a container.
        ignored: what it says that has no effect here, in words.
    """

    command: tuple[str, ...] = ()
    env: dict[str, str] = dataclasses.field(default_factory=dict, repr=False)
    user: str = ""
    workdir: str = ""
    stop_signal: str = ""
    ports: tuple[int, ...] = ()
    volumes: tuple[str, ...] = ()
    labels: dict[str, str] = dataclasses.field(default_factory=dict)
    health: dict[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    ignored: tuple[str, ...] = ()


class _Reader:
    """Reads one value after the other, and notes what cannot be used."""

    def __init__(self, said: JSON) -> None:
        self.said = said
        self.ignored: list[str] = []

    def ignore(self, what: str) -> None:
        """Note that something has no effect."""
        self.ignored.append(printable(what)[:200])

    def take(self, key: str, read: Callable[[Any], T]) -> T | None:
        """The value of a key, where it is there and right."""
        value = self.said.get(key)
        if value in (None, "", [], {}):
            return None
        try:
            return read(value)
        except (ValueError, TypeError, AttributeError) as error:
            self.ignore(f"{key}: {error}")
            return None


def read(config: JSON) -> Settings:
    """What a configuration says of its containers."""
    inner = config.get("config")
    reader = _Reader(inner if isinstance(inner, dict) else {})
    words = (reader.take("Entrypoint", _words) or ()) + (reader.take("Cmd", _words) or ())
    return dataclasses.replace(
        Settings(
            command=_command(reader, words),
            env=_env(reader),
            user=reader.take("User", _user) or "",
            workdir=reader.take("WorkingDir", _path) or "",
            stop_signal=reader.take("StopSignal", _signal) or "",
            ports=_ports(reader),
            volumes=reader.take("Volumes", lambda said: tuple(sorted(map(_path, _keys(said))))) or (),
            labels=_labels(reader),
            health=_health(reader),
        ),
        ignored=tuple(reader.ignored + _unknown(reader.said)),
    )


def _words(said: Any) -> tuple[str, ...]:
    found = ["/bin/sh", "-c", said] if isinstance(said, str) else said
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise ValueError("it is no list of words")
    return tuple(found)


def _command(reader: _Reader, words: tuple[str, ...]) -> tuple[str, ...]:
    try:
        check_command(list(words) or None)
    except ValueError as error:
        reader.ignore(f"Entrypoint and Cmd: {error}")
        return ()
    return words


def _env(reader: _Reader) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in reader.take("Env", _words) or ():
        name, _equals, value = one.partition("=")
        try:
            found |= check_env({name: value})
        except ValueError as error:
            reader.ignore(f"Env: {error}")
    return found


def _user(said: Any) -> str:
    return check_user(str(said)) or ""


def _path(said: Any) -> str:
    text = str(said)
    parts = [part for part in text.split("/") if part not in {"", "."}]
    if not text.startswith("/") or ".." in parts or {"\0", "\n"} & set(text) or len(text) > _MOST_TEXT:
        raise ValueError(f"{text[:80]!r} is not a path that begins with / and has no ..")
    return "/" + "/".join(parts)


def _signal(said: Any) -> str:
    text = str(said)
    return check_signal(signal.Signals(int(text)).name if text.isdigit() else text) or ""


def _keys(said: Any) -> list[str]:
    if not isinstance(said, dict) or len(said) > _MOST:
        raise ValueError(f"it is no object with at most {_MOST} entries")
    return sorted(said)


def _ports(reader: _Reader) -> tuple[int, ...]:
    found = set()
    for said in reader.take("ExposedPorts", _keys) or []:
        port = _PORT.fullmatch(said)
        if port is None or not 0 < int(port[1]) <= 65_535:
            reader.ignore(f"ExposedPorts: {said[:80]!r} is no port")
        elif port[2] not in {None, "tcp"}:
            reader.ignore(f"ExposedPorts: {said} (the proxy carries TCP only)")
        else:
            found.add(int(port[1]))
    return tuple(sorted(found))


def _labels(reader: _Reader) -> dict[str, str]:
    found = {}
    for name in reader.take("Labels", _keys) or []:
        value = str(reader.said["Labels"][name])
        if len(name) + len(value) > _MOST_TEXT:
            reader.ignore(f"Labels: {name[:80]} has more than {_MOST_TEXT} characters")
        else:
            found[printable(name)] = printable(value)
    return found


def _health(reader: _Reader) -> dict[str, Any]:
    """The option ``health`` that an image's check is, with Docker's defaults; empty for none.

    With Docker the first check comes after an interval. Here it comes at once, and does not count before.
    """
    said = reader.said.get("Healthcheck")
    if said in (None, {}):
        return {}
    try:
        command = _check_command(said, reader.said.get("Shell"))
        if command is None:
            return {}
        interval = _seconds(reader, said, "Interval", 30.0)
        found: dict[str, Any] = {
            "command": command,
            "interval": interval,
            "timeout": _seconds(reader, said, "Timeout", 30.0),
            "start_period": max(_seconds(reader, said, "StartPeriod", 0.0), interval),
            "retries": _retries(reader, said),
        }
        if said.get("StartInterval"):
            reader.ignore("Healthcheck: StartInterval; in the start period it is a second here")
        return Health.model_validate(found).model_dump(mode="json", exclude_none=True)
    except ValidationError as error:
        reader.ignore(f"Healthcheck: {error.errors()[0]['msg'].removeprefix('Value error, ')}")
    except (ValueError, TypeError, AttributeError) as error:
        reader.ignore(f"Healthcheck: {error}")
    return {}


def _check_command(said: Any, shell: Any) -> list[str] | None:
    """The program of an image's check; None where it says that there is none."""
    if not isinstance(said, dict):
        raise ValueError("it is no object")  # noqa: TRY004 - as all else that is wrong here
    kind, *rest = _words(said["Test"]) if said.get("Test") else ("NONE",)
    if kind == "NONE":
        return None
    if kind == "CMD" and rest:
        return rest
    if kind == "CMD-SHELL" and len(rest) == 1:
        return [*_words(shell or ["/bin/sh", "-c"]), *rest]
    raise ValueError(
        f"Test: {kind[:20]!r} with {len(rest)} words is neither NONE, nor CMD or CMD-SHELL and a command"
    )


def _seconds(reader: _Reader, said: JSON, key: str, default: float) -> float:
    """A span of nanoseconds in seconds, within what a check here may have."""
    value = said.get(key) or 0
    if type(value) is not int or value < 0:
        raise ValueError(f"{key}: {str(value)[:40]!r} is no number of nanoseconds")
    option, seconds = _SPANS[key], (value / 1e9 if value else default)
    low, high = (next(getattr(one, side) for one in Health.model_fields[option].metadata if hasattr(one, side))
                 for side in ("ge", "le"))  # fmt: skip
    within = float(min(max(seconds, low), high))
    if within != seconds:
        reader.ignore(f"Healthcheck: {key} of {seconds:g} s; it is {within:g} s here")
    return within


def _retries(reader: _Reader, said: JSON) -> int:
    value = said.get("Retries") or 3
    if type(value) is not int or value < 0:
        raise ValueError(f"Retries: {str(value)[:40]!r} is no number")
    within = min(value, 100)
    if within != value:
        reader.ignore(f"Healthcheck: Retries {value}; it is {within} here")
    return within


def _unknown(said: JSON) -> list[str]:
    """What an image may say besides, and is nothing here; what only its build needs is no word worth."""
    found = [key for key in ("OnBuild", "MacAddress", "NetworkDisabled", "Domainname") if said.get(key)]
    return [f"{key}: it has no meaning here" for key in found]
