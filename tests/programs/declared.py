"""The programs of programs.toml."""

import dataclasses
import tomllib
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("programs.toml")


@dataclasses.dataclass(frozen=True)
class Program:
    """One program: how its image is made, what its container is given, how to find out that it does its work.

    Attributes:
        packages: Debian's, in the image.
        command: what the image runs.
        files: path in the image, and text.
        run: commands for sh while the image is made.
        env: ``NAME=value`` each, of the image.
        user: that the image names.
        ports: TCP ports that the image exposes.
        stop_signal: that the image names.
        go: source of a static program, which is all that its image has.
        capabilities: that the container asks for; all else is the default of a container.
        memory: its limit.
        url: ``path`` to get by the container's URL, and what the page ``says``.
        tcp: what to ``send`` to the first port, and what the answer ``says``.
        inside: ``command`` to run by `skerry exec` as ``user``, and what it ``says``.
        patience: seconds until it must answer.
        drops_to: the user that some of its processes run as, where it starts as root.
        volume: where its data is.
        write: command that keeps ``still here`` as data.
        read: command that shows it.
        ends: its exit code after its stop signal.
    """

    name: str
    packages: tuple[str, ...]
    command: tuple[str, ...]
    files: dict[str, str] = dataclasses.field(default_factory=dict)
    run: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    user: str = ""
    ports: tuple[int, ...] = ()
    stop_signal: str = ""
    go: str = ""
    capabilities: tuple[str, ...] = ()
    memory: str = "256M"
    url: dict[str, str] = dataclasses.field(default_factory=dict)
    tcp: dict[str, str] = dataclasses.field(default_factory=dict)
    inside: dict[str, Any] = dataclasses.field(default_factory=dict)
    patience: float = 60.0
    drops_to: str = ""
    volume: str = ""
    write: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    ends: int = 0

    def to_build(self) -> dict[str, Any]:
        """What on_host/build.py is told."""
        names = ("packages", "command", "files", "run", "env", "user", "ports", "stop_signal", "go")
        return {name: getattr(self, name) for name in names}


def programs() -> dict[str, Program]:
    """All of them, by name.

    Raises:
        TypeError: a key is unknown or missing.
    """
    found = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {name: Program(name, **_frozen(said)) for name, said in found.items()}


def _frozen(said: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}
