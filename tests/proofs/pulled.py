"""What the proofs of pulled disks share: what a machine does without each of its disks, and with a new one."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skerry_lab.board import Bus, Firmware
from tests.install.installing import install
from tests.install.rescue_lab import Machine, machine
from tests.install.serving import PAGE, played, serve, visited
from tests.mirror.mirror_lab import SIZES, lab, see_half_a_mirror, see_the_same_boot, see_whole_again, status

SERVING = "serving"


@contextmanager
def holds(pulled: str, what: str) -> Iterator[None]:
    """A line for a step that held, with its seconds."""
    begin = time.monotonic()
    yield
    print(f"\npulled: {pulled:<6}{time.monotonic() - begin:>5.0f} s  {what}", flush=True)


def see_each_disk_pulled(firmware: Firmware, bus: Bus, disks: int, folder: Path) -> None:
    """Install a machine, and pull its disks one after the other: each time as it was when it had been installed.

    Args:
        firmware: the machine's.
        bus: of its disks.
        disks: 1, or 2: a mirror.
        folder: for what is the machine's.
    """
    hardware = ["--firmware", firmware, "--bus", bus, "--disks", str(disks)]
    with machine(f"pulled-{firmware}", folder, hardware) as found:
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


def renew(found: Machine, slot: int, bus: Bus) -> None:
    """A new disk: into the running machine, where its bus allows that."""
    cold = bus is Bus.SATA
    if cold:
        lab(found, "power", "off")
    lab(found, "disk", "new", str(slot))
    if cold:
        lab(found, "power", "on")
        played(found, "playbooks/unlock.yml")
    see_whole_again(found)
