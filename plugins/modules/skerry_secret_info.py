#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_secret_info: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_secret_info
short_description: Tell about the secrets of a host
description:
  - Lists the secrets of a host, or those of one realm, project or name, with the containers that have them.
    Never shows a value. Changes nothing.
extends_documentation_fragment:
  - skerry.host.engine
  - skerry.host.info
author: The Skerry authors (@skerry)
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  realm:
    description:
    - Only secrets of this realm.
    type: str
  project:
    description:
    - Only secrets of this project.
    type: str
  name:
    description:
    - Only secrets of this name.
    type: str
  # end of what is written
seealso:
  - module: skerry.host.skerry_secret
"""

EXAMPLES = r"""
- name: Read the secrets of the host
  skerry.host.skerry_secret_info:
  register: all

- name: Show unused secrets
  ansible.builtin.debug:
    msg: "{{ all.secrets | rejectattr('containers') | map(attribute='name') }}"
"""

RETURN = r"""
secrets:
  description:
    - The secrets, by realm, project and name. Empty where there is none.
  returned: success
  type: list
  elements: dict
  contains:
    version:
      description: How many values it has had.
      returned: always
      type: int
    changed:
      description: When it got the one that it has.
      returned: always
      type: str
    containers:
      description: The containers that have it.
      returned: always
      type: list
      elements: str
  sample:
    - id: 5f0c9a7be1d2430c8f6b7a51
      realm: default
      project: default
      name: db-password
      version: 2
      containers: [default/default/shop]
      created: "2026-01-31T12:00:00.000+00:00"
      changed: "2026-02-28T12:00:00.000+00:00"
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
    found = ask(module, {"verb": "secret_list", **options})["secrets"]
    module.exit_json(secrets=[one for one in found if name in (None, one["name"])])


if __name__ == "__main__":
    main()
