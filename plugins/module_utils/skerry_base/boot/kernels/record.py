"""What is written down of this machine's kernels: which ones have proven themselves, and how trials went."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ...core.errors import SkerryError
from ...core.files import write_whole

FILE = Path("/var/lib/skerry-boot/kernels.json")
_KEPT_OUTCOMES = 20


@dataclass(frozen=True)
class Proven:
    """A kernel that has proven itself.

    Attributes:
        version: of the kernel.
        digest: of its image, so that another one of the same name is told apart.
        at: when, in UTC, ISO 8601.
        how: "trial", or "running" for the one that ran when this record was begun.
    """

    version: str
    digest: str
    at: str
    how: str


@dataclass(frozen=True)
class Trial:
    """A trial that has begun.

    Attributes:
        version: the kernel on trial.
        old: the kernel that is the default meanwhile.
        began: when, in UTC, ISO 8601.
        boot: the kernel's id of the boot that it began in, before it.
        prove: seconds within which it must have proven itself, once unlocked.
        failed_units: units that had failed before, which are not this kernel's fault.
        ended: why it was given up, where the system itself found out; empty while it runs.
    """

    version: str
    old: str
    began: str
    boot: str
    prove: int
    failed_units: tuple[str, ...] = ()
    ended: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: ``proven``, and where it is not, the reason."""

    version: str
    at: str
    proven: bool
    reason: str = ""


@dataclass(frozen=True)
class Record:
    """All of it. ``default`` is what GRUB starts unless told otherwise; empty before the first boot."""

    default: str = ""
    proven: tuple[Proven, ...] = ()
    trial: Trial | None = None
    outcomes: tuple[Outcome, ...] = field(default=())

    def is_proven(self, version: str) -> bool:
        """Whether a kernel of this name has proven itself."""
        return any(one.version == version for one in self.proven)

    def ended(self, outcome: Outcome) -> Record:
        """The same without a trial, and with how that went."""
        return replace(self, trial=None, outcomes=(*self.outcomes, outcome)[-_KEPT_OUTCOMES:])


def load(path: Path = FILE) -> Record:
    """What was written down; an empty record where nothing was.

    Raises:
        SkerryError: the file is damaged.
    """
    try:
        return parse(json.loads(path.read_text()))
    except FileNotFoundError:
        return Record()
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SkerryError(
            f"{path} is damaged ({error})",
            "Move it away: the running kernel then counts as proven, all others have to prove themselves.",
        ) from error


def parse(found: Mapping[str, Any]) -> Record:
    """A record from what its file holds."""
    trial = found["trial"]
    if trial and not isinstance(trial["prove"], int):
        raise TypeError(f"prove is {trial['prove']!r}, not a number of seconds")
    return Record(
        default=found["default"],
        proven=tuple(Proven(**one) for one in found["proven"]),
        trial=Trial(**{**trial, "failed_units": tuple(trial["failed_units"])}) if trial else None,
        outcomes=tuple(Outcome(**one) for one in found["outcomes"]),
    )


def save(record: Record, path: Path = FILE) -> None:
    """Write it, whole or not at all; it is on the disk when this returns."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    write_whole(path, json.dumps(asdict(record), indent=1))
