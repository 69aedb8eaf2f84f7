"""Whether each requested line took effect, and if not, why: by the kernel's own Kconfig."""

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from skerry_kernel.fragment import Line

_SET = re.compile(r"CONFIG_(\w+)=(.*)")
_DEFINED = re.compile(r"^\s*(?:menu)?config\s+(\w+)", re.MULTILINE)

Reasons = Mapping[str, list[tuple[str, str]]]
"""Symbol → what `explain.c` said of it: a word, and its object."""


def values(dot_config: str) -> dict[str, str]:
    """Symbol → value, of a .config; what is not set is not there."""
    found = (_SET.fullmatch(row) for row in dot_config.splitlines())
    return {match[1]: match[2] for match in found if match}


def missed(wanted: Iterable[Line], got: Mapping[str, str]) -> list[Line]:
    """The lines that did not take effect."""
    return [line for line in wanted if got.get(line.symbol, "n") != line.value]


def reasons(said: str) -> Reasons:
    """What `explain.c` answered."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in said.splitlines():
        symbol, word, thing = (*row.split("\t"), "")[:3]
        found[symbol].append((word, thing))
    return found


def complaint(lines: Iterable[Line], got: Mapping[str, str], why: Reasons, names: Iterable[str]) -> str:
    """What to tell the user about lines that did not take effect, one a line.

    Args:
        lines: they.
        got: the values there are instead.
        why: what Kconfig said.
        names: all symbols that this source knows.
    """
    known = sorted(names)
    return "\n".join(f"    {line.place}: {_sentence(line, got, why, known)}" for line in lines)


def _sentence(line: Line, got: Mapping[str, str], why: Reasons, names: list[str]) -> str:
    answers = why.get(line.symbol, [])
    if ("unknown", "") in answers:
        if line.symbol in names:
            return f"CONFIG_{line.symbol}: not on this architecture"
        asked = line.symbol.upper().removeprefix("CONFIG_")
        near = difflib.get_close_matches(asked, names, n=3, cutoff=0.8)
        hint = f"; did you mean {' or '.join(f'CONFIG_{name}' for name in near)}?" if near else ""
        return f"CONFIG_{line.symbol}: this Linux has no such symbol{hint}"
    is_now = f"{line.text()} did not take effect: it is {got.get(line.symbol, 'n')}"
    because = [_because(word, thing) for word, thing in answers]
    return "; ".join(
        [
            is_now,
            *(
                because
                or ["Kconfig does not take this value: y, m, n, a number in its range, or a text in quotes"]
            ),
        ]
    )


def _because(word: str, thing: str) -> str:
    match word:
        case "needs" if thing == "n":
            return "it depends on a test of the compiler or the architecture, which says no"
        case "needs":
            return f"it depends on {thing}"
        case "selected":
            return f"it is switched on by {thing}"
        case "choice":
            return f"of this choice CONFIG_{thing} is taken"
        case _:
            return "nobody is asked for it: other symbols decide"


def defined(source: Path) -> set[str]:
    """Every symbol that a Linux source's Kconfig files define."""
    found: set[str] = set()
    for path in source.rglob("Kconfig*"):
        found.update(_DEFINED.findall(path.read_text(encoding="utf-8", errors="replace")))
    return found
