"""How a running machine stands: its kernel and the others, whether its root is encrypted, its mirror whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..storage.layers import root_layers
from ..storage.mirror import arrays
from .kernels.trial import told


def status(root: Path = Path("/"), sys: Path = Path("/sys")) -> dict[str, Any]:
    """What ``skerry-boot status --json`` says: kernel, encrypted, the mirror in a word, its arrays, and the kernels.

    The mirror is none, whole, half or rebuilding; ``rebuilt`` is the percentage of it that is on both disks.
    """
    found = arrays.look(sys)
    return {
        "kernel": os.uname().release,
        "encrypted": any(layer.is_luks for layer in root_layers(root)),
        "mirror": arrays.state(found),
        "rebuilt": arrays.percent(found),
        "kernels": told(),
        "arrays": [
            {
                "device": array.device,
                "disks": array.disks,
                "missing": array.missing,
                "members": list(array.members),
            }
            for array in found
        ],
    }
