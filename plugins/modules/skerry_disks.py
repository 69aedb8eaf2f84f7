#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_disks: options, one call, the answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_disks
short_description: Divide, encrypt and mount a server's disks from its rescue system
description:
  - Makes of one blank disk, or of a mirror of two, the partitions and file systems that Debian is installed to, and
    mounts them. Root is btrfs on LUKS2, on md RAID1 in a mirror. Every disk boots by BIOS and by UEFI.
  - It writes only to disks that are named by their stable id and by their serial, that hold nothing or whose wipe
    is confirmed in O(wipe), that nothing uses, and only in a rescue system. All that speaks against it is said at
    once, and nothing is changed then.
  - An installation that was begun and not finished is started over. A finished one is never touched.
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: Looks at the disks, refuses as the real run does, and returns the plan that it carries out.
    support: full
  diff_mode:
    description: Shows what the disks hold before and after, and the plan.
    support: full
requirements:
  - sgdisk, cryptsetup, btrfs, mkfs.ext4, mkfs.vfat, and mdadm for a mirror
notes:
  - Needs to be root in the rescue system.
options:
  state:
    description:
      - V(prepared) partitions, encrypts and mounts; there is nothing to do where the installation is finished.
      - V(finished) unmounts the target, closes what is open and marks the installation as finished.
    type: str
    choices: [prepared, finished]
    default: prepared
  disks:
    description: The disk, or the two disks of a mirror.
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
    description:
      - Serials of disks whose content may be destroyed.
      - A finished installation is destroyed only where its serial and the UUID of its partition table are given, as
        C(SERIAL:UUID); the refusal names them. So an entry that was left here does no harm.
    type: list
    elements: str
    default: []
  passphrase:
    description: Of the encrypted volume. Required where one is made. It travels by standard input only.
    type: str
  target:
    description: Where the file systems are mounted.
    type: path
    default: /target
  esp_size:
    description:
      - Size of the EFI system partition, in whole M, G or T. On sectors of 4,096 bytes FAT32 needs more than V(256M).
    type: str
    default: 512M
  boot_size:
    description: Size of /boot; it holds two or three kernels with their initramfs.
    type: str
    default: 1G
  swap_size:
    description: Size of the encrypted swap.
    type: str
    default: 2G
  tmp_size:
    description: Size of the encrypted /tmp.
    type: str
    default: 2G
  crash_size:
    description: Size of a raw partition left for encrypted crash dumps; V(0) for none.
    type: str
    default: "0"
"""

EXAMPLES = r"""
- name: Show the planned steps and refusals
  skerry.host.skerry_disks:
    disks:
      - id: /dev/disk/by-id/nvme-SAMSUNG_MZVL2512HCJQ-00B00_S675NX0T123456
        serial: S675NX0T123456
  check_mode: true
  diff: true

- name: Partition a mirror with a used disk
  skerry.host.skerry_disks:
    disks:
      - id: /dev/disk/by-id/nvme-SAMSUNG_MZVL2512HCJQ-00B00_S675NX0T123456
        serial: S675NX0T123456
      - id: /dev/disk/by-id/nvme-SAMSUNG_MZVL2512HCJQ-00B00_S675NX0T654321
        serial: S675NX0T654321
    wipe: [S675NX0T654321]
    passphrase: "{{ luks_root_passphrase }}"
  register: disks

- name: Finish the installation
  skerry.host.skerry_disks:
    disks: "{{ luks_root_disks }}"
    state: finished
"""

RETURN = r"""
installed:
  description: Whether the disks held a finished installation when the module came, which it did not touch.
  returned: success
  type: bool
replace:
  description: What O(wipe) must have so that the finished installation is destroyed. Empty where there is none.
  returned: success
  type: list
  elements: str
steps:
  description: What was done, in order; in check mode what would be done.
  returned: success
  type: list
  elements: str
layout:
  description: The identities of what was made. Empty where nothing was, and in check mode.
  returned: success
  type: dict
  contains:
    luks:
      description: UUID of the encrypted volume.
      type: str
    root:
      description: UUID of the btrfs in it.
      type: str
    swap:
      description: Stable name of what swap is encrypted on.
      type: str
    tmp:
      description: Stable name of what /tmp is encrypted on.
      type: str
    sector_size:
      description: Bytes of an encrypted sector.
      type: int
    disks:
      description: Of each disk the UUID of boot and esp, and the PARTUUID as boot_part, esp_part and crash_part.
      type: list
      elements: dict
    mounts:
      description: What the installed system mounts, as source, place, kind, options and check of fstab's lines.
      type: list
      elements: dict
    boot_disks:
      description: Where the boot loader finds its files, as disk, boot and esp of each disk.
      type: list
      elements: dict
    arrays:
      description: The arrays of a mirror and their UUIDs.
      type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.disks_handler import bring_disks
from ..module_utils.handler import answer

DISK = {"id": {"type": "str", "required": True}, "serial": {"type": "str", "required": True}}

ARGUMENTS = {
    "state": {"type": "str", "choices": ["prepared", "finished"], "default": "prepared"},
    "disks": {"type": "list", "elements": "dict", "required": True, "options": DISK},
    "wipe": {"type": "list", "elements": "str", "default": []},
    "passphrase": {"type": "str", "no_log": True},
    "target": {"type": "path", "default": "/target"},
    "esp_size": {"type": "str", "default": "512M"},
    "boot_size": {"type": "str", "default": "1G"},
    "swap_size": {"type": "str", "default": "2G"},
    "tmp_size": {"type": "str", "default": "2G"},
    "crash_size": {"type": "str", "default": "0"},
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    answer(module, bring_disks)


if __name__ == "__main__":
    main()
