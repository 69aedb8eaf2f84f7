"""When a container or volume has a snapshot taken by itself: how often, and how long each of those is kept."""

from typing import Annotated

from pydantic import AfterValidator, Field

from skerry.model.duration import format_duration, parse_duration

KEPT = "1w"  # by default
MOST = 400  # automatic snapshots of one container or volume; others have room beside them
_LEAST = 15 * 60  # seconds between two


def check_every(value: str) -> str:
    """The shortest way to write how often; empty for never."""
    if not value:
        return ""
    seconds = parse_duration(value)
    if seconds < _LEAST:
        raise ValueError(
            f"{value!r} is too often; give at least {format_duration(_LEAST)}, or nothing for never"
        )
    return format_duration(seconds)


def check_kept(value: str) -> str:
    """The shortest way to write for how long."""
    return format_duration(parse_duration(value))


def check_schedule(every: str, keep: str) -> None:
    """Refuse what leaves times without a snapshot, or makes too many.

    Raises:
        ValueError: it does; the message says what would not.
    """
    if not every:
        return
    pause, kept = parse_duration(every), parse_duration(keep)
    if kept < pause:
        raise ValueError(
            f"snapshot_keep {keep} is shorter than snapshot_every {every}, so at times there would be none; "
            f"keep each for at least {every}"
        )
    if kept > pause * MOST:
        raise ValueError(
            f"snapshot_every {every} with snapshot_keep {keep} makes {kept // pause} snapshots, and {MOST} is the most; "
            "take them less often, or keep them for a shorter time"
        )


_EVERY = Field(
    description="How often a snapshot of it is taken by itself, such as 6h or 1d, at least 15m. Where no file has "
    "changed since the last one, none is taken. An empty text means: never."
)
_KEEP = Field(
    description="How long each of these is kept, such as 2d or 4w, until it expires. By default 1w. "
    "Those that are there keep their own time."
)
_Every = Annotated[str, AfterValidator(check_every)]
_Keep = Annotated[str, AfterValidator(check_kept)]
SnapshotEvery = Annotated[_Every, _EVERY]
SnapshotKeep = Annotated[_Keep, _KEEP]
OtherEvery = Annotated[_Every | None, _EVERY]
"""The same where None stands for what it is now."""
OtherKeep = Annotated[_Keep | None, _KEEP]
