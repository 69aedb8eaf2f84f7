"""What the proofs of scenarios share: each of Molecule's on the hardened kernel, on an encrypted machine just installed."""

import os
import subprocess
import sys
import time
from pathlib import Path

from skerry_lab import mitogen
from skerry_lab.board import Bus, Firmware
from tests.install.installing import install
from tests.install.rescue_lab import ROOT, Machine, machine
from tests.install.serving import played
from tests.mirror.mirror_lab import lab
from tools.run_tests import count

INSTALLED = "installed"
# The scenario `install` begins with blank disks.
SCENARIOS = sorted({path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml")} - {"install"})


def see_every_scenario(firmware: Firmware, bus: Bus, folder: Path) -> None:
    """Install a machine with the hardened kernel, and run each scenario on it, as it was when it had been installed.

    Args:
        firmware: the machine's.
        bus: of its disk.
        folder: for what is the machine's.
    """
    kernel = subprocess.run(
        [sys.executable, "-m", "skerry_kernel", "build", "lab"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
    hardware = ["--firmware", firmware, "--bus", bus, "--kernel", kernel]
    with machine(f"scenarios-{firmware}", folder, hardware) as found:
        done = install(found)
        assert done.code == 0, done.output[-4000:]
        lab(found, "power", "cut")
        lab(found, "save", INSTALLED)
        failed = [scenario for scenario in SCENARIOS if not _passes(found, scenario, firmware)]
        assert failed == []


def _passes(found: Machine, scenario: str, firmware: Firmware) -> bool:
    begin = time.monotonic()
    lab(found, "restore", INSTALLED)
    lab(found, "power", "on")
    played(found, "playbooks/unlock.yml")
    release = found.run("uname -r").strip()
    assert "-skerry-lab-" in release
    done = subprocess.run(
        ["molecule", "test", "--scenario-name", scenario],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env={
            **os.environ, **mitogen.environment(), "SKERRY_LAB": found.lab.name, "NO_COLOR": "1", "COLUMNS": "160",
            "MOLECULE_EPHEMERAL_DIRECTORY": str(found.folder / "molecule"),
        },
    )  # fmt: skip
    told = ", ".join(f"{number} {kind}" for kind, number in sorted(count(done.stdout).items()))
    print(
        f"\nscenario: {firmware} {release} {time.monotonic() - begin:>5.0f} s  {scenario}: {told or 'no tests counted'}",
        flush=True,
    )
    if done.returncode:
        print(done.stdout[-6000:], flush=True)
    lab(found, "power", "cut")
    return done.returncode == 0 and bool(told)
