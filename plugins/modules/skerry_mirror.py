#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_mirror: options, one call, the answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_mirror
short_description: Take a new disk into a server's mirror
description:
  - On the running server, brings the mirror to the two disks that are named. A new one is divided like the one that is
    left, made bootable by BIOS and UEFI with a copy of its /boot, and taken into the arrays, which are then rebuilt.
  - It writes only to a disk that is named by its stable id and by its serial, that is no part of the mirror, and that
    holds nothing or whose wipe is confirmed in O(wipe). All that speaks against it is said at once, and nothing is
    changed then.
  - A replacement that was cut off before the disk was part of the arrays starts over.
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: Looks at the disks, refuses as the real run does, and returns the plan that it carries out.
    support: full
  diff_mode:
    description: Shows the plan.
    support: full
requirements:
  - sgdisk, mdadm, mkfs.ext4, mkfs.vfat, and GRUB for both firmwares
notes:
  - Needs to be root on a server that install.yml made.
options:
  state:
    description:
      - V(replaced) makes the disks that are named the mirror's disks.
      - V(finished) does the rest once fstab names the new disk. It mounts its /boot and marks it as finished.
    type: str
    choices: [replaced, finished]
    default: replaced
  disks:
    description: The two disks of the mirror, the new one in the dead one's place.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: Its link below C(/dev/disk/by-id).
        type: str
        required: true
      serial:
        description: Its serial, as C(lsblk --output PATH,SERIAL) prints it.
        type: str
        required: true
  wipe:
    description: Serials of disks whose content may be destroyed.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Add the new disk to the mirror
  skerry.host.skerry_mirror:
    disks:
      - id: /dev/disk/by-id/nvme-SAMSUNG_MZVL2512HCJQ-00B00_S675NX0T777777
        serial: S675NX0T777777
      - id: /dev/disk/by-id/nvme-SAMSUNG_MZVL2512HCJQ-00B00_S675NX0T654321
        serial: S675NX0T654321
  register: mirror
"""

RETURN = r"""
steps:
  description: What was done, in order; in check mode what would be done.
  returned: success
  type: list
  elements: str
layout:
  description: The identities of what is on the disks, as skerry_disks returns them. Empty in check mode with steps.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.handler import answer
from ..module_utils.mirror_handler import bring_mirror

DISK = {"id": {"type": "str", "required": True}, "serial": {"type": "str", "required": True}}

ARGUMENTS = {
    "state": {"type": "str", "choices": ["replaced", "finished"], "default": "replaced"},
    "disks": {"type": "list", "elements": "dict", "required": True, "options": DISK},
    "wipe": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    answer(module, bring_mirror)


if __name__ == "__main__":
    main()
