"""Filters on network prefixes."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

DOCUMENTATION = r"""
name: host_address
short_description: The host's own address in a prefix of its containers
description:
  - The first address of the prefix after the network's own.
options:
  _input:
    description: An IPv4 or IPv6 prefix, in CIDR notation.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the gateway
  ansible.builtin.debug:
    msg: "{{ '10.90.0.0/16' | skerry.host.host_address }}"   # 10.90.0.1
"""

RETURN = r"""
_value:
  description: The address.
  type: str
"""


def host_address(prefix: str) -> str:
    """The host's address in ``prefix``; the same as ``skerry.model.addresses.gateways``."""
    return str(ipaddress.ip_network(prefix)[1])


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[[str], str]]:
        """The filters of this file, by name."""
        return {"host_address": host_address}
