"""BIOS and UEFI, one disk and a mirror, each disk pulled: what each machine does then, in one table."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.install.installing import install
from tests.install.rescue_lab import Machine, machine
from tests.install.serving import PAGE, played, serve, visited
from tests.mirror.mirror_lab import SIZES, lab, see_half_a_mirror, see_the_same_boot, see_whole_again, status

HARDWARE = [("bios", "sata"), ("uefi", "nvme")]
SERVING = "serving"
Row = list[str]


@pytest.fixture(scope="module")
def table() -> Iterator[list[Row]]:
    """A row for each step that held, printed at the end whatever failed."""
    rows: list[Row] = []
    yield rows
    print("\n\nfirmware  bus   disks  pulled  seconds  what held")
    for firmware, bus, disks, pulled, seconds, what in rows:
        print(f"{firmware:<10}{bus:<6}{disks:<7}{pulled:<8}{seconds:>7}  {what}")


@pytest.mark.parametrize("disks", [1, 2])
@pytest.mark.parametrize(("firmware", "bus"), HARDWARE)
def test_each_disk_is_pulled(firmware: str, bus: str, disks: int, tmp_path: Path, table: list[Row]) -> None:
    hardware = ["--firmware", firmware, "--bus", bus, "--disks", str(disks)]

    @contextmanager
    def holds(pulled: str, what: str) -> Iterator[None]:
        begin = time.monotonic()
        yield
        row = [firmware, bus, str(disks), pulled, f"{time.monotonic() - begin:.0f}", what]
        table.append(row)
        print("\n" + " ".join(row), flush=True)

    with machine("proof-mirror", tmp_path, hardware) as found:
        with holds("none", "installed; unlocked from afar; a container's URL answers"):
            url = served(found)
        for slot in range(disks):
            lab(found, "restore", SERVING)
            if disks == 1:
                with holds("0", "is said to be unreachable; its disk back in: unlocked, and the URL answers"):
                    see_it_come_back(found, url)
                continue
            with holds(str(slot), "unlocked from afar without it; the URL answers; half a mirror is said"):
                see_it_serve_without(found, url, slot)
            with holds(str(slot), "a new disk: one playbook makes it whole; the second run changes nothing"):
                renew(found, slot, bus)
            with holds(
                str(1 - slot), "then the other disk: unlocked from the new one alone; the URL answers"
            ):
                lab(found, "power", "off")
                see_it_serve_without(found, url, 1 - slot)
            lab(found, "power", "cut")


def served(found: Machine) -> str:
    """Install it, make a page be served, and keep its disks; the page's URL."""
    done = install(found, "--extra-vars", json.dumps(SIZES))
    assert done.code == 0, done.output[-4000:]
    played(found, "playbooks/unlock.yml")
    url = serve(found)
    assert visited(found, url) == PAGE
    if len(found.lab.bare.disks) == 2:
        assert status(found)["mirror"] == "whole"
        see_the_same_boot(found)
    lab(found, "power", "off")
    lab(found, "save", SERVING)
    return url


def see_it_come_back(found: Machine, url: str) -> None:
    """The only disk is pulled, and put back."""
    lab(found, "disk", "pull", "0")
    lab(found, "power", "on")
    said = played(found, "playbooks/status.yml", "--extra-vars", "status_timeout=120")
    assert "unreachable" in said
    lab(found, "power", "cut")
    lab(found, "restore", SERVING)
    lab(found, "power", "on")
    played(found, "playbooks/unlock.yml")
    assert visited(found, url) == PAGE
    assert status(found)["mirror"] == "none"
    lab(found, "power", "cut")


def see_it_serve_without(found: Machine, url: str, slot: int) -> None:
    """A disk of a mirror is pulled while the machine is off."""
    lab(found, "disk", "pull", str(slot))
    lab(found, "power", "on")
    played(found, "playbooks/unlock.yml")
    assert visited(found, url) == PAGE
    see_half_a_mirror(found)


def renew(found: Machine, slot: int, bus: str) -> None:
    """A new disk: into the running machine, where its bus allows that."""
    if bus == "sata":
        lab(found, "power", "off")
    lab(found, "disk", "new", str(slot))
    if bus == "sata":
        lab(found, "power", "on")
        played(found, "playbooks/unlock.yml")
    see_whole_again(found)
