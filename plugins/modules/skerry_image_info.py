#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_image_info: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_image_info
short_description: Tell about the images of a host
description:
  - Lists the images of a host, or the one of a name, with the containers made of each. Changes nothing.
extends_documentation_fragment:
  - skerry.host.engine
  - skerry.host.info
author: The Skerry authors (@skerry)
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  name:
    description:
    - Only the image of this name.
    type: str
  show_env:
    description:
    - Show the values of its environment as well, which may be secrets.
    - Needs O(name). Set C(no_log) on the task that asks, or they stand in Ansible's output.
    type: bool
    default: false
  # end of what is written
seealso:
  - module: skerry.host.skerry_image
"""

EXAMPLES = r"""
- name: Read the images of the host
  skerry.host.skerry_image_info:
  register: all

- name: Show unused images
  ansible.builtin.debug:
    msg: "{{ all.images | rejectattr('containers') | map(attribute='name') }}"
"""

RETURN = r"""
images:
  description:
    - The images, by name. Empty where there is none.
  returned: success
  type: list
  elements: dict
  contains:
    env:
      description: Names of its environment's variables.
      returned: always
      type: list
      elements: str
    env_values:
      description: Each variable with its value.
      returned: with O(show_env)
      type: dict
  sample:
    - name: hello
      digest: 1f0c6b1f7d9b8c5a3e2d4f6078192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b
      size: 47206400
      command: [/usr/bin/python3, /srv/hello/app.py]
      env: [NODE_ENV]
      created: "2026-01-31T12:00:00.000+00:00"
      containers: [default/default/blog]
      missing: false
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.engine_handler import API, ask

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "name": {"type": "str"},
    "show_env": {"type": "bool", "default": False},
    # end of what is written
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True, required_if=[("show_env", True, ("name",))])
    name, show_env = module.params["name"], module.params["show_env"]
    found = ask(module, {"verb": "image_list", "show_env": show_env})["images"]
    module.exit_json(images=[image for image in found if name in (None, image["name"])])


if __name__ == "__main__":
    main()
