#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_realm_info: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_realm_info
short_description: Tell about the realms of a host
description:
  - Lists the realms of a host with their projects, their quotas, and what is promised of them. Changes nothing.

extends_documentation_fragment:
  - skerry.host.engine
  - skerry.host.info
author: The Skerry authors (@skerry)
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  name:
    description:
    - Only the realm of this name.
    type: str
  # end of what is written
seealso:
  - module: skerry.host.skerry_realm
"""

EXAMPLES = r"""
- name: Read the realms of the host
  skerry.host.skerry_realm_info:
  register: all
"""

RETURN = r"""
realms:
  description: The realms, by name. Empty where there is none.
  returned: success
  type: list
  elements: dict
  contains:
    quota:
      description: How much it may have at most; only what is set.
      returned: always
      type: dict
    used:
      description: How much is promised of it, running or not.
      returned: always
      type: dict
  sample:
    - id: 5f0c9a7be1d2430c8f6b7a51
      name: acme
      merge_memory: false
      quota: {memory: 16G, cpu: 4.0}
      used: {containers: 2, memory: 1G, cpu: 2.0, pids: 1024, disk: 4G}
      projects: [shop]
      created: "2026-01-31T12:00:00.000+00:00"
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.engine_handler import API, ask

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "name": {"type": "str"},
    # end of what is written
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    name = module.params["name"]
    found = ask(module, {"verb": "realm_list"})["realms"]
    module.exit_json(realms=[one for one in found if name in (None, one["name"])])


if __name__ == "__main__":
    main()
