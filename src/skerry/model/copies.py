"""What is copied: a container or a volume as it is now, or as one of its snapshots has it."""

import re
from typing import Annotated

from pydantic import AfterValidator

from skerry.model.base import LABEL
from skerry.model.snapshot import SNAPSHOT_LABEL, SnapshotKey, SourceKey

_LONGEST_NAME, _LONGEST_SNAPSHOT = 32, 48


def check_copied(value: str) -> str:
    """Refuse what is neither NAME nor NAME@SNAPSHOT."""
    name, at, snapshot = value.partition("@")
    of_name = re.fullmatch(LABEL, name) and len(name) <= _LONGEST_NAME
    of_snapshot = re.fullmatch(SNAPSHOT_LABEL, snapshot) and len(snapshot) <= _LONGEST_SNAPSHOT
    if not of_name or (at and not of_snapshot):
        raise ValueError(
            f"{value!r} is not allowed; give a NAME of the same project, or NAME@SNAPSHOT for the files of a snapshot. "
            "An archive brings it into another project"
        )
    return value


Copied = Annotated[str, AfterValidator(check_copied)]


def key_of(text: str, kind: str, realm: str, project: str) -> SourceKey | SnapshotKey:
    """What a copy in a project is to be made of: something of that kind, or a snapshot of it."""
    name, at, snapshot = text.partition("@")
    place = {"realm": realm, "project": project, "source": f"volume/{name}" if kind == "volume" else name}
    return SnapshotKey(**place, name=snapshot) if at else SourceKey(**place)
