"""Text that others wrote, such as a container's log, made safe to print on a terminal."""

from __future__ import annotations

import unicodedata

_KEPT = {"\n", "\t"}
# Categories of Unicode: control, format (bidi marks, zero width, tags), surrogate, line and paragraph separator.
_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Of other categories, and invisible: joiners, fillers, selectors.
_INVISIBLE = {
    0x034F,
    0x115F,
    0x1160,
    0x17B4,
    0x17B5,
    *range(0x180B, 0x1810),
    0x2800,
    0x3164,
    *range(0xFE00, 0xFE0E),  # the two after them choose how an emoji looks
    0xFFA0,
    *range(0xE0000, 0xE1000),
}


class _Shown(dict[int, str]):
    """What each character becomes, found out when it first comes (str.translate)."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        unsafe = unicodedata.category(character) in _UNSAFE or code in _INVISIBLE
        self[code] = _escaped(code) if unsafe and character not in _KEPT else character
        return self[code]


def _escaped(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_shown = _Shown()


def printable(text: str | bytes) -> str:
    r"""The text with every character that a terminal would obey, or would not show, written as its number.

    That is all control characters but line feed and tab, direction marks and other invisible ones. ``ESC`` becomes
    ``\x1b``. Bytes that are not UTF-8 become U+FFFD.
    """
    return (text.decode(errors="replace") if isinstance(text, bytes) else text).translate(_shown)
