"""UEFI with an NVMe disk: every Molecule scenario on the hardened kernel."""

from pathlib import Path

from skerry_lab.board import Bus, Firmware
from tests.proofs.scenarios import see_every_scenario


def test_every_scenario_passes(tmp_path: Path) -> None:
    see_every_scenario(Firmware.UEFI, Bus.NVME, tmp_path)
