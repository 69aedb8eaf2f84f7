"""Tarballs to order: good roots and hostile ones."""

import io
import tarfile
from collections.abc import Iterable

Member = tarfile.TarInfo


def member(
    name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"", **fields: object
) -> tuple[Member, bytes]:
    """A member, with any field of it set."""
    made = tarfile.TarInfo(name)
    made.type, made.size = kind, len(data)
    made.mode = 0o755
    for field, value in fields.items():
        setattr(made, field, value)
    return made, data


def folder(name: str, **fields: object) -> tuple[Member, bytes]:
    return member(name, tarfile.DIRTYPE, **fields)


def packed(*members: tuple[Member, bytes], kind: int = tarfile.PAX_FORMAT) -> bytes:
    """The tarball of these members, in this order."""
    with tarfile.open(fileobj=(file := io.BytesIO()), mode="w", format=kind) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


ROOT = (
    folder("./"),
    folder("./etc"),
    folder("./usr"),
    folder("./usr/bin"),
    member("./usr/bin/true", data=b"ELF"),
)


def with_root(*members: tuple[Member, bytes]) -> bytes:
    """A root file system, and these on top."""
    return packed(*ROOT, *members)


def names(members: Iterable[tuple[Member, bytes]]) -> list[str]:
    return [info.name for info, _data in members]
