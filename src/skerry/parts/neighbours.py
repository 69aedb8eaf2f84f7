"""That one container reaches another one: an entry in the firewall, and the other's name in its /etc/hosts.

Both are of two containers, which come and go by themselves: so each is made and removed alone, whatever else is there.
"""

import contextlib
import dataclasses
import ipaddress
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from skerry.host import nft, nft_kernel
from skerry.host.nft import Element
from skerry.model.addresses import addresses
from skerry.model.host import HostConfig
from skerry.parts.base import Part
from skerry.parts.firewall import REACHES, TABLE, NotLoadedError, live_elements, loaded

_hosts_files = threading.Lock()  # one change of such a file at a time


@dataclasses.dataclass(frozen=True)
class Reach(Part):
    """That connections pass from one container to a port of another one. Without it, those that are open end.

    Attributes:
        source: name of the container that opens them.
        target: name of the other, its port and protocol.
        source4: IPv4 address of the first.
        source6: its IPv6 address.
        target4: IPv4 address of the other.
        target6: its IPv6 address.
        protocol: tcp or udp.
        port: that the other listens on.
    """

    kind: ClassVar[str] = "reach"
    source: str
    target: str
    source4: str
    source6: str
    target4: str
    target6: str
    protocol: str
    port: int

    def __str__(self) -> str:
        return f"firewall entry from {self.source} to {self.target}"

    @property
    def key(self) -> str:
        """What no other one has."""
        return f"{self.source4} {self.target4} {self.protocol} {self.port}"

    def elements(self) -> Iterator[Element]:
        """Its element for each family."""
        for name, source, target in zip(
            REACHES, (self.source4, self.source6), (self.target4, self.target6), strict=True
        ):
            ends = (str(ipaddress.ip_address(source)), str(ipaddress.ip_address(target)))
            yield Element("inet", TABLE, name, (*ends, self.protocol, self.port))

    def make(self, host: HostConfig) -> None:  # noqa: ARG002
        """Let them pass.

        Raises:
            SkerryError: the firewall is not loaded.
        """
        with loaded():
            nft_kernel.add(self.elements())

    def remove(self, host: HostConfig) -> None:
        """Let none pass, and end those that are open: the rules look up each packet."""
        if not nft_kernel.delete(self.elements()):
            with contextlib.suppress(NotLoadedError):
                nft.change(remove=self._there(host), add=())

    def exists(self, host: HostConfig) -> bool:
        """Whether they pass, by both families.

        Raises:
            SkerryError: the firewall is not loaded.
        """
        return len(self._there(host)) == len(REACHES)

    def _there(self, host: HostConfig) -> set[Element]:  # noqa: ARG002
        return live_elements() & set(self.elements())


@dataclasses.dataclass(frozen=True)
class HostName(Part):
    """What a container that runs calls another one. It sees a change at once: the file stays the same one.

    Attributes:
        id: of the container that knows the name.
        reader: its name.
        name: what it calls the other.
        slot: of the other.
    """

    kind: ClassVar[str] = "host_name"
    id: str
    reader: str
    name: str
    slot: int

    def __str__(self) -> str:
        return f"name {self.name} in /etc/hosts of {self.reader}"

    @property
    def key(self) -> str:
        """What no other one has."""
        return f"{self.id} {self.name} {self.slot}"

    def make(self, host: HostConfig) -> None:
        """Write it, where the container runs: one that starts later knows it from its start."""
        self._change(host, self._lines(host), missing=True)

    def remove(self, host: HostConfig) -> None:
        """Take it out again."""
        self._change(host, self._lines(host), missing=False)

    def exists(self, host: HostConfig) -> bool:
        """Whether the container's file has it."""
        with contextlib.suppress(FileNotFoundError):
            return set(self._lines(host)) <= set(self._path(host).read_text(encoding="utf-8").splitlines())
        return False

    def _path(self, host: HostConfig) -> Path:
        return Path(f"{host.run}/c/{self.id}/hosts")

    def _lines(self, host: HostConfig) -> list[str]:
        return list(_named(host, self.name, self.slot))

    def _change(self, host: HostConfig, lines: list[str], *, missing: bool) -> None:
        with _hosts_files, contextlib.suppress(FileNotFoundError):
            found = self._path(host).read_text(encoding="utf-8").splitlines()
            kept = [line for line in found if line not in lines]
            _write_in_place(self._path(host), [*kept, *(lines if missing else ())])


def hosts_file(host: HostConfig, hostname: str, slot: int, known: Iterable[tuple[str, int]]) -> str:
    """A container's /etc/hosts.

    Args:
        host: its host.
        hostname: its host name.
        slot: its own slot.
        known: what it calls other containers, with the slot of each.
    """
    fixed = ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback"]
    lines = [*fixed, *(line for name, one in [(hostname, slot), *known] for line in _named(host, name, one))]
    return _text(lines)


def rewrite(
    host: HostConfig, container_id: str, hostname: str, slot: int, known: Iterable[tuple[str, int]]
) -> bool:
    """Write a running container's /etc/hosts where it is another than :func:`hosts_file`; whether it was."""
    path = Path(f"{host.run}/c/{container_id}/hosts")
    with _hosts_files, contextlib.suppress(FileNotFoundError):
        lines = hosts_file(host, hostname, slot, known).splitlines()
        if set(path.read_text(encoding="utf-8").splitlines()) != set(lines):
            _write_in_place(path, lines)
            return True
    return False


def _named(host: HostConfig, name: str, slot: int) -> Iterator[str]:
    own = addresses(host, slot)
    yield f"{own.ipv4}\t{name}"
    yield f"{own.ipv6}\t{name}"


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines if line)


def _write_in_place(path: Path, lines: list[str]) -> None:
    """Write a file anew that is bound into a container, so no other can take its place. A reader sees whole lines."""
    text = _text(lines).encode()
    file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(file, text.ljust(os.fstat(file).st_size, b"\n"), 0)
        os.ftruncate(file, len(text))
    finally:
        os.close(file)
