"""Frames that a container must not be able to send, sent from the namespace of a real one. Runs on the host, as root.

``python3 spoof.py`` prints one line of JSON: for each lie, who heard it, and who heard the honest frame that followed it
from the same container. When the honest one has arrived, the lie would have, too.
"""

import json
import os
import select
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import frames

from skerry.client import EngineClient

GATEWAY4, GATEWAY6, BRIDGE_MAC = "10.90.0.1", "fd5e:6b65:7279::1", "02:5e:00:00:00:00"
UDP = 17
_ETH_P_ALL = 3


class Wire:
    """A raw socket on one link of one network namespace."""

    def __init__(self, link: str, init: int = 0) -> None:
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        if init:
            with open(f"/proc/{init}/ns/net", "rb") as namespace:
                os.setns(namespace.fileno(), os.CLONE_NEWNET)
        try:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
            self.socket.bind((link, _ETH_P_ALL))
        finally:
            os.setns(home, os.CLONE_NEWNET)
            os.close(home)
        self.heard: list[bytes] = []

    def listen(self, seconds: float, until: Callable[[], bool]) -> None:
        deadline = time.monotonic() + seconds
        while not until() and (left := deadline - time.monotonic()) > 0:
            if select.select([self.socket], [], [], min(left, 0.2))[0]:
                data, address = self.socket.recvfrom(4096)
                if address[2] != socket.PACKET_OUTGOING:
                    self.heard.append(data)


def start(name: str) -> dict:
    client, key = EngineClient(), {"name": name}
    client.call("ensure", container=key, state="absent")
    return client.call("create", container=key, spec={"image": "hello"}, timeout=120)["after"]


def init_of(container: dict) -> int:
    group = next(Path("/sys/fs/cgroup").rglob(f"lxc.payload.{container['id']}"))
    return int((group / "cgroup.procs").read_text().split()[0])


def mac_of(container: dict) -> str:
    a, b = map(int, container["ipv4"].split(".")[2:])
    slot = a * 256 + b - 256
    return "02:5e:" + ":".join(f"{byte:02x}" for byte in slot.to_bytes(4, "big"))


def udp4(
    source_mac: str, source: str, port: int, target_mac: str = BRIDGE_MAC, target: str = GATEWAY4
) -> bytes:
    packet = frames.ipv4(source, target, UDP, frames.udp(source, target, port, 53, os.urandom(8)))
    return frames.ethernet(source_mac, target_mac, frames.IPV4, packet)


def udp6(source_mac: str, source: str, port: int) -> bytes:
    packet = frames.ipv6(source, GATEWAY6, UDP, frames.udp(source, GATEWAY6, port, 53, os.urandom(8)))
    return frames.ethernet(source_mac, BRIDGE_MAC, frames.IPV6, packet)


def lies(own: dict, other: dict) -> dict[str, bytes]:
    mac, other_mac, all_nodes = mac_of(own), mac_of(other), frames.group_mac("ff02::1")
    claim = frames.arp(2, mac, GATEWAY4, other["ipv4"])
    advert = frames.neighbour(own["ipv6"], "ff02::1", frames.NA, GATEWAY6, (frames.TARGET_MAC, mac))
    return {
        "a neighbour's MAC": udp4(other_mac, own["ipv4"], 4001),
        "a neighbour's IPv4 address": udp4(mac, other["ipv4"], 4002),
        "an IPv4 address of the internet": udp4(mac, "198.51.100.7", 4003),
        "a neighbour's IPv6 address": udp6(mac, other["ipv6"], 4004),
        "an IPv6 address of the internet": udp6(mac, "2001:db8::7", 4005),
        "ARP: I am the gateway": frames.ethernet(mac, frames.BROADCAST, frames.ARP, claim),
        "ND: I am the gateway": frames.ethernet(mac, all_nodes, frames.IPV6, advert),
        "a router advertisement": frames.ethernet(
            mac, all_nodes, frames.IPV6, frames.router_advertisement(own["ipv6"])
        ),
        "straight to the neighbour": udp4(mac, own["ipv4"], 4006, other_mac, other["ipv4"]),
    }


def main() -> int:
    own, other = start("liar"), start("listener")
    liar, host, neighbour = Wire("eth0", init_of(own)), Wire("skerry0"), Wire("eth0", init_of(other))
    report = {}
    try:
        for number, (name, lie) in enumerate(lies(own, other).items()):
            honest = (udp6 if "IPv6" in name else udp4)(
                mac_of(own), own["ipv6" if "IPv6" in name else "ipv4"], 5000 + number
            )
            liar.socket.send(lie)
            liar.socket.send(honest)
            host.listen(10, lambda honest=honest: honest in host.heard)
            neighbour.listen(0.3, lambda: False)
            report[name] = {
                "lie": [who for who, wire in (("host", host), ("neighbour", neighbour)) if lie in wire.heard],
                "honest": honest in host.heard,
            }
    finally:
        for name in ("liar", "listener"):
            EngineClient().call("delete", container={"name": name})
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
