# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The filter skerry.host.local_path_problem."""

from __future__ import annotations

from collections.abc import Callable

from ..plugin_utils.local_paths import local_path_problem

DOCUMENTATION = r"""
name: local_path_problem
short_description: What is wrong with the path of a file on the controller
description:
  - Says why a file or folder of the controller can't be read, with its whole path, and what would be right.
positional: option, kind
author: The Skerry authors (@skerry)
options:
  _input:
    description: A path as the operator gave it, as for P(skerry.host.local_path#filter).
    type: str
    required: true
  option:
    description: The variable that it was given by.
    type: str
    required: true
  kind:
    description: What it has to be.
    type: str
    choices: [file, folder]
    default: file
"""

EXAMPLES = r"""
- name: Refuse a missing tarball
  ansible.builtin.assert:
    that: path | skerry.host.local_path_problem('path') == ''
    fail_msg: "{{ path | skerry.host.local_path_problem('path') }}"
"""

RETURN = r"""
_value:
  description: What is wrong; empty where nothing is.
  type: str
"""


class FilterModule:
    """What Ansible looks for in a file of filters."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """The filters of this file, by name."""
        return {"local_path_problem": local_path_problem}
