#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_luks_header: options, one call, the answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_luks_header
short_description: Back up the header of an encrypted volume, or put it back
description:
  - Without its header nothing of an encrypted volume can be read. The header with one of its keys opens the disk,
    even where that key was removed since, so a backup belongs encrypted, and away from the server.
  - A header of another volume is refused, and so is one that the passphrase does not open.
extends_documentation_fragment:
  - skerry.host.luks
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: For V(restored), refuses as the real run does and says whether it would write.
    support: full
  diff_mode:
    description: There is nothing in a header that could be shown.
    support: none
notes:
  - Needs to be root. Set C(no_log) on the task; what it returns opens the disk, together with a passphrase.
options:
  state:
    description: V(saved) returns the header, V(restored) writes the one of O(header).
    type: str
    choices: [saved, restored]
    default: saved
  header:
    description: What V(saved) returned once.
    type: str
  uuid:
    description: The volume's UUID, as the one who wants to restore it has typed it.
    type: str
  passphrase:
    description: A key that is in O(header).
    type: str
"""

EXAMPLES = r"""
- name: Read the LUKS header
  skerry.host.skerry_luks_header:
  register: saved
  no_log: true

- name: Restore the LUKS header
  skerry.host.skerry_luks_header:
    state: restored
    header: "{{ kept }}"
    uuid: 1db80b0e-d190-47bf-b1f2-1a8380d896ed
    passphrase: "{{ luks_root_passphrase }}"
"""

RETURN = r"""
header:
  description: The header, as gzip in base64.
  returned: when state is saved
  type: str
uuid:
  description: The volume's UUID.
  returned: success
  type: str
device:
  description: The volume.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.handler import answer
from ..module_utils.luks_handler import keep_header

ARGUMENTS = {
    "state": {"type": "str", "choices": ["saved", "restored"], "default": "saved"},
    "device": {"type": "path"},
    "header": {"type": "str", "no_log": True},
    "uuid": {"type": "str"},
    "passphrase": {"type": "str", "no_log": True},
}
REQUIRED = [("state", "restored", ["header", "uuid", "passphrase"])]


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, required_if=REQUIRED, supports_check_mode=True)
    answer(module, keep_header)


if __name__ == "__main__":
    main()
