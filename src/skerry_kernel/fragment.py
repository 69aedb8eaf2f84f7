"""Configuration fragments: files of `CONFIG_NAME=value  # why [source]`, and which of them make a flavour."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from skerry_base.core.errors import SkerryError

HOME = Path(__file__).parent / "fragments"
_COMMON = (
    "platform", "modules", "storage", "network", "containers", "virtual", "devices", "hardening", "cut",
)  # fmt: skip
SOURCES = {
    "clipos": "CLIP OS, the kernel of France's security agency: <https://docs.clip-os.org/clipos/kernel.html>",
    "defconfig": "the default of Linux itself",
    "grapheneos": "GrapheneOS",
    "grsec": "what grsecurity switches off: <https://grsecurity.net>",
    "kernel": "the symbol's own help in Linux, or what follows from it",
    "khc": "the author of kernel-hardening-checker: <https://github.com/a13xp0p0v/kernel-hardening-checker>",
    "kspp": "Kernel Self Protection Project: <https://kspp.github.io/Recommended_Settings>",
    "lockdown": "what lockdown forbids anyway",
    "maintainer": "the maintainer of that part of Linux",
    "skerry": "ours: it follows from what Skerry is",
}
"""The words in brackets, and who they are; most as kernel-hardening-checker names them."""
_LINE = re.compile(r'CONFIG_(?P<name>\w+)=(?P<value>"[^"]*"|[^\s"#]+)(?:\s+#\s*(?P<why>.*?))?\s*')
_OFF = re.compile(r"#\s*(CONFIG_\w+) is not set")
_SHOWN, _MOST = 80, 1024**2
_OWN = {"LOCALVERSION": "the build names its kernels itself", "MODULE_SIG_KEY": "--key says which key signs"}
_WHY = re.compile(r"(?P<why>.*?)\s*\[(?P<source>\w+)\]")


class Flavour(StrEnum):
    """Whose devices a kernel can drive."""

    METAL = "metal"
    LAB = "lab"


@dataclass(frozen=True)
class Line:
    """A symbol and the value that it shall have."""

    symbol: str
    """Without `CONFIG_`."""
    value: str
    """As in .config; `n` for what shall not be set."""
    why: str
    source: str
    """Who recommends it, a word in brackets at the end of the comment; empty where nobody is named."""
    place: str
    """File and number of the line, for messages."""

    def text(self) -> str:
        """As Kconfig reads it."""
        return f"CONFIG_{self.symbol}={self.value}"


def read(path: Path) -> list[Line]:
    """A fragment's lines.

    Raises:
        SkerryError: the file is not there, or a line is neither an assignment nor a comment.
    """
    try:
        if path.exists() and not path.is_file():
            raise SkerryError(f"{path}: this fragment is no file")
        if path.stat().st_size > _MOST:
            raise SkerryError(f"{path}: this fragment is larger than 1 MiB")
        rows = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SkerryError(f"{path}: this fragment can't be read: {error}") from error
    lines = [_line(row.strip(), f"{path.name}:{number}") for number, row in enumerate(rows, 1)]
    return [line for line in lines if line]


def _line(row: str, place: str) -> Line | None:
    if off := _OFF.fullmatch(row):
        raise SkerryError(f"{place}: a comment says nothing here: write `{off[1]}=n`")
    if not row or row.startswith("#"):
        return None
    parts = _LINE.fullmatch(row)
    if parts is None:
        shown = ascii(row[:_SHOWN])[1:-1]
        raise SkerryError(
            f"{place}: `{shown}`: expected `CONFIG_NAME=value`, with y, m, n, a number or a quoted text"
        )
    why = parts["why"] or ""
    sourced = _WHY.fullmatch(why)
    text, source = (sourced["why"], sourced["source"]) if sourced else (why, "")
    return Line(parts["name"], parts["value"], text, source, place)


def files(flavour: Flavour, version: str) -> list[Path]:
    """The fragments of a flavour for a version of Linux: what all have, its own, and what only this version knows.

    Raises:
        SkerryError: there is no fragment for this version.
    """
    major, minor = version.split(".")[:2]
    for name in (f"linux-{major}.{minor}", f"linux-{major}"):
        own = HOME / f"{name}.config"
        if own.exists():
            return [*(HOME / f"{common}.config" for common in _COMMON), HOME / f"{flavour}.config", own]
    known = ", ".join(sorted(path.stem.removeprefix("linux-") for path in HOME.glob("linux-*.config")))
    raise SkerryError(f"no fragment for Linux {version}: there are fragments for {known}")


def assemble(own: Iterable[Path], extra: Sequence[Path] = ()) -> dict[str, Line]:
    """All lines by symbol, in order. `extra` are the user's own, which may say otherwise than ours.

    Raises:
        SkerryError: a file is wrong, two of one kind set the same symbol, or one is set that is the build's.
    """
    wanted, theirs = _merge(own), _merge(extra)
    for line in theirs.values():
        if line.symbol in _OWN:
            raise SkerryError(f"{line.place}: CONFIG_{line.symbol} can't be set: {_OWN[line.symbol]}")
    return wanted | theirs


def _merge(paths: Iterable[Path]) -> dict[str, Line]:
    merged: dict[str, Line] = {}
    for path in paths:
        for line in read(path):
            if line.symbol in merged:
                before = merged[line.symbol]
                raise SkerryError(
                    f"CONFIG_{line.symbol} is set twice: to {before.value} in {before.place}, to {line.value} in "
                    f"{line.place}"
                )
            merged[line.symbol] = line
    return merged


def text(lines: Iterable[Line]) -> str:
    """One fragment of all lines, as Kconfig reads it."""
    return "".join(f"{line.text()}\n" for line in lines)


def digests(paths: Iterable[Path]) -> dict[str, str]:
    """Name → sha256 of each file."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
