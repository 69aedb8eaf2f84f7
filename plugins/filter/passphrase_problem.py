# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The filter skerry.host.passphrase_problem."""

from __future__ import annotations

from collections.abc import Callable

from ..module_utils.skerry_base.storage.luks.passphrase import problem

DOCUMENTATION = r"""
name: passphrase_problem
short_description: What is wrong with a new passphrase
description: Says why a passphrase can't protect a disk, without naming a character of it.
author: The Skerry authors (@skerry)
options:
  _input:
    description: The passphrase, as YAML gave it. What is no text is refused.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Refuse an unsafe passphrase
  ansible.builtin.assert:
    that: luks_root_passphrase | skerry.host.passphrase_problem == ''
    fail_msg: "{{ luks_root_passphrase | skerry.host.passphrase_problem }}"
"""

RETURN = r"""
_value:
  description: What is wrong; empty where nothing is.
  type: str
"""


class FilterModule:
    """What Ansible looks for in a file of filters."""

    def filters(self) -> dict[str, Callable[[object], str]]:
        """The filters of this file, by name."""
        return {"passphrase_problem": problem}
