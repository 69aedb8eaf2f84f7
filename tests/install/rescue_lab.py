"""A machine with two blank disks in its rescue system, for tests that may do anything to them."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from skerry_lab import mitogen
from skerry_lab.lab import Labs
from skerry_lab.state import Lab, LabStore
from skerry_lab.tools import tools

ROOT = Path(__file__).parents[2]
BLOCK = 64 * 1024


@dataclass(frozen=True)
class Machine:
    """The machine, and what tests want of it."""

    lab: Lab
    folder: Path

    def run(self, script: str) -> str:
        """A shell script, as root; what it printed."""
        return self.lab.login.run(["sh", "-eu"], stdin=script, timeout=300)

    def disk(self, slot: int) -> dict[str, str]:
        """A disk as the inventory names it."""
        drive = self.lab.bare.disks[slot]
        return {"id": self.lab.bare.by_id(drive), "serial": drive.serial}

    def ask(self, *cases: dict[str, Any], python: str = "") -> dict[str, dict[str, Any]]:
        """Run skerry_disks for each case, with a Python of the machine's; the answers by the cases' names."""
        answers = self.folder / "answers.json"
        given = {"cases": cases, "answers_file": str(answers), "own_python": python}
        subprocess.run(
            ["ansible-playbook", "tests/install/disks.yml", "--extra-vars", json.dumps(given)],
            cwd=ROOT, check=True, timeout=900,
            # Mitogen keeps to one Python.
            env={**os.environ, "SKERRY_LAB": self.lab.name, **({} if python else mitogen.environment())},
        )  # fmt: skip
        return {answer["item"]["name"]: answer for answer in json.loads(answers.read_text())}

    def digest(self, slot: int) -> str:
        """Of all that is on a disk, read behind the machine's back."""
        drive = self.lab.bare.disks[slot]
        # Everything the machine and QEMU still hold for the image is written by a flush. Who opens a disk for writing
        # makes udev look at it anew, and start its arrays.
        self.run(f"python3 -c 'import os; os.fsync(os.open(\"{self.disk(slot)['id']}\", os.O_RDONLY))'")
        with raw_image(self.lab.home / drive.file, self.folder) as image:
            return _digest(image)


@contextmanager
def raw_image(image: Path, folder: Path) -> Iterator[Path]:
    """A machine's disk as the machine sees it, sparse, for a while in a folder."""
    place = folder / f"{image.stem}.raw"
    convert = ["convert", "--force-share", "-f", "qcow2", "-O", "raw", str(image), str(place)]
    try:
        program = tools(Labs.of_this_user().cache).program("usr/bin/qemu-img")
        subprocess.run([*program, *convert], check=True)
        yield place
    finally:
        place.unlink(missing_ok=True)


def _digest(raw: Path) -> str:
    """Of the parts of a sparse file that hold something, each with its place."""
    found = hashlib.sha256()
    with raw.open("rb") as file:
        end, place = file.seek(0, os.SEEK_END), 0
        while place < end:
            try:
                place = os.lseek(file.fileno(), place, os.SEEK_DATA) // BLOCK * BLOCK
            except OSError:  # nothing but a hole is left
                break
            file.seek(place)
            data = file.read(BLOCK)
            if data.strip(b"\0"):
                found.update(place.to_bytes(8) + data)
            place += BLOCK
    return found.hexdigest()


def command(*words: str) -> list[str]:
    """A command of the lab."""
    return [sys.executable, "-m", "skerry_lab", *words]


@contextmanager
def machine(name: str, folder: Path, hardware: Sequence[str]) -> Iterator[Machine]:
    """A machine of that name, in a folder of its own, with the user's images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        options = ["--kind", "metal", "--image", "rescue", "--owner", "test of the installation", *hardware]
        subprocess.run(command("up", name, *options), check=True)
        try:
            yield Machine(LabStore(folder / "skerry").get(name), folder)
        finally:
            subprocess.run(command("down", name), check=True)
