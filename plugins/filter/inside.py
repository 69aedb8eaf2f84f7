# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The filter skerry.host.inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..module_utils.skerry_base.storage.target import inside

DOCUMENTATION = r"""
name: inside
short_description: The command that runs a program of another installed system
description:
  - Puts before a command what runs it in the system below a folder, as a rescue system does with the one that it
    installs. Its mounts of C(/dev), C(/proc) and C(/sys) are gone when it ends.
  - For the running system the command stays as it is.
positional: root
author: The Skerry authors (@skerry)
options:
  _input:
    description: Program and arguments.
    type: list
    elements: str
    required: true
  root:
    description: Where the other system's root is mounted. Empty or C(/) for the running system.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Write GRUB's menu
  ansible.builtin.command:
    argv: "{{ ['update-grub'] | skerry.host.inside('/target') }}"
"""

RETURN = r"""
_value:
  description: Program and arguments.
  type: list
  elements: str
"""


def run_inside(command: Sequence[str], root: str) -> list[str]:
    """The command as the running system is to start it."""
    return inside(root, command)


class FilterModule:
    """What Ansible looks for in a file of filters."""

    def filters(self) -> dict[str, Callable[[Sequence[str], str], list[str]]]:
        """The filters of this file, by name."""
        return {"inside": run_inside}
