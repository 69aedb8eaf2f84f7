"""What an OCI image's configuration becomes here, and what of it is ignored. Pure.

Nothing that an image says becomes more than a value of its container: what has no place there is named, not guessed.
"""

import dataclasses
import re
import signal
from collections.abc import Callable
from typing import Any, TypeVar

from skerry.model.ends import check_signal
from skerry.model.program import check_command, check_env, check_user
from skerry.resources.images.oci_manifest import JSON
from skerry.text import printable

_MOST = 64  # ports, volumes, labels
_MOST_TEXT = 4096  # characters of one text
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
    health: dict[str, Any] = dataclasses.field(default_factory=dict)
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
    if reader.said.get("Healthcheck") not in (None, {}, {"Test": ["NONE"]}):
        reader.ignore(
            "Healthcheck: a command is no check here; give the container 'health' with a port or a path"
        )
    return {}


def _unknown(said: JSON) -> list[str]:
    """What an image may say besides, and is nothing here; what only its build needs is no word worth."""
    found = [key for key in ("OnBuild", "MacAddress", "NetworkDisabled", "Domainname") if said.get(key)]
    return [f"{key}: it has no meaning here" for key in found]
