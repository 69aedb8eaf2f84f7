#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_luks_key: options, one call, the answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_luks_key
short_description: Add, remove, replace and list the keys of an encrypted volume
description:
  - Changes the keys of a LUKS2 volume, also while it is in use. Each key has a name, which is noted in the header.
  - At every moment a key that was given opens the volume. A new one is tried before the old one is destroyed, and the
    last one is never removed. What was cut off, the next run brings to its end.
extends_documentation_fragment:
  - skerry.host.luks
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: Reads the header, tries the keys, refuses as the real run does, and returns the steps.
    support: full
  diff_mode:
    description: Shows the names of the keys before and after, and the steps.
    support: full
notes:
  - Needs to be root. Secrets reach cryptsetup by standard input only.
options:
  state:
    description:
      - V(listed) only reads.
      - V(present) and V(absent) are about the key O(name).
      - V(rotated) puts O(new_passphrase) in the place of O(passphrase), whatever that one is called.
    type: str
    choices: [listed, present, absent, rotated]
    default: listed
  name:
    description: The key's name. One without a name is called by its slot, such as V(slot0).
    type: str
  passphrase:
    description: A key that is there now. For V(absent) one that remains.
    type: str
  new_passphrase:
    description: The new key, of at least 12 characters.
    type: str
"""

EXAMPLES = r"""
- name: Replace the passphrase
  skerry.host.skerry_luks_key:
    state: rotated
    passphrase: "{{ luks_root_passphrase }}"
    new_passphrase: "{{ keys_new_passphrase }}"

- name: Add a recovery key
  skerry.host.skerry_luks_key:
    state: present
    name: paper
    passphrase: "{{ luks_root_passphrase }}"
    new_passphrase: "{{ keys_new_passphrase }}"
"""

RETURN = r"""
key_slots:
  description: The keys after this, each with slot, name, kdf, memory_mib and note.
  returned: success
  type: list
  elements: dict
steps:
  description: What was done, in order; in check mode what would be done.
  returned: success
  type: list
  elements: str
device:
  description: The volume.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.handler import answer
from ..module_utils.luks_handler import change_keys

ARGUMENTS = {
    "state": {"type": "str", "choices": ["listed", "present", "absent", "rotated"], "default": "listed"},
    "device": {"type": "path"},
    "name": {"type": "str"},
    "passphrase": {"type": "str", "no_log": True},
    "new_passphrase": {"type": "str", "no_log": True},
}
REQUIRED = [
    ("state", "present", ["name", "passphrase", "new_passphrase"]),
    ("state", "absent", ["name", "passphrase"]),
    ("state", "rotated", ["passphrase", "new_passphrase"]),
]


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, required_if=REQUIRED, supports_check_mode=True)
    answer(module, change_keys)


if __name__ == "__main__":
    main()
