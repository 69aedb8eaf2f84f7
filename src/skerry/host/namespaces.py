"""The user and the network namespace of a container, made by skerry-namespaces.service: the engine itself may make none."""

import contextlib
import os
import socket
from collections.abc import Iterator

from skerry.model.errors import Code, SkerryError

SOCKET = "/run/skerry/namespaces.sock"
_TIMEOUT = 15.0
_LONGEST = 1024


@contextlib.contextmanager
def made(
    uid_base: int, bridge: str, port: str, mac: str, ipv4: tuple[str, str], ipv6: tuple[str, str]
) -> Iterator[tuple[int, int]]:
    """Descriptors of a new user and network namespace, closed at the end: whoever is to keep them has copies by then.

    The port stands on the bridge, isolated and up; its other end has the addresses. It vanishes with the namespace.

    Args:
        uid_base: first id of the container's range.
        bridge: the bridge's name.
        port: name of the interface on it; one that is there already is replaced.
        mac: of the container's interface.
        ipv4: address with the length of its prefix, gateway.
        ipv6: the same.

    Raises:
        SkerryError: they could not be made.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC) as channel:
        channel.settimeout(_TIMEOUT)
        try:
            words = [str(uid_base), str(socket.if_nametoindex(bridge)), port, mac, *ipv4, *ipv6]
            channel.connect(SOCKET)
            channel.send("".join(f"{word}\0" for word in words).encode())
            said, descriptors, _flags, _address = socket.recv_fds(channel, _LONGEST, 2)
        except OSError as error:
            raise _failed(str(error)) from error
    try:
        if len(descriptors) != 2:
            raise _failed(said.rstrip(b"\0").decode(errors="replace") or "no answer")
        yield descriptors[0], descriptors[1]
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _failed(why: str) -> SkerryError:
    return SkerryError(
        Code.HOST,
        f"the container's namespaces could not be made: {why}",
        "The log says more: journalctl --unit=skerry-namespaces.service",
    )
