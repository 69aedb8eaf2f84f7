"""Programs that this computer should have, and the Debian packages that bring them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tool:
    """A program or file, and the Debian package that brings it."""

    what: str
    package: str

    def present(self) -> bool:
        """Whether it is there."""
        if self.what.startswith("/"):
            return Path(self.what).exists()
        return shutil.which(self.what, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def apt_line(packages: list[str]) -> str:
    """What a user types to install them."""
    return f"sudo apt-get install --no-install-recommends --yes {' '.join(packages)}"
