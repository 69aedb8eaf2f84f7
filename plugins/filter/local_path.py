# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The filter skerry.host.local_path."""

from __future__ import annotations

from collections.abc import Callable

from ..plugin_utils.local_paths import local_path

DOCUMENTATION = r"""
name: local_path
short_description: The whole path of a file on the controller
description:
  - A relative path begins where the command is typed. Ansible's own modules begin where the playbook lies.
  - C(~) is this user's home. An empty path stays empty.
author: The Skerry authors (@skerry)
options:
  _input:
    description: A path as the operator gave it.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Copy a file of the operator to the host
  ansible.builtin.copy:
    src: "{{ path | skerry.host.local_path }}"
    dest: /var/lib/skerry/incoming/
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The whole path.
  type: str
"""


class FilterModule:
    """What Ansible looks for in a file of filters."""

    def filters(self) -> dict[str, Callable[[str], str]]:
        """The filters of this file, by name."""
        return {"local_path": local_path}
