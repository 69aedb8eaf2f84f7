#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_project_info: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_project_info
short_description: Tell about the projects of a host
description:
  - Lists the projects of a host, or those of one realm, with their quotas, and what is promised of them. Changes nothing.

extends_documentation_fragment:
  - skerry.host.engine
  - skerry.host.info
author: The Skerry authors (@skerry)
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  realm:
    description:
    - Only those of this realm.
    type: str
  name:
    description:
    - Only projects of this name, or REALM/PROJECT.
    type: str
  # end of what is written
seealso:
  - module: skerry.host.skerry_project
"""

EXAMPLES = r"""
- name: Read the projects of a realm
  skerry.host.skerry_project_info:
    realm: acme
  register: all
"""

RETURN = r"""
projects:
  description: The projects, by name. Empty where there is none.
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
    - id: 0b6f3c1d97a24e58a1c2d3e4
      realm: acme
      name: shop
      quota: {memory: 4G, containers: 10}
      used: {containers: 1, memory: 512M, cpu: 1.0, pids: 512, disk: 2G}
      created: "2026-01-31T12:00:00.000+00:00"
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.engine_handler import API, ask, given

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "realm": {"type": "str"},
    "name": {"type": "str"},
    # end of what is written
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    options = given(module.params)
    name = options.pop("name", None)
    found = ask(module, {"verb": "project_list", **options})["projects"]
    module.exit_json(
        projects=[one for one in found if name in (None, one["name"], f"{one['realm']}/{one['name']}")]
    )


if __name__ == "__main__":
    main()
