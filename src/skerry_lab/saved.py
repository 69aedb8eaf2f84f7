"""A bare machine's disks as they were: saved and restored in a moment, so that a test need not install anew."""

import json
import re
import shutil
from pathlib import Path

from skerry_base.core.errors import SkerryError
from skerry_base.core.run import run_here
from skerry_lab.board import Board
from skerry_lab.state import Lab
from skerry_lab.tools import Tools

LABEL = re.compile(r"[a-z0-9-]{1,30}")
_BESIDE = ("uefi-variables.fd", "known_hosts")
"""What changes with the disks."""


def save(lab: Lab, kit: Tools, label: str) -> None:
    """Keep the disks, and what goes with them, under a label; what the label meant before is forgotten.

    Raises:
        SkerryError: the machine runs, or the label is none.
    """
    if not LABEL.fullmatch(label):
        raise SkerryError(f"label {label!r}: up to 30 of a-z, 0-9 and -; for instance `installed`")
    if lab.runs():
        raise SkerryError(f"lab {lab.name} runs: `lab power {lab.name} off` first, then its disks are whole")
    note, record = _note(lab, label), json.loads((lab.home / "lab.json").read_text(encoding="utf-8"))
    if note.exists():
        note.unlink()
        for disk in lab.bare.disks:
            if label in _labels(lab, kit, disk.file):
                _snapshot(kit, "-d", label, lab.home / disk.file)
    for disk in lab.bare.disks:
        _snapshot(kit, "-c", label, lab.home / disk.file)
    for name in _BESIDE:
        shutil.copyfile(lab.home / name, lab.home / f"{name}.{label}")
    note.write_text(json.dumps(record["board"]), encoding="utf-8")


def restore(lab: Lab, kit: Tools, label: str) -> Board:
    """Put the disks back to what they were under a label; returns the hardware of then.

    Raises:
        SkerryError: the machine runs, or nothing was saved under this label.
    """
    note = _note(lab, label)
    if not note.exists():
        there = ", ".join(sorted(path.suffix[1:] for path in lab.home.glob("saved.*"))) or "nothing at all"
        raise SkerryError(f"lab {lab.name} has nothing saved as {label!r} (there is: {there})")
    if lab.runs():
        raise SkerryError(f"lab {lab.name} runs: `lab power {lab.name} cut` first")
    board = Board.of(json.loads(note.read_text(encoding="utf-8")))
    for disk in board.disks:
        _snapshot(kit, "-a", label, lab.home / disk.file)
    for name in _BESIDE:
        shutil.copyfile(lab.home / f"{name}.{label}", lab.home / name)
    return board


def _note(lab: Lab, label: str) -> Path:
    return lab.home / f"saved.{label}"


def _labels(lab: Lab, kit: Tools, file: str) -> list[str]:
    argv = [*kit.program("usr/bin/qemu-img"), "info", "--output=json", str(lab.home / file)]
    return [str(entry["name"]) for entry in json.loads(run_here(argv)).get("snapshots", [])]


def _snapshot(kit: Tools, operation: str, label: str, disk: Path) -> None:
    run_here([*kit.program("usr/bin/qemu-img"), "snapshot", operation, label, str(disk)], timeout=300)
