# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The filter skerry.host.network_file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.skerry_base.boot.network import for_initramfs, for_networkd, parse
from ..module_utils.skerry_base.core.errors import SkerryError

DOCUMENTATION = r"""
name: network_file
short_description: A machine's network, as its system or its initramfs reads it
description: Writes down one network card, found by its MAC. Stops where the description is wrong, and says where.
positional: reader
author: The Skerry authors (@skerry)
options:
  _input:
    description: The network, as C(base_system_network) describes it.
    type: dict
    required: true
  reader:
    description: Who reads the file.
    type: str
    choices: [networkd, initramfs]
    required: true
"""

EXAMPLES = r"""
- name: Write the network configuration
  ansible.builtin.copy:
    content: "{{ base_system_network | skerry.host.network_file('networkd') }}"
    dest: /etc/systemd/network/10-skerry.network
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The file's text.
  type: str
"""

READERS = {"networkd": for_networkd, "initramfs": for_initramfs}


def network_file(network: Mapping[str, Any], reader: str) -> str:
    """The file's text."""
    try:
        return READERS[reader](parse(network))
    except SkerryError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """What Ansible looks for in a file of filters."""

    def filters(self) -> dict[str, Callable[[Mapping[str, Any], str], str]]:
        """The filters of this file, by name."""
        return {"network_file": network_file}
