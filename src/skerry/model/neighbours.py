"""Containers that may talk to one another: what one reaches, and whom of another project it lets in."""

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from skerry.model.base import LABEL

Protocol = Literal["tcp", "udp"]

_NAME = LABEL.strip("^$").replace("(", "(?:")
_REACH = re.compile(rf"(?:({_NAME})/)?({_NAME}):([0-9]{{1,5}})(?:/(tcp|udp))?")
_FROM = re.compile(rf"({_NAME})/({_NAME})")
_LONGEST_NAME = 32
_OF_EVERY_HOSTS_FILE = re.compile(r"localhost|ip6-.*")


@dataclasses.dataclass(frozen=True)
class Reach:
    """One entry of ``reaches``.

    Attributes:
        project: of the neighbour; empty where it is the container's own.
        name: of the neighbour.
        port: that it listens on.
        protocol: by which.
    """

    project: str
    name: str
    port: int
    protocol: Protocol

    def __str__(self) -> str:
        project = f"{self.project}/" if self.project else ""
        return f"{project}{self.name}:{self.port}{'' if self.protocol == 'tcp' else '/udp'}"

    @property
    def host_name(self) -> str:
        """What the neighbour is called inside. ICANN gives ``.internal`` to nobody."""
        return f"{self.name}.{self.project}.internal" if self.project else self.name


def parse(text: str) -> Reach:
    """What an entry of ``reaches`` means.

    Raises:
        ValueError: it means nothing.
    """
    found = _REACH.fullmatch(text)
    if not found or not 1 <= int(found[3]) <= 65_535 or _too_long(found[1], found[2]):
        raise ValueError(
            f"{text!r} must be NAME:PORT, such as database:5432 or cache:53/udp; of another project of the same realm "
            "PROJECT/NAME:PORT"
        )
    project, name, port, protocol = found.groups()
    if _OF_EVERY_HOSTS_FILE.fullmatch(name):
        raise ValueError(
            f"{name!r} means the container itself in every /etc/hosts, so no neighbour is reached by it; "
            "give the neighbour another name"
        )
    return Reach(project or "", name, int(port), "udp" if protocol == "udp" else "tcp")


def _too_long(*names: str | None) -> bool:
    return any(name and len(name) > _LONGEST_NAME for name in names)


def check_reaches(value: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what is no entry, and one that is there twice."""
    return _each_once(value, lambda text: str(parse(text)))


def check_reachable_from(value: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what is no container of a project, and one that is there twice."""
    return _each_once(value, _granted)


def _granted(text: str) -> str:
    found = _FROM.fullmatch(text)
    if not found or _too_long(*found.groups()):
        raise ValueError(f"{text!r} must be PROJECT/NAME, a container of another project of the same realm")
    return text


def _each_once(value: tuple[str, ...], read: Callable[[str], str]) -> tuple[str, ...]:
    found = tuple(read(text) for text in value)
    for text in found:
        if found.count(text) > 1:
            raise ValueError(f"{text!r} is there twice; leave one of them out")
    return found


Reaches = Annotated[
    tuple[str, ...],
    AfterValidator(check_reaches),
    Field(
        max_length=64,
        description="Ports of neighbours that it may open connections to, such as database:5432 or cache:53/udp. "
        "It knows a neighbour by that name. One of another project of its realm is PROJECT/NAME:PORT, known as "
        "NAME.PROJECT.internal, and must let it in by reachable_from.",
    ),
]
ReachableFrom = Annotated[
    tuple[str, ...],
    AfterValidator(check_reachable_from),
    Field(
        max_length=64,
        description="Containers of other projects of its realm that may reach it, each as PROJECT/NAME. "
        "Those of its own project need no entry.",
    ),
]


@dataclasses.dataclass(frozen=True)
class Peer:
    """What of a container decides who may talk to whom.

    Attributes:
        up: whether it is to run.
        reaches: its option, as it stands there.
        reachable_from: its option.
    """

    id: str
    project: str
    name: str
    slot: int
    up: bool
    reaches: tuple[str, ...] = ()
    reachable_from: tuple[str, ...] = ()

    def lets_in(self, other: "Peer") -> bool:
        """Whether a container of the same realm may reach it."""
        return other.project == self.project or f"{other.project}/{other.name}" in self.reachable_from


@dataclasses.dataclass(frozen=True)
class Link:
    """That one container may open connections to a port of another one.

    Attributes:
        source: who opens them.
        target: who is reached.
        reach: as the source's option names it.
    """

    source: Peer
    target: Peer
    reach: Reach

    @property
    def up(self) -> bool:
        """Whether both are to run."""
        return self.source.up and self.target.up


def links(peers: Iterable[Peer]) -> Iterator[Link]:
    """Who may talk to whom, of the containers of one realm, whether they run or not."""
    by_name = {(peer.project, peer.name): peer for peer in peers}
    for source in by_name.values():
        for reach in map(parse, source.reaches):
            target = by_name.get((reach.project or source.project, reach.name))
            if target is not None and target.id != source.id and target.lets_in(source):
                yield Link(source, target, reach)
