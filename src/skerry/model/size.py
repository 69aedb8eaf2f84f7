"""Sizes in bytes, written as systemd writes them: ``256M``, ``1.5G``; K, M, G, T are powers of 1024."""

import re

_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_PATTERN = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,20})?)\s*([KMGT]?)(?:i?B)?", re.ASCII | re.IGNORECASE)
_LARGEST = 2**63  # bytes: no file and no limit of the kernel's has as many


def parse_size(value: str | int) -> int:
    """Bytes of ``value``.

    Raises:
        ValueError: it is not a size; the message says what would be.
    """
    match = _PATTERN.fullmatch(str(value).strip())
    size = int(float(match[1]) * _UNITS[match[2].upper()]) if match else _LARGEST
    if size >= _LARGEST:
        raise ValueError(
            f"{value!r:.60} is not a size; give bytes or a number with K, M, G or T, such as 256M"
        )
    return size


def format_size(size: int) -> str:
    """The shortest exact way to write ``size`` bytes: 268435456 is ``256M``."""
    for unit in ("T", "G", "M", "K"):
        if size and size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)
