"""The files that a lost store is rebuilt from: one for each container, volume and the like, in the pool, beside theirs.

They are not synced: when the engine starts, it writes what a power cut has taken.
"""

from collections.abc import Iterator
from pathlib import Path

from skerry.host import files
from skerry.model.host import HostConfig
from skerry.model.kept_spec import KeptSpec
from skerry.parts import data, sealed, storage

_SUFFIX = ".json"
_LARGEST = 16 * 1024**2  # bytes of one; a container with 400 snapshots has 200,000


def top(host: HostConfig) -> Path:
    """The folder of all of them."""
    return Path(host.pool, "specs")


def path(host: HostConfig, kind: str, one: str) -> Path:
    """Where the file of one of a kind lies."""
    return top(host) / kind / f"{one}{_SUFFIX}"


def write(host: HostConfig, spec: KeptSpec) -> None:
    """Write one, root's alone; nothing happens where it is there like this, or the pool is not there."""
    if not Path(host.pool).is_dir():
        return
    place, text = path(host, spec.kind, spec.id), spec.as_text().encode()
    if files.read_if_there(str(place)) == text:
        return
    for folder in (place.parent.parent, place.parent):
        files.make_folder(str(folder), 0o700)
    new = place.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_bytes(text)
    new.replace(place)


def remove(host: HostConfig, kind: str, one: str) -> None:
    """Delete one, where it is there."""
    path(host, kind, one).unlink(missing_ok=True)


def every(host: HostConfig) -> Iterator[tuple[str, str]]:
    """Kind and id of each that is there."""
    for found in sorted(top(host).glob(f"*/*{_SUFFIX}")):
        yield found.parent.name, found.stem


def text(host: HostConfig, kind: str, one: str) -> str:
    """What one says.

    Raises:
        ValueError: it is no text, or too long.
        OSError: it cannot be read.
    """
    with path(host, kind, one).open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"it has more than {_LARGEST} bytes")
    return content.decode()


def lost(host: HostConfig, spec: KeptSpec) -> str:
    """In words, what of its files this host has not; empty where it has all, or has none of that kind."""
    match spec.kind:
        case "container" if not storage.is_there(host, spec.id):
            return "its files"
        case "volume" if not any(
            data.is_there(host, f"{spec.id}-{row.get('generation')}") for row in spec.rows["volume"]
        ):
            return "its files"
        case "secret" if not Path(sealed.path(host, spec.id)).exists():
            return "its value"
        case "image" if not all(
            storage.image_is_there(host, str(row.get("layer"))) for row in spec.rows.get("image_layer", ())
        ):
            return "its file"
        case _:
            return ""
