# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The filter skerry.host.table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..plugin_utils.skerry_table import table

DOCUMENTATION = r"""
name: table
short_description: A table as plain text
description: Shows a list of dictionaries as lines below titles, each column as wide as it needs.
positional: columns
author: The Skerry authors (@skerry)
options:
  _input:
    description: What each line is about.
    type: list
    elements: dict
    required: true
  columns:
    description: The fields to show, in this order.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
# prints NAME  STATE and a line for each container
- name: Show the table of containers
  ansible.builtin.debug:
    msg: "{{ found.containers | skerry.host.table(['name', 'state']) }}"
"""

RETURN = r"""
_value:
  description: The table, without a line break at its end.
  type: str
"""


def shown(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """The table that a play prints."""
    return table(rows, columns)


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """The filters of this file by name."""
        return {"table": shown}
