"""A host in network namespaces: the bridge, ports, containers and an internet, with the firewall's real rules.

Nothing but the kernel is needed, so the packets of tests/integration/test_firewall_packets.py fly natively and in
milliseconds. Sockets belong to the namespace in which they were opened; files and users are the machine's own.
"""

import contextlib
import ctypes
import json
import os
import re
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2
import yaml

from skerry.model.addresses import Addresses, addresses
from skerry.model.host import HostConfig
from skerry.parts.firewall import FirewallEntry, link_local
from tests.integration import frames

ROLE = Path(__file__).parents[2] / "roles" / "firewall"
HOST = HostConfig(domain="skerry.test")
PROXY_UID, OTHER_UID = 64_104, 64_105
GATEWAY4, GATEWAY6 = "10.90.0.1", "fd5e:6b65:7279::1"
UPLINK4, UPLINK6 = "203.0.113.1", "2001:db8:113::1"
INTERNET4, INTERNET6 = "203.0.113.2", "2001:db8:113::2"
# Where a container may not go, though something answers there.
FORBIDDEN = (
    "169.254.169.254",
    "10.1.2.3",
    "172.20.0.9",
    "192.168.7.7",
    "100.64.1.1",
    "fd00:ec2::254",
    "fdaa::9",
)
SYSCTLS = {
    "ipv4/ip_forward": "1",
    "ipv6/conf/all/forwarding": "1",
    **{f"bridge/bridge-nf-call-{tables}": "0" for tables in ("iptables", "ip6tables", "arptables")},
}
_CLONE_NEWNET = 0x40000000
_ETH_P_ALL = 3
_libc = ctypes.CDLL(None, use_errno=True)


def run(*argv: str, stdin: str | None = None) -> str:
    """A program's output; it must succeed."""
    done = subprocess.run(argv, input=stdin, text=True, capture_output=True, check=False)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr}"
    return done.stdout


def rules(**variables: Any) -> str:
    """The role's ruleset with its defaults, rendered as Ansible does."""
    environment = jinja2.Environment(
        trim_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    environment.tests["search"] = lambda value, pattern: re.search(pattern, value) is not None
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    template = environment.from_string((ROLE / "templates/etc/skerry/firewall.nft.j2").read_text())
    fixed = {"_firewall_proxy_uids": [0, PROXY_UID]}
    return template.render({**defaults, **fixed, **variables})


@contextlib.contextmanager
def inside(name: str) -> Iterator[None]:
    """This thread, and the programs it starts, in a network namespace."""
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{name}") as there:
        assert _libc.setns(there.fileno(), _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert _libc.setns(home.fileno(), _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())


@contextlib.contextmanager
def as_user(uid: int) -> Iterator[None]:
    """Sockets opened in here belong to ``uid``."""
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


class Net:
    """A host with the bridge, containers in slots 1 to 3, an unrelated local network and an internet."""

    def __init__(self, prefix: str) -> None:
        self.host, self.internet = f"{prefix}-host", f"{prefix}-net"
        self.slots: dict[int, Addresses] = {slot: addresses(HOST, slot) for slot in (1, 2, 3)}
        self.prefix = prefix

    def container(self, slot: int) -> str:
        """The namespace of a container."""
        return f"{self.prefix}-c{slot}"

    def up(self) -> None:
        """Build it, with the rules but without any container's entries."""
        missing = [program for program in ("ip", "bridge", "nft", "unshare") if not shutil.which(program)]
        assert not missing, (
            f"{', '.join(missing)}: install iproute2, nftables and util-linux on this computer"
        )
        assert os.geteuid() == 0, "network namespaces need root"
        for name in (self.host, self.internet, *map(self.container, self.slots)):
            if Path(f"/run/netns/{name}").exists():  # of a run that was killed
                run("ip", "netns", "del", name)
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        with inside(self.host):
            for key, value in SYSCTLS.items():
                if Path(f"/proc/sys/net/{key}").exists():
                    Path(f"/proc/sys/net/{key}").write_text(value)
            self.load()
        self._ip(self.host, "link add skerry0 type bridge", "link set skerry0 address 02:5e:00:00:00:00")
        self._join(self.host, HOST.bridge, f"{GATEWAY4}/16", f"{GATEWAY6}/64")
        for slot in self.slots:
            self._container(slot)
        self._internet()

    def down(self) -> None:
        """Take it all away."""
        for name in (self.host, self.internet, *map(self.container, self.slots)):
            run("ip", "netns", "del", name)

    def load(self, **variables: Any) -> None:
        """(Re)load the rules, from within the host's namespace or not."""
        with inside(self.host):
            run("nft", "--file", "-", stdin=rules(**variables))

    def _ip(self, namespace: str, *lines: str) -> None:
        run("ip", "-n", namespace, "-batch", "-", stdin="\n".join(lines))

    def _join(self, namespace: str, link: str, *cidrs: str) -> None:
        """Addresses for a link, then up."""
        nodad = {True: " nodad", False: ""}
        self._ip(
            namespace,
            *(f"addr add {cidr} dev {link}{nodad[':' in cidr]}" for cidr in cidrs),
            f"link set {link} up",
        )

    def _container(self, slot: int) -> None:
        own = self.slots[slot]
        self._ip(
            self.host,
            f"link add {own.interface} type veth peer name eth0 address {own.mac} netns {self.container(slot)}",
            f"link set {own.interface} master {HOST.bridge} up",
        )
        self._join(self.container(slot), "eth0", f"{own.ipv4}/32", f"{own.ipv6}/128")
        self._ip(
            self.container(slot),
            *(f"route add default via {gateway} dev eth0 onlink" for gateway in (GATEWAY4, GATEWAY6)),
        )

    def _internet(self) -> None:
        self._ip(self.host, f"link add up0 type veth peer name eth0 netns {self.internet}")
        self._join(self.host, "up0", f"{UPLINK4}/24", f"{UPLINK6}/64")
        self._join(self.internet, "eth0", f"{INTERNET4}/24", f"{INTERNET6}/64")
        self._join(
            self.internet, "lo", *(f"{address}/{128 if ':' in address else 32}" for address in FORBIDDEN)
        )
        self._ip(self.host, f"route add default via {INTERNET4}", f"route add default via {INTERNET6}")
        # So that only the firewall can keep outsiders from a container.
        self._ip(
            self.internet, f"route add 10.90.0.0/16 via {UPLINK4}", f"route add {HOST.ipv6} via {UPLINK6}"
        )

    def port(self, slot: int, *services: int) -> FirewallEntry:
        """The firewall's part of a container."""
        own = self.slots[slot]
        return FirewallEntry(slot, own.mac, own.ipv4, own.ipv6, services)

    def counters(self) -> dict[str, int]:
        """Packets counted by each named rule."""
        found: dict[str, int] = {}
        for table in ("inet skerry_host", "bridge skerry", "inet skerry"):
            with inside(self.host):
                listing = json.loads(run("nft", "--json", "list", "table", *table.split()))["nftables"]
            for rule in (item["rule"] for item in listing if "rule" in item):
                for statement in (part for part in rule["expr"] if "counter" in part):
                    name = rule["comment"]
                    found[name] = found.get(name, 0) + int(statement["counter"]["packets"])
        return found


@contextlib.contextmanager
def standing(name: str) -> Iterator[Net]:
    """A host with the rules and no container let in; this thread is inside the host's namespace."""
    built = Net(name)
    built.up()
    try:
        with inside(built.host):
            yield built
    finally:
        built.down()


def mac_of(namespace: str, link: str) -> str:
    """The MAC address of a link."""
    return str(json.loads(run("ip", "-n", namespace, "-json", "link", "show", link))[0]["address"])


def link_local_of(namespace: str, link: str) -> str:
    """The IPv6 link-local address that the kernel gave to a link."""
    return str(link_local(mac_of(namespace, link)))


class Wire:
    """Sends raw frames from, and sees every frame on, one interface of a namespace."""

    def __init__(self, namespace: str, link: str) -> None:
        with inside(namespace):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
            self._socket.bind((link, 0))
        self._seen = b""

    def close(self) -> None:
        self._socket.close()

    def send(self, frame: bytes) -> None:
        self._socket.send(frame)

    def saw(self, token: bytes) -> bool:
        """Whether a frame with ``token`` has arrived (not: was sent from here) by now."""
        while select.select([self._socket], [], [], 0)[0]:
            frame, (_, _, direction, *_) = self._socket.recvfrom(65_536)
            if direction != socket.PACKET_OUTGOING:
                self._seen += frame
        return token in self._seen

    def waits_for(self, token: bytes, seconds: float = 15.0) -> bool:
        """Whether a frame with ``token`` arrives in time."""
        end = time.monotonic() + seconds
        while not self.saw(token):
            if time.monotonic() > end:
                return False
            select.select([self._socket], [], [], 0.05)
        return True


def listen(namespace: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """A socket that listens on every address of a namespace, IPv4 and IPv6."""
    with inside(namespace):
        server = socket.socket(socket.AF_INET6, kind)
    server.settimeout(15)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind(("::", port))
    if kind == socket.SOCK_STREAM:
        server.listen()
    return server


def connect(namespace: str, address: str, port: int, *, uid: int = 0, seconds: float = 15.0) -> socket.socket:
    """A TCP connection from within a namespace, by a user. Raises OSError where it is refused."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with inside(namespace), as_user(uid):
        client = socket.socket(family, socket.SOCK_STREAM)
    client.settimeout(seconds)
    try:
        client.connect((address, port))
    except OSError:
        client.close()
        raise
    return client


def reaches(namespace: str, address: str, port: int, *, uid: int = 0) -> bool:
    """Whether a TCP connection succeeds."""
    try:
        connect(namespace, address, port, uid=uid, seconds=1.5).close()  # a lost packet is repeated after 1 s
    except OSError:
        return False
    return True


def echoes(namespace: str, address: str) -> bool:
    """Whether a ping is answered."""
    with inside(namespace):
        if ":" in address:
            client = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
            request, answer, start = frames.ECHO6, frames.ECHO6_REPLY, 0
        else:
            client = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            request, answer, start = frames.ECHO4, frames.ECHO4_REPLY, 20
    with client, contextlib.suppress(OSError):
        client.settimeout(1)
        client.sendto(frames.echo(request), (address, 0))
        while True:
            if client.recv(1500)[start] == answer:
                return True
    return False


def tcp_states(namespace: str, port: int) -> list[int]:
    """The states of a namespace's connections at a local port."""
    with inside(namespace):
        tables = [Path(f"/proc/thread-self/net/{name}").read_text() for name in ("tcp", "tcp6")]
    fields = [line.split() for table in tables for line in table.splitlines()[1:]]
    return [int(row[3], 16) for row in fields if row[1].endswith(f":{port:04X}")]


def eventually(true: Callable[[], bool], seconds: float = 15.0) -> bool:
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
