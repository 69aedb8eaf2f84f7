#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_container_rollback: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_container_rollback
short_description: Give a container its earlier image and root back
description:
  - A change of a container's image keeps the root that it had. This goes back to it, with the image of then. The container
    is restarted, and its id, URLs, volumes and environment stay.
  - The root that it leaves is kept in its turn. So without O(image) each call goes back and forth; with O(image) a second
    one changes nothing.
extends_documentation_fragment:
  - skerry.host.engine
author: The Skerry authors (@skerry)
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  name:
    description:
    - Name of the container, unique in its project.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    required: true
  realm:
    description:
    - Tenant that owns the container.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    default: default
  project:
    description:
    - Project of the realm, or REALM/PROJECT; the first half of the URL.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    default: default
  wait:
    description:
    - What to wait for.
    type: str
    choices:
    - running
    - ready
    default: ready
  timeout:
    description:
    - Seconds to wait for it.
    - From V(0) to V(3600).
    type: float
    default: 30.0
  image:
    description:
    - The image to go back to, by its name or C(sha256:) and its digest. Where it is not given, the last
      one.
    type: str
  grace:
    description:
    - Seconds its program has to end by itself this time, in place of the container's own grace.
    - From V(0) to V(3600).
    type: float
  # end of what is written
attributes:
  check_mode:
    description: Its answer is the plan, whole.
    support: full
  diff_mode:
    description: Shows the container before and after, and the plan.
    support: full
seealso:
  - module: skerry.host.skerry_container
"""

EXAMPLES = r"""
- name: Restore the image of before
  skerry.host.skerry_container_rollback:
    name: shop

- name: Restore a named image
  skerry.host.skerry_container_rollback:
    name: shop
    image: sha256:1f0c6b1f7d9b8c5a3e2d4f6078192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b
"""

RETURN = r"""
container:
  description: The container as it is now, in check mode as it would be.
  returned: success
  type: dict
steps:
  description: What was done, in order; in check mode what would be done.
  returned: success
  type: list
  elements: str
stored:
  description: What was written down and takes no step.
  returned: success
  type: list
  elements: str
code:
  description: The class of error, one of invalid, not_found, exists, busy, host, failed, forbidden.
  returned: failure
  type: str
journal:
  description: The newest lines of the program that failed.
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.container_handler import KEY, container_result
from ..module_utils.engine_handler import API, apply, given

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "name": {"type": "str", "required": True},
    "realm": {"type": "str", "default": "default"},
    "project": {"type": "str", "default": "default"},
    "wait": {"type": "str", "choices": ["running", "ready"], "default": "ready"},
    "timeout": {"type": "float", "default": 30.0},
    "image": {"type": "str"},
    "grace": {"type": "float"},
    # end of what is written
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    options = given(module.params)
    key = {name: options.pop(name) for name in KEY}
    module.exit_json(**container_result(apply(module, {"verb": "rollback", "container": key, **options})))


if __name__ == "__main__":
    main()
