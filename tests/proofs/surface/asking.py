"""Asks the kernel, from inside a container, for every module that it loads for whoever asks.

The names are the aliases of the host's own modules: for each kind that a program can ask for, all that there are.
Whatever is asked for may be refused; whether it was loaded, the host sees.
"""

import contextlib
import ctypes
import fcntl
import os
import re
import socket
import struct
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
LIBC = ctypes.CDLL(None, use_errno=True)
ROUTE, DIAG, NETFILTER, GENERIC = 0, 4, 12, 16
REQUEST, DUMP, CREATE = 1, 0x300, 0x400
FSOPEN, ALG, TIOCSETD, TCP_ULP = 430, 38, 0x5423, 31
IPV4, LOOPBACK, ROOT, CLSACT, CLSACT_IN = 2, 1, 0xFFFFFFFF, 0xFFFFFFF1, 0xFFFFFFF2
TABLES = 10  # of nfnetlink: nf_tables
FIXED_IOCTLS = (0x8940, 0x8982)  # for the bridge, for VLANs
TYPES = (1, 2, 3, 5, 6, 10)


def attribute(kind: int, *content: bytes | str) -> bytes:
    """One of a netlink message's."""
    data = b"".join(one.encode() + b"\0" if isinstance(one, str) else one for one in content)
    return struct.pack("=HH", len(data) + 4, kind) + data + b"\0" * (-len(data) % 4)


def message(kind: int, flags: int, *content: bytes) -> bytes:
    """A netlink message."""
    data = b"".join(content)
    return struct.pack("=IHHII", len(data) + 16, kind, flags | REQUEST, 1, 0) + data


def send(protocol: int, *messages: bytes) -> None:
    """To the kernel, which has done what it does when this returns."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as kernel:
        kernel.send(b"".join(messages))


def file_system(name: str) -> None:
    """By both ways to mount one."""
    place = os.fsencode(HERE / "mounted")
    os.makedirs(place, exist_ok=True)
    if LIBC.mount(b"none", place, name.encode(), 0, None) == 0:
        LIBC.umount(place)
    if (handle := LIBC.syscall(FSOPEN, name.encode(), 0)) >= 0:
        os.close(handle)


def sockets(family: str, protocol: str | None, kind: str | None) -> None:
    """Of every type."""
    for one in [int(kind)] if kind else TYPES:
        with contextlib.suppress(OSError):
            socket.socket(int(family), one, int(protocol or 0)).close()


def algorithm(name: str) -> None:
    """Whatever it is, it is asked for by name."""
    with socket.socket(ALG, socket.SOCK_SEQPACKET) as asking:
        asking.bind(("hash", name))


def algorithms_of(kind: str) -> None:
    """A kind of algorithms: hash, skcipher, aead, rng."""
    with socket.socket(ALG, socket.SOCK_SEQPACKET) as asking:
        asking.bind((kind, "none"))


def diagnosis(family: str, protocol: str | None) -> None:
    """A list of sockets; a protocol whose number is no byte (MPTCP) has an attribute for it."""
    number = int(protocol or 0)
    request = struct.pack("=BBBBI48x", int(family), min(number, 255), 0, 0, 0xFFFFFFFF)
    more = attribute(3, struct.pack("=I", number)) if number > 255 else b""
    send(DIAG, message(20, DUMP, request, more))


def generic(name: str) -> None:
    """A family of generic netlink."""
    send(GENERIC, message(16, 0, struct.pack("=BBH", 3, 1, 0), attribute(2, name)))


def link(kind: str) -> None:
    """A network interface of that kind."""
    send(ROUTE, message(16, CREATE, bytes(16), attribute(18, attribute(1, kind))))


def traffic(kind: int, parent: int, info: int, name: str, *options: bytes) -> None:
    """A queue, or a filter of one, on the loopback interface."""
    header = struct.pack("=BxxxiIII", 0, LOOPBACK, 0, parent, info)
    send(ROUTE, message(kind, CREATE, header, attribute(1, name), *options))


def queue(name: str) -> None:
    """A discipline of queues."""
    traffic(36, ROOT, 0, name)


def classifier(name: str, *options: bytes) -> None:
    """A filter of packets on their way to a queue."""
    traffic(36, CLSACT, 0, "clsact")
    traffic(44, CLSACT_IN, 1 << 16 | socket.htons(3), name, *options)


def action(name: str) -> None:
    """What such a filter does; by itself, only root of the host may have it."""
    classifier("matchall", attribute(2, attribute(2, attribute(1, attribute(1, name)))))


def tunnel(_name: str) -> None:
    """Each kind of lightweight tunnel, by its number."""
    for number in range(1, 12):
        encapsulation = attribute(21, struct.pack("=H", number)) + attribute(22, b"")
        header = struct.pack("=BBBBBBBBI", IPV4, 32, 0, 0, 254, 3, 0, 1, 0)
        send(ROUTE, message(24, CREATE, header, attribute(1, bytes([192, 0, 2, 1])), encapsulation))


def netfilter(kind: int, flags: int, family: int, *attributes: bytes, resource: int = 0) -> bytes:
    """A message to a part of netfilter."""
    return message(kind, flags, struct.pack("=BBH", family, 0, socket.htons(resource)), *attributes)


def subsystem(number: str) -> None:
    """A part of netfilter."""
    send(NETFILTER, netfilter(int(number) << 8, 0, IPV4))


def tables(family: int, *wanted: tuple[int, bytes]) -> None:
    """In one transaction of nf_tables: a table, a chain, and what is wanted in them."""
    chain = attribute(1, "t") + attribute(3, "c")
    inside = [(0, attribute(1, "t")), (3, chain), *wanted]
    changes = [netfilter(TABLES << 8 | kind, CREATE, family, content) for kind, content in inside]
    send(NETFILTER, netfilter(16, 0, 0, resource=TABLES), *changes, netfilter(17, 0, 0, resource=TABLES))


def chain(family: str, kind: str) -> None:
    """A chain of that kind."""
    hook = attribute(1, struct.pack("!I", 0)) + attribute(2, struct.pack("!i", -200))
    tables(
        int(family), (3, attribute(1, "t") + attribute(3, "base") + attribute(4, hook) + attribute(7, kind))
    )


def expression(family: str | None, name: str) -> None:
    """A rule with that expression."""
    element = attribute(1, attribute(1, name) + attribute(2, b""))
    tables(int(family or IPV4), (6, attribute(1, "t") + attribute(2, "c") + attribute(4, element)))


def named_object(kind: str) -> None:
    """An object of that kind."""
    tables(
        IPV4,
        (
            18,
            attribute(1, "t") + attribute(2, "o") + attribute(3, struct.pack("!I", int(kind))) + attribute(4),
        ),
    )


def match(name: str) -> None:
    """A match or target of iptables, through nf_tables."""
    for target in (0, 1):
        kind = attribute(2, bytes(4)) + attribute(3, struct.pack("!I", target))
        send(NETFILTER, netfilter(11 << 8, 0, IPV4, attribute(1, name), kind))


def discipline(number: str) -> None:
    """A line discipline of a terminal."""
    ends = os.openpty()
    try:
        fcntl.ioctl(ends[1], TIOCSETD, struct.pack("=i", int(number)))
    finally:
        for one in ends:
            os.close(one)


def program(magic: str) -> None:
    """A program in a format that is told by two of its bytes."""
    path = HERE / "program"
    path.write_bytes(b"\x01\x01" + int(magic, 16).to_bytes(2, "little") + bytes(60))
    path.chmod(0o755)
    os.waitpid(os.posix_spawn(path, [path], {}), 0)


def upper_layer(name: str) -> None:
    """What runs on top of TCP."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as asking,
    ):
        asking.setsockopt(socket.IPPROTO_TCP, TCP_ULP, name.encode())


# The first one that matches is the one.
WAYS: dict[str, Callable[..., None]] = {
    r"fs-(.+)": file_system,
    r"net-pf-16-proto-4-type-(\d+)(?:-(\d+))?": diagnosis,
    r"net-pf-16-proto-16-family-(.+)": generic,
    r"net-pf-(\d+)(?:-proto-(\d+)(?:-type-(\d+))?)?": sockets,
    r"can-proto-(\d+)": lambda number: sockets("29", number, None),
    r"bt-proto-(\d+)": lambda number: sockets("31", number, None),
    r"crypto-(.+)": algorithm,
    r"algif-(.+)": algorithms_of,
    r"rtnl-link-(.+)": link,
    r"net-sch-(.+)": queue,
    r"net-cls-(.+)": classifier,
    r"net-act-(.+)": action,
    r"rtnl-lwt-(.+)": tunnel,
    r"nfnetlink-subsys-(\d+)": subsystem,
    r"nft-chain-(\d+)-(.+)": chain,
    r"nft-expr-(?:(\d+)-)?(.+)": expression,
    r"nft-obj-(\d+)": named_object,
    r"ipt_(.+)": match,
    r"tty-ldisc-(\d+)": discipline,
    r"binfmt-([0-9a-f]{4})": program,
    r"tcp-ulp-(.+)": upper_layer,
}


def ask(alias: str) -> bool:
    """For what has this alias; whether there is a way to."""
    for pattern, way in WAYS.items():
        if found := re.fullmatch(pattern, alias):
            with contextlib.suppress(OSError, ValueError):
                way(*found.groups())
            return True
    return False


def ask_for_all(aliases: Path) -> int:
    """For all that a list of aliases names; how many there was a way to ask for."""
    for request in FIXED_IOCTLS:
        with contextlib.suppress(OSError), socket.socket() as asking:
            fcntl.ioctl(asking, request, bytes(64))
    names = {line.split()[1] for line in aliases.read_text().splitlines() if line.startswith("alias ")}
    # `algif_hash` and its like have no alias: the kernel asks for the module itself.
    kinds = {f"algif-{kind}" for kind in ("hash", "skcipher", "aead", "rng")}
    return sum(ask(alias) for alias in sorted(names | kinds))
