"""Which ports the host's own programs listen on, so that no container takes one of them away."""

import socket
from pathlib import Path

_FOLDER = Path("/proc/net")
_TCP_LISTEN, _UDP_UNCONNECTED = "0A", "07"  # include/net/tcp_states.h


def listens(protocol: str, port: int, folder: Path = _FOLDER) -> bool:
    """Whether a program of the host takes packets from outside at a port.

    Args:
        protocol: tcp or udp.
        port: its number.
        folder: the kernel's tables.
    """
    state = _TCP_LISTEN if protocol == "tcp" else _UDP_UNCONNECTED
    return any(
        _takes(row, port, state) for name in (protocol, f"{protocol}6") for row in _rows(folder / name)
    )


def _rows(table: Path) -> list[list[str]]:
    """The rows of a table of sockets; none where the kernel has no such protocol."""
    if not table.exists():
        return []
    return [line.split() for line in table.read_text(encoding="ascii").splitlines()[1:]]


def _takes(row: list[str], port: int, state: str) -> bool:
    address, _, found = row[1].rpartition(":")
    return row[3] == state and int(found, 16) == port and not _is_loopback(address)


def _is_loopback(words: str) -> bool:
    """Whether an address of such a table, in words of the machine's byte order, is one that nobody outside reaches."""
    raw = b"".join(bytes.fromhex(words[at : at + 8])[::-1] for at in range(0, len(words), 8))
    if len(raw) == 4:
        return raw[0] == 127
    return raw == socket.inet_pton(socket.AF_INET6, "::1") or raw.startswith(bytes(10) + b"\xff\xff\x7f")
