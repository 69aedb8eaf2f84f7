#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_rescue: options, one call, the answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_rescue
short_description: Open an installed server from a rescue system, and say what is wrong with its boot
description:
  - Finds the server's partitions by their names, opens the encrypted volume, mounts everything and compares what the
    server would boot with what it is.
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: Opens for reading only; changes nothing on the disks. For V(mended), returns the steps.
    support: full
  diff_mode:
    description: For V(mended), shows the plan. What else mends the server shows its own differences.
    support: partial
requirements:
  - cryptsetup, btrfs, and mdadm for a mirror
notes:
  - Needs to be root in the rescue system.
options:
  state:
    description:
      - V(opened) closes what is open, opens and mounts the server anew, and examines it.
      - V(mended) makes room on /boot and installs packages where an opened server needs that, and examines it again.
      - V(closed) unmounts and closes everything.
    type: str
    choices: [opened, mended, closed]
    default: opened
  disks:
    description: The server's disks as the inventory names them.
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description: Its link below C(/dev/disk/by-id).
        type: str
        required: true
      serial:
        description: Its serial.
        type: str
        required: true
  mac:
    description: The address of the network card that the server is reached through.
    type: str
    default: ""
  passphrase:
    description: Opens the volume. It travels by standard input only.
    type: str
  write:
    description: Mount for writing; otherwise for reading only.
    type: bool
    default: false
  target:
    description: Where the server is mounted.
    type: path
    default: /target
"""

EXAMPLES = r"""
- name: Open the disks and check the server
  skerry.host.skerry_rescue:
    disks: "{{ luks_root_disks }}"
    mac: "{{ base_system_network.mac }}"
    passphrase: "{{ luks_root_passphrase }}"
  register: rescue

- name: Close the disks
  skerry.host.skerry_rescue:
    state: closed
"""

RETURN = r"""
findings:
  description: What is wrong, each with what, where, why, and the repair that mends it.
  returned: when state is opened or mended
  type: list
  elements: dict
repairs:
  description: The repairs that mend them, in order.
  returned: when state is opened or mended
  type: list
  elements: str
layout:
  description: What is on the disks, as M(skerry.host.skerry_disks) returns it.
  returned: when state is opened or mended
  type: dict
boot_disks:
  description: Of the layout's boot_disks those that are there.
  returned: when state is opened or mended
  type: list
  elements: dict
steps:
  description: What was done, in order; in check mode what would be done.
  returned: when state is mended
  type: list
  elements: str
done:
  description: What was done, in words.
  returned: when state is mended
  type: list
  elements: str
device:
  description: The encrypted volume.
  returned: when state is opened
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.handler import answer
from ..module_utils.rescue_handler import attend

DISK = {"id": {"type": "str", "required": True}, "serial": {"type": "str", "required": True}}

ARGUMENTS = {
    "state": {"type": "str", "choices": ["opened", "mended", "closed"], "default": "opened"},
    "disks": {"type": "list", "elements": "dict", "default": [], "options": DISK},
    "mac": {"type": "str", "default": ""},
    "passphrase": {"type": "str", "no_log": True},
    "write": {"type": "bool", "default": False},
    "target": {"type": "path", "default": "/target"},
}


def main() -> None:
    """Options, one call, the answer."""
    required = [("state", "opened", ["passphrase"])]
    module = AnsibleModule(ARGUMENTS, required_if=required, supports_check_mode=True)
    answer(module, attend)


if __name__ == "__main__":
    main()
