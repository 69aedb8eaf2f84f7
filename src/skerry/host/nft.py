"""nftables: read and change the elements of sets and maps. The only code that calls ``nft``.

For what is rare or must read whole tables; the engine's everyday changes go to the kernel itself (``nft_kernel``). A
program and not libnftables in this process: where nft hits one of its assertions (1.1.3 does, listing a set of interface
wildcards as JSON), a program's end is an error and not the engine's.
"""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from typing import Any

from skerry.host.run import run

Field = str | int


@dataclasses.dataclass(frozen=True)
class Element:
    """One element of a set, or of a map when it has a value.

    Attributes:
        family: of the table: ``inet`` or ``bridge``.
        table: name of the table.
        set: name of the set or map.
        key: its fields, one unless the set is a concatenation. Raw payload fields are numbers.
        value: what a map gives for the key: a mark, or fields as of a key.
    """

    family: str
    table: str
    set: str
    key: tuple[Field, ...]
    value: int | tuple[Field, ...] | None = None


def elements(family: str, table: str) -> set[Element]:
    """All elements of the named sets and maps of one table.

    Raises:
        ProgramError: there is no such table, or nft failed.
    """
    answer = json.loads(run(["nft", "--json", "list", "table", family, table]))
    return set(_parse(family, table, answer["nftables"]))


def change(remove: Iterable[Element], add: Iterable[Element]) -> None:
    """Take elements away and add others, in one transaction: all of it happens, or nothing.

    Args:
        remove: elements that are there.
        add: elements that may be there already.

    Raises:
        ProgramError: a set or an element to remove is missing, or nft failed.
    """
    commands = [{"delete": _render(element)} for element in remove]
    commands += [{"add": _render(element)} for element in add]
    if commands:
        _transact(commands)


def _transact(commands: list[dict[str, Any]]) -> None:
    run(["nft", "--json", "--file", "-"], stdin=json.dumps({"nftables": commands}))


def _parse(family: str, table: str, objects: Iterable[dict[str, Any]]) -> Iterator[Element]:
    for item in objects:
        holder = item.get("set") or item.get("map") or {}
        for entry in holder.get("elem", []):
            key, value = entry if isinstance(entry, list) else (entry, None)
            if isinstance(key, dict) and "elem" in key:  # the element has a comment, a counter or a timeout
                key = key["elem"]["val"]
            fields = key["concat"] if isinstance(key, dict) else [key]
            if isinstance(value, dict):
                value = tuple(value["concat"])
            yield Element(family, table, holder["name"], tuple(map(_number, fields)), value)


def _number(field: Field) -> Field:
    """Numbers above 64 bits are strings in nft's JSON."""
    return int(field, 16) if isinstance(field, str) and field.startswith("0x") else field


def _render(element: Element) -> dict[str, Any]:
    fields = [hex(field) if isinstance(field, int) and field >= 2**63 else field for field in element.key]
    key: Any = fields[0] if len(fields) == 1 else {"concat": fields}
    value = {"concat": list(element.value)} if isinstance(element.value, tuple) else element.value
    entry = key if value is None else [key, value]
    place = {"family": element.family, "table": element.table, "name": element.set}
    return {"element": {**place, "elem": [entry]}}
