"""UEFI with NVMe disks: one and a mirror, each disk pulled."""

from pathlib import Path

import pytest

from skerry_lab.board import Bus, Firmware
from tests.proofs.pulled import see_each_disk_pulled


@pytest.mark.parametrize("disks", [1, 2])
def test_each_disk_is_pulled(disks: int, tmp_path: Path) -> None:
    see_each_disk_pulled(Firmware.UEFI, Bus.NVME, disks, tmp_path)
