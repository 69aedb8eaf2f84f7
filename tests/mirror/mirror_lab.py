"""A machine with a mirror, what may happen to its disks, and how it stands then."""

import json
import subprocess
from typing import Any

from tests.install.rescue_lab import Machine, command
from tests.install.serving import played

REPLACE = "playbooks/disk/replace.yml"
SIZES = {"luks_root_crash_size": "10G", "luks_root_swap_size": "256M", "luks_root_tmp_size": "256M"}
"""What they leave for the arrays is rebuilt within a minute."""


def lab(machine: Machine, *words: str) -> None:
    """Turn a switch of it: ``lab(machine, "disk", "pull", "0")``."""
    subprocess.run(command(words[0], machine.lab.name, *words[1:]), check=True)


def pull_while_it_runs(machine: Machine, slot: int) -> None:
    """Take a disk out from under it, and write."""
    gone = machine.disk(slot)["id"]
    lab(machine, "disk", "pull", str(slot))
    machine.run(f"while [ -e {gone} ]; do sleep 1; done; echo more >/root/more; sync")


def start_anew(machine: Machine) -> None:
    """Cut the power of a running machine, start it and unlock it."""
    machine.run("sync")
    lab(machine, "power", "disks")
    played(machine, "playbooks/unlock.yml")


def status(machine: Machine) -> dict[str, Any]:
    """What it says of its disks."""
    told: dict[str, Any] = json.loads(machine.run("skerry-boot status --json"))
    return told


def see_the_same_boot(machine: Machine) -> None:
    """Each disk starts the machine alone: the same kernels, a menu of its own, GRUB for both firmwares."""
    machine.run(
        "for place in /boot /boot.1; do mountpoint -q $place/efi; test -s $place/efi/EFI/BOOT/BOOTX64.EFI\n"
        "  test -s $place/grub/i386-pc/core.img; done\n"
        "for file in /boot/vmlinuz-* /boot/initrd.img-*; do cmp $file /boot.1/${file#/boot/}; done"
    )
    first, second = (machine.run(f"findmnt -no UUID {place}").strip() for place in ("/boot", "/boot.1"))
    menu = machine.run("cat /boot.1/grub/grub.cfg")
    assert second in menu
    assert first not in menu
    for place in ("/boot", "/boot.1"):
        lies_on = machine.run(f"lsblk -rnso TYPE $(findmnt -no SOURCE -T {place}/grub/grubenv)").split()
        assert lies_on == ["part", "disk"], "GRUB can't write to an array"


def see_half_a_mirror(machine: Machine) -> None:
    """All is there that should be, without a hand; and it is said that a disk is missing."""
    assert status(machine)["mirror"] == "half"
    for place in ("/tmp", "/boot", "/boot/efi"):
        assert machine.run(f"findmnt -no SOURCE --mountpoint {place}").strip()
    assert machine.run("swapon --noheadings").strip()
    assert machine.run("systemctl --failed --no-legend --plain").strip() == ""
    assert "half a mirror" in played(machine, "playbooks/status.yml")
    told = played(machine, "playbooks/host.yml", "--tags", "always")
    assert "runs on half a mirror" in " ".join(told.split())


def see_whole_again(machine: Machine) -> None:
    """The new disk is taken into the mirror by one playbook, whose second run changes nothing."""
    played(machine, REPLACE)
    assert status(machine)["mirror"] == "whole"
    see_the_same_boot(machine)
    assert "changed=0" in played(machine, REPLACE)
