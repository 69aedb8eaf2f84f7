"""What the fields of a tarball's member mean, where Python's tarfile leaves something of it out."""

import base64
import binascii
import re
import tarfile
import urllib.parse

_DECIMAL = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]*))?")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_NUMBERS = {"uid": _WHOLE, "gid": _WHOLE, "size": _WHOLE} | dict.fromkeys(
    ("mtime", "atime", "ctime"), _DECIMAL
)
_SCHILY, _LIBARCHIVE = "SCHILY.xattr.", "LIBARCHIVE.xattr."
# What Linux keeps of a file. Others, such as those of a Mac, go the way they go when a tar unpacks them here.
_NAMESPACES = ("user.", "security.", "trusted.", "system.posix_acl_access", "system.posix_acl_default")


def is_folder(member: tarfile.TarInfo) -> bool:
    """Whether it is one; tars before 1988 marked a folder by the slash at its end alone."""
    # The pax header as it was written: tarfile takes that slash off.
    return member.isdir() or (member.isreg() and member.pax_headers.get("path", member.name).endswith("/"))


def wrong_number(member: tarfile.TarInfo) -> str:
    """The pax field of a member that is no number, though it has to be one; tarfile takes it for 0."""
    said = member.pax_headers
    return next(
        (name for name, right in _NUMBERS.items() if name in said and not right.fullmatch(said[name])), ""
    )


def changed(member: tarfile.TarInfo) -> int:
    """When it was last changed: nanoseconds since 1970."""
    found = _DECIMAL.fullmatch(member.pax_headers.get("mtime", ""))
    if found is None:
        return int(member.mtime) * 10**9
    nanoseconds = int(found[2]) * 10**9 + int((found[3] or "")[:9].ljust(9, "0"))
    return -nanoseconds if found[1] else nanoseconds


def date(member: tarfile.TarInfo) -> tuple[int, int]:
    """The same as an image has it: seconds since 1970, and nanoseconds.

    Before 1970 whole seconds only: mkfs.erofs up to 1.9.1 and later ones read a fraction there in two ways.
    """
    seconds, nanoseconds = divmod(changed(member), 10**9)
    return seconds, nanoseconds if seconds >= 0 else 0


def attributes(member: tarfile.TarInfo) -> dict[str, str]:
    """Its extended attributes by name, bytes as surrogate escapes; what Linux does not know is left out.

    Raises:
        ValueError: one that cannot be read.
    """
    found = {}
    for key, value in member.pax_headers.items():
        if name := attribute(key):
            packed = key.startswith(_LIBARCHIVE)
            found[name] = _unpacked(value).decode(errors="surrogateescape") if packed else value
    return {name: value for name, value in found.items() if name.startswith(_NAMESPACES)}


def attribute(key: str) -> str:
    """The extended attribute that a pax header of that name has; empty where it has none."""
    if key.startswith(_SCHILY):
        return key.removeprefix(_SCHILY)
    if key.startswith(_LIBARCHIVE):
        return urllib.parse.unquote(key.removeprefix(_LIBARCHIVE), errors="surrogateescape")
    return ""


def _unpacked(value: str) -> bytes:
    text = value.rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{value[:40]!r} is no base64") from error
