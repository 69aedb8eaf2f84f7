# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The filter skerry.host.setting_problems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..plugin_utils.setting import KINDS

DOCUMENTATION = r"""
name: setting_problems
short_description: What is wrong with values of the inventory
description:
  - Says what is wrong with variables, so that they can be refused, all at once, before anything is changed.
  - What each is meant to be is a word such as V(hostname), V(port), V(public_keys), V(serial_console), V(texts),
    V(timezone), V(words) or V(writable).
  - V(writable) tries to write beside the file, on the controller, and takes that away again.
positional: values
author: The Skerry authors (@skerry)
options:
  _input:
    description: Of each variable's name what it is meant to be.
    type: dict
    required: true
  values:
    description: Their values, in the same order.
    type: list
    elements: raw
    required: true
"""

EXAMPLES = r"""
- name: Refuse an invalid name
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems | join('; ') }}"
  vars:
    problems: "{{ {'base_system_hostname': 'hostname'} | skerry.host.setting_problems([base_system_hostname]) }}"
"""

RETURN = r"""
_value:
  description: What is wrong, each with its variable's name; empty where nothing is.
  type: list
  elements: str
"""


def setting_problems(kinds: Mapping[str, str], values: Sequence[object]) -> list[str]:
    """What is wrong with the variables of these names and values; nothing of a value that may be secret."""
    found = [(name, KINDS[kind](value)) for (name, kind), value in zip(kinds.items(), values, strict=True)]
    return [f"{name} {problem}" for name, problem in found if problem]


class FilterModule:
    """What Ansible looks for in a file of filters."""

    def filters(self) -> dict[str, Callable[[Mapping[str, str], Sequence[object]], list[str]]]:
        """The filters of this file, by name."""
        return {"setting_problems": setting_problems}
