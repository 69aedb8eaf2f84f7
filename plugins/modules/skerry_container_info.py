#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_container_info: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_container_info
short_description: Tell about the containers of a host
description:
  - Lists the containers of a host, or those of one realm, project or name. Changes nothing.
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: It only reads.
    support: full
  diff_mode:
    description: It only reads.
    support: none
notes:
  - Needs to be root on the host (C(become)).
options:
  # written by `make options` from src/skerry/model
  realm:
    description:
    - Only containers of this realm.
    type: str
  project:
    description:
    - Only containers of this project.
    type: str
  name:
    description:
    - Only containers of this name.
    type: str
  # end of what is written
seealso:
  - module: skerry.host.skerry_container
"""

EXAMPLES = r"""
- name: All containers of the host
  skerry.host.skerry_container_info:
  register: all

- name: One of them
  skerry.host.skerry_container_info:
    name: blog
  register: blog

- name: Say whether it runs
  ansible.builtin.debug:
    msg: "{{ blog.containers | map(attribute='state') | first | default('there is none') }}"
"""

RETURN = r"""
containers:
  description: The containers, by realm, project and name. Empty where there is none.
  returned: success
  type: list
  elements: dict
  sample:
    - id: 5f0c9a7be1d2430c8f6b7a51
      realm: default
      project: default
      name: blog
      image: hello
      state: running
      memory: 256M
      cpu: 1.0
      ipv4: 10.90.1.1
      url: https://0a1b2c3d4e5f60718293a4b5-5f0c9a7be1d2430c8f6b7a51.skerry.example/
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.door import ask, given

ARGUMENTS = {
    # written by `make options` from src/skerry/model
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
    found = ask(module, {"verb": "list", **options})["containers"]
    module.exit_json(containers=[one for one in found if name in (None, one["name"])])


if __name__ == "__main__":
    main()
