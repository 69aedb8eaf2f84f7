"""How a running machine stands: its kernel, whether its root is encrypted, whether its mirror is whole."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .layers import Layer, root_layers


@dataclass(frozen=True)
class Mirror:
    """The md array below the root.

    Attributes:
        device: its kernel name.
        disks: how many it should have.
        missing: how many of them it lacks; one that is being rebuilt still counts as missing.
        rebuilt: percent of the rebuilding that runs; None where none runs.
    """

    device: str
    disks: int
    missing: int
    rebuilt: float | None

    @property
    def state(self) -> str:
        """In a word: whole, half or rebuilding."""
        if self.rebuilt is not None:
            return "rebuilding"
        return "half" if self.missing else "whole"

    def as_dict(self) -> dict[str, Any]:
        """Its fields and its state."""
        return {"device": self.device, "disks": self.disks, "missing": self.missing, "rebuilt": self.rebuilt}


def status(root: Path = Path("/"), sys: Path = Path("/sys")) -> dict[str, Any]:
    """What ``skerry-boot status --json`` says: kernel, encrypted, mirror (or none) and its array."""
    layers = root_layers(root)
    mirror = next((_mirror(layer, sys) for layer in layers if layer.is_mirror), None)
    return {
        "kernel": os.uname().release,
        "encrypted": any(layer.is_luks for layer in layers),
        "mirror": mirror.state if mirror else "none",
        "array": mirror.as_dict() if mirror else None,
    }


def _mirror(layer: Layer, sys: Path) -> Mirror:
    folder = sys / "class/block" / layer.name / "md"
    return Mirror(
        device=layer.name,
        disks=int(_word(folder / "raid_disks")),
        missing=int(_word(folder / "degraded")),
        rebuilt=_percent(_word(folder / "sync_completed"))
        if _word(folder / "sync_action") == "recover"
        else None,
    )


def _word(path: Path) -> str:
    return path.read_text().strip()


def _percent(progress: str) -> float:
    """Of "done / all" in sectors; 0 where it has just begun and says something else ("none", "delayed")."""
    done, _, total = progress.partition(" / ")
    return round(100 * int(done) / int(total), 1) if total else 0.0
