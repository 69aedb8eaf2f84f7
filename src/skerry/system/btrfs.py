"""btrfs: one subvolume a container, limited by its quota group. All by ``btrfs(8)``."""

import re
from pathlib import Path

from skerry.model.errors import Code, SkerryError
from skerry.system.run import ProgramError, run


def create(path: str, limit: int) -> None:
    """Make the subvolume ``path`` where it is not there, and let it grow to ``limit`` bytes at most."""
    if not Path(path).exists():
        run(["btrfs", "--quiet", "subvolume", "create", path])
    run(["btrfs", "qgroup", "limit", str(limit), path])


def limit_of(path: str) -> int | None:
    """The limit in bytes of the subvolume at ``path``, None where it has none."""
    table = run(["btrfs", "qgroup", "show", "--raw", "-r", "-f", path])
    found = re.search(r"^0/\d+\s+\d+\s+\d+\s+(\d+)", table, re.MULTILINE)
    return int(found[1]) if found else None


def delete(path: str) -> None:
    """Delete the subvolume ``path`` where it is there. Its space comes back behind the answer."""
    if not Path(path).exists():
        return
    try:
        run(["btrfs", "--quiet", "subvolume", "delete", path])
    except ProgramError as error:
        if Path(path).exists():
            raise SkerryError(Code.FAILED, f"cannot delete {path}: {error.stderr.strip()}") from error
