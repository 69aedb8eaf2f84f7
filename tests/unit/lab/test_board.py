"""A bare machine's hardware, as QEMU and Ansible are told of it."""

from dataclasses import asdict
from itertools import pairwise

import pytest

from skerry_base.core.errors import SkerryError
from skerry_lab.board import Board, Bus, Disk, Firmware, blank_disk, mac_address

PAIR = Board(Firmware.UEFI, Bus.NVME, (Disk("SK0"), Disk("SK1")))


def devices(board: Board) -> list[str]:
    words = board.arguments()
    return [value for option, value in pairwise(words) if option == "-device"]


def order(board: Board) -> list[str]:
    return [word.partition("bootindex=")[2] for word in devices(board) if "bootindex" in word]


def test_a_board_is_read_back_as_it_was_written() -> None:
    pulled = PAIR.with_disk(1, Disk("SK1", plugged=False))
    assert Board.of(asdict(pulled)) == pulled


@pytest.mark.parametrize(
    ("bus", "name"),
    [
        (Bus.NVME, "/dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_SK0"),
        (Bus.SATA, "/dev/disk/by-id/ata-QEMU_HARDDISK_SK0"),
        (Bus.VIRTIO, "/dev/disk/by-id/virtio-SK0"),
    ],
)
def test_the_name_that_outlives_a_reboot_is_the_buses(bus: Bus, name: str) -> None:
    board = Board(bus=bus, disks=(Disk("SK0"),))
    assert board.by_id(board.disks[0]) == name
    assert all("serial=SK0" in device for device in devices(board) if "drive=" in device)


def test_a_pulled_disk_is_not_there_and_the_other_keeps_its_place() -> None:
    both, one = devices(PAIR), devices(PAIR.with_disk(0, Disk("SK0", plugged=False)))
    assert len(both) == 2
    assert one == both[1:]


def test_only_a_bios_is_told_the_order() -> None:
    """UEFI boots what its own variables say, as on a real board."""
    assert not any("bootindex" in word for word in PAIR.arguments())
    bios = Board(Firmware.BIOS, Bus.SATA, disks=PAIR.disks)
    assert order(bios) == ["1", "2"]


def test_a_bios_has_a_disk_that_came_later_after_those_that_it_knew() -> None:
    bios = Board(Firmware.BIOS, Bus.SATA, disks=PAIR.disks).with_disk(0, blank_disk(0, late=True))
    assert order(bios) == ["3", "2"]
    assert order(bios.with_disk(1, blank_disk(1, late=True))) == ["3", "4"]


def test_a_slot_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(SkerryError, match=r"no slot 2; this machine has the slots 0 to 1"):
        PAIR.disk(2)


def test_machines_of_the_same_kind_differ_in_serial_numbers_only() -> None:
    assert PAIR.same_kind(Board().with_blank_disks(2))
    assert not PAIR.same_kind(Board().with_blank_disks(1))
    assert not PAIR.same_kind(Board(Firmware.BIOS).with_blank_disks(2))


def test_no_two_disks_have_the_same_serial_number() -> None:
    """It is how the installer knows them. NVMe and virtio take 20 characters."""
    serials = {blank_disk(0).serial for _ in range(100)}
    assert len(serials) == 100
    assert max(map(len, serials)) <= 20


def test_a_card_has_an_address_of_its_own_that_is_no_makers() -> None:
    assert mac_address("try") == mac_address("try") != mac_address("lab")
    assert int(mac_address("try").split(":")[0], 16) & 0b11 == 0b10
