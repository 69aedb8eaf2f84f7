"""A table as plain text. Standard library only and on its own: Ansible's side carries it as well."""

from collections.abc import Mapping, Sequence
from typing import Any


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """``rows`` below a line of titles, each column as wide as it needs.

    Args:
        rows: what each line is about.
        columns: the fields to show, in this order; a field that a row lacks is left empty.
    """
    cells = [[column.upper().replace("_", " ") for column in columns]]
    cells += [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case float():
            return f"{value:g}"
        case list() | tuple():
            return " ".join(map(str, value))
        case dict():
            return " ".join(f"{name}={one}" for name, one in value.items())
    return str(value)
