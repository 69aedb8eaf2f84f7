#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_volume_info: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_volume_info
short_description: Tell about the volumes of a host
description:
  - Lists the volumes of a host, or those of one realm, project or name, with what they use and who has them.
    Changes nothing.
extends_documentation_fragment:
  - skerry.host.engine
  - skerry.host.info
author: The Skerry authors (@skerry)
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  realm:
    description:
    - Only volumes of this realm.
    type: str
  project:
    description:
    - Only volumes of this project.
    type: str
  name:
    description:
    - Only volumes of this name.
    type: str
  # end of what is written
seealso:
  - module: skerry.host.skerry_volume
"""

EXAMPLES = r"""
- name: Read the volumes of the host
  skerry.host.skerry_volume_info:
  register: all

- name: Show unused volumes
  ansible.builtin.debug:
    msg: "{{ all.volumes | rejectattr('containers') | map(attribute='name') }}"
"""

RETURN = r"""
volumes:
  description:
    - The volumes, by realm, project and name. Empty where there is none.
  returned: success
  type: list
  elements: dict
  contains:
    size:
      description: Space its files may take.
      returned: always
      type: str
    used:
      description: Bytes that they take. What was written in the last seconds may be missing.
      returned: always
      type: int
    containers:
      description: The containers that have it.
      returned: always
      type: list
      elements: str
  sample:
    - id: 5f0c9a7be1d2430c8f6b7a51
      realm: default
      project: default
      name: data
      size: 10G
      used: 41943040
      containers: [default/default/database]
      created: "2026-01-31T12:00:00.000+00:00"
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.engine_handler import API, ask, given

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "realm": {"type": "str"},
    "project": {"type": "str"},
    "name": {"type": "str"},
    # end of what is written
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    options = given(module.params)
    name = options.pop("name", None)
    found = ask(module, {"verb": "volume_list", **options})["volumes"]
    module.exit_json(volumes=[one for one in found if name in (None, one["name"])])


if __name__ == "__main__":
    main()
