"""What a bare machine is made of, and what starts it."""

from dataclasses import replace
from pathlib import Path

import pytest

from skerry_base.core.errors import SkerryError
from skerry_lab import saved
from skerry_lab.bare import machine, rescue
from skerry_lab.board import Board, Bus, Disk, Firmware
from skerry_lab.disk import RescueImage
from skerry_lab.initrd import own_files
from skerry_lab.lab import Wanted
from skerry_lab.power import Plan
from skerry_lab.qemu import Hardware
from skerry_lab.recipe import Flavour, Kind
from skerry_lab.state import Lab, LabStore
from skerry_lab.tools import Tools
from tests.unit.lab.labs import make_lab, run

BOARD = Board(Firmware.UEFI, Bus.NVME, disks=(Disk("SK0"),))


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    plain = make_lab(LabStore(tmp_path), kind=Kind.METAL)
    return replace(plain, flavour=Flavour.RESCUE, board=BOARD, ports={**plain.ports, "unlock": 20003})


def command(lab: Lab) -> list[str]:
    return machine(lab, Tools(Path("/tools")), Hardware("tcg", 2048))


def test_it_is_read_back_as_it_was_written(tmp_path: Path, lab: Lab) -> None:
    store = LabStore(tmp_path)
    store.save(lab)
    assert store.get("try") == lab


def test_a_lab_without_disks_of_its_own_says_what_has_them(tmp_path: Path) -> None:
    with pytest.raises(SkerryError, match="--kind metal --image rescue"):
        _ = make_lab(LabStore(tmp_path)).bare


def test_the_fast_lab_has_no_rescue_system() -> None:
    with pytest.raises(SkerryError, match="neither disks nor firmware"):
        Wanted("try", Kind.FAST, Flavour.RESCUE)


def test_the_port_for_unlocking_leads_into_the_machine(lab: Lab) -> None:
    network = command(lab)[command(lab).index("-netdev") + 1]
    assert "hostfwd=tcp:127.0.0.1:20003-10.0.2.100:2222" in network


def test_from_its_disks_it_starts_by_firmware_alone(lab: Lab) -> None:
    words = command(lab)
    assert not {"-kernel", "-initrd", "-no-reboot"} & set(words)
    assert any("OVMF_CODE_4M.fd" in word for word in words)
    assert not any(
        "OVMF" in word for word in command(replace(lab, board=replace(BOARD, firmware=Firmware.BIOS)))
    )


def test_the_rescue_systems_medium_is_never_written() -> None:
    words = rescue(RescueImage(Path("/cache/disk"), Path("/cache/vmlinuz"), Path("/cache/initrd")))
    assert any("file=/cache/disk" in word and "readonly=on" in word for word in words)
    assert "-no-reboot" in words


def test_a_plan_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    plan = Plan(["qemu", "-kernel", "k"], ["qemu"])
    plan.save(tmp_path)
    assert Plan.load(tmp_path) == plan


def test_a_machines_own_files_bring_their_folders_along() -> None:
    archive = own_files([("root/.ssh/authorized_keys", 0o600, b"key"), ("etc/hostname", 0o644, b"try")])
    for mode, name in ((0o040700, "own/root"), (0o040700, "own/root/.ssh"), (0o040755, "own/etc")):
        header = archive[: archive.index(name.encode() + b"\0")].rfind(b"070701")
        assert archive[header + 14 : header + 22] == b"%08X" % mode
    assert archive.index(b"own/root/.ssh\0") < archive.index(b"own/root/.ssh/authorized_keys\0")


def test_what_is_saved_has_a_plain_name_and_a_machine_that_is_off(lab: Lab) -> None:
    with pytest.raises(SkerryError, match="for instance `installed`"):
        saved.save(lab, Tools(Path("/tools")), "../other")
    with pytest.raises(SkerryError, match="`lab power try off` first"):
        saved.save(run(lab), Tools(Path("/tools")), "installed")
    with pytest.raises(SkerryError, match=r"nothing saved as 'installed' \(there is: nothing at all\)"):
        saved.restore(lab, Tools(Path("/tools")), "installed")
