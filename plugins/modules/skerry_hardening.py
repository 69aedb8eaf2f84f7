#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_hardening: options, one call, the answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_hardening
short_description: Bring a machine's settings to the table of hardening, and read them back
description:
  - Command line, sysctl, modules, mounts, sshd, AppArmor, audit, core dumps, umask, permissions. Each setting is read
    from the running machine before and after; one that was set and does not hold is an error.
  - What can hold from the next boot only, and what this machine can't have, is returned, each with the reason.
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: Reads every setting and returns the plan that the real run carries out.
    support: full
  diff_mode:
    description: Shows each file and each value, before and after.
    support: full
notes:
  - Needs to be root. Never reboots.
  - In check mode it is the check for drift, which I(drifted) then names.
options:
  state:
    description:
      - V(present) brings the table about.
      - V(absent) gives all back as it was before, but for what the kernel takes back at the next boot only.
    type: str
    choices: [present, absent]
    default: present
  without:
    description:
      - Names of settings that are not to be set, as C(sysctl kernel.sysrq), or of a whole kind, as C(audit). One that was
        set before is given back as it was.
      - An unknown name is refused, and the nearest one told.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Apply the hardening settings
  skerry.host.skerry_hardening:
    without:
      - sysctl kernel.sysrq
      - mount /tmp
"""

RETURN = r"""
steps:
  description: What was done, in order; in check mode what would be done.
  returned: success
  type: list
  elements: str
held:
  description: How many settings the running machine confirms.
  returned: success
  type: int
drifted:
  description: Settings that should hold and do not. Only in check mode is there any; else the module fails.
  returned: success
  type: list
  elements: str
later:
  description: Why some hold from the next boot on only, with a list of their names.
  returned: success
  type: dict
unavailable:
  description: Why this machine can't have some, with a list of their names.
  returned: success
  type: dict
settings:
  description: Each setting that is on, with its value and what the machine says.
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.handler import answer
from ..module_utils.hardening_handler import harden

ARGUMENTS = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "without": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    answer(module, harden)


if __name__ == "__main__":
    main()
