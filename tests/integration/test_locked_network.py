"""What keeps a locked machine's network card up, run as in an initramfs: busybox in a root of its own, real packets."""

import itertools
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from skerry_base.boot.network import for_initramfs, parse
from skerry_base.core.cache import Cache
from skerry_base.core.paths import cache_home
from skerry_base.core.progress import Progress
from skerry_lab.tools import tools

FILES = Path(__file__).parents[2] / "roles/remote_unlock/files/usr/lib/skerry/initramfs"
MAC, OTHER = "02:00:5e:00:00:09", "02:00:5e:00:00:0a"
NEAR, FAR, ON_LINK = "192.0.2.1", "198.51.100.1", "172.31.1.1"
APPLETS = ("cat", "ip", "sh", "sleep", "udhcpc")
LEASES = (
    f"interface uplink\nstart 192.0.2.50\nend 192.0.2.50\noption subnet 255.255.255.0\noption router {NEAR}\n"
)
_numbers = itertools.count()


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Machine:
    """A network namespace with the initramfs' script in it, and another one for its provider's network."""

    def __init__(self, root, busybox):
        self.root, self.busybox, self.running = root, busybox, []
        self.name = f"skl{os.getpid()}-{next(_numbers)}"
        self.provider = f"{self.name}p"
        for folder in ("bin", "sys", "run", "usr/lib/skerry"):
            (root / folder).mkdir(parents=True)
        shutil.copy(busybox, root / "bin/busybox")
        for applet in APPLETS:
            (root / "bin" / applet).symlink_to("busybox")
        shutil.copy(FILES / "dhcp", root / "usr/lib/skerry")
        script = (FILES / "network").read_text()
        assert "\nPAUSE=3 " in script
        (root / "usr/lib/skerry/network").write_text(script.replace("\nPAUSE=3 ", "\nPAUSE=1 "))
        for name in (self.name, self.provider):
            ip("netns", "add", name)

    def plug(self, card, mac, cable):
        """Put a card in; its cable ends at the provider."""
        pair = [
            "link",
            "add",
            card,
            "address",
            mac,
            "type",
            "veth",
            "peer",
            "name",
            cable,
            "netns",
            self.provider,
        ]
        ip("-n", self.name, *pair)

    def provide(self, cable="uplink"):
        """The provider's side of the cable comes up."""
        for address in (f"{NEAR}/24", f"{ON_LINK}/32"):
            ip("-n", self.provider, "address", "add", address, "dev", cable)
        ip("-n", self.provider, "address", "add", f"{FAR}/32", "dev", "lo")
        for device in ("lo", cable):
            ip("-n", self.provider, "link", "set", device, "up")
        ip("-n", self.provider, "route", "add", "203.0.113.5/32", "dev", cable)

    def start(self, **ipv4):
        """What the initramfs does once udev has settled."""
        settings = for_initramfs(parse({"mac": MAC, "ipv4": ipv4, "dns": [NEAR]}))
        (self.root / "usr/lib/skerry/network.conf").write_text(settings)
        enter = 'mount -t sysfs sysfs "$0/sys" && exec chroot "$0" /bin/busybox env PATH=/bin sh /usr/lib/skerry/network'
        self.run(self.name, "sh", "-c", enter, self.root)

    def serve_leases(self, folder):
        settings = folder / "udhcpd.conf"
        settings.write_text(f"{LEASES}lease_file {folder}/leases\npidfile {folder}/pid\n")
        (folder / "leases").touch()
        self.run(self.provider, self.busybox, "udhcpd", "-f", settings)

    def run(self, name, *words):
        command = ["ip", "netns", "exec", name, *map(str, words)]
        self.running.append(subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL))

    def reaches(self, address=FAR, within=1.0):
        """Whether an answer comes back from behind the gateway in so many seconds."""
        until = time.monotonic() + within
        ping = ["ip", "netns", "exec", self.name, str(self.busybox), "ping", "-c1", "-W1", address]
        while subprocess.run(ping, capture_output=True, check=False).returncode != 0:
            if time.monotonic() > until:
                return False
            time.sleep(0.2)
        return True

    def end(self):
        for process in self.running:
            os.killpg(process.pid, 9)
            process.wait()
        for name in (self.name, self.provider):
            ip("netns", "delete", name)


@pytest.fixture(scope="module")
def busybox():
    return tools(Cache(cache_home(), Progress())).root / "usr/bin/busybox"


@pytest.fixture
def machine(tmp_path, busybox):
    made = Machine(tmp_path / "root", busybox)
    yield made
    made.end()


def test_an_address_and_a_gateway_in_its_network(machine):
    machine.plug("eth0", MAC, "uplink")
    machine.provide()
    machine.start(address="192.0.2.10/24", gateway=NEAR)
    assert machine.reaches(within=10)


def test_a_gateway_outside_the_address_s_network(machine):
    machine.plug("eth0", MAC, "uplink")
    machine.provide()
    machine.start(address="203.0.113.5/32", gateway=ON_LINK, on_link=True)
    assert machine.reaches(within=10)


def test_the_card_is_found_by_its_mac_among_others(machine):
    machine.plug("aaa0", OTHER, "elsewhere")
    machine.plug("zzz9", MAC, "uplink")
    machine.provide()
    machine.start(address="192.0.2.10/24", gateway=NEAR)
    assert machine.reaches(within=10)


def test_a_card_and_a_link_that_come_late(machine):
    machine.start(address="192.0.2.10/24", gateway=NEAR)
    time.sleep(1.5)
    machine.plug("eth0", MAC, "uplink")
    time.sleep(1.5)
    assert not machine.reaches()
    machine.provide()
    assert machine.reaches(within=10)


def test_what_somebody_took_away_comes_back(machine):
    machine.plug("eth0", MAC, "uplink")
    machine.provide()
    machine.start(address="203.0.113.5/32", gateway=ON_LINK, on_link=True)
    assert machine.reaches(within=10)
    ip("-n", machine.name, "address", "flush", "dev", "eth0")
    assert machine.reaches(within=10)


def test_dhcp_asks_until_somebody_answers(machine, tmp_path):
    machine.plug("eth0", MAC, "uplink")
    machine.start(method="dhcp")
    time.sleep(4)
    machine.provide()
    machine.serve_leases(tmp_path)
    assert machine.reaches(within=30)
