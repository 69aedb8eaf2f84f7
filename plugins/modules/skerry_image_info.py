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
  name:
    description: Only the image of this name.
    type: str
seealso:
  - module: skerry.host.skerry_image
"""

EXAMPLES = r"""
- name: All images of the host
  skerry.host.skerry_image_info:
  register: all

- name: Those that nothing uses
  ansible.builtin.debug:
    msg: "{{ all.images | rejectattr('containers') | map(attribute='name') }}"
"""

RETURN = r"""
images:
  description: The images, by name. Empty where there is none.
  returned: success
  type: list
  elements: dict
  sample:
    - name: hello
      digest: 1f0c6b1f7d9b8c5a3e2d4f6078192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b
      size: 47206400
      command: [/usr/bin/python3, /srv/hello/app.py]
      env: {}
      created: "2026-01-31T12:00:00.000+00:00"
      containers: [default/default/blog]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.door import ask

ARGUMENTS = {"name": {"type": "str"}}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    found, name = ask(module, {"verb": "image_list"})["images"], module.params["name"]
    module.exit_json(images=[image for image in found if name in (None, image["name"])])


if __name__ == "__main__":
    main()
