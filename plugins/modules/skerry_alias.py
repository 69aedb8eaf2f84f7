#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_alias: options, its handler, the answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_alias
short_description: Let a friendly name lead to a container
description:
  - An alias is a name below the host's domain that leads to a container, and to another one after a switch. A switch is one
    step - each request goes to the one or to the other, and none is lost.
  - A container that an alias leads to can't be deleted. One that is stopped answers with its page, by the alias as well.
extends_documentation_fragment:
  - skerry.host.engine
author: The Skerry authors (@skerry)
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  alias:
    description:
    - 'The name: its URL is https://NAME.DOMAIN/.'
    - 3 to 61 lower-case letters, digits and dashes; no dash first or last.
    type: str
    required: true
  state:
    description:
    - Whether the name shall be there. Without it its URL is dead, and what is open is closed.
    type: str
    choices:
    - present
    - absent
    default: present
  realm:
    description:
    - Tenant that owns the alias.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    default: default
  project:
    description:
    - Project of the realm, or REALM/PROJECT; its container is in the same.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    default: default
  container:
    description:
    - Name of the container that it leads to.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    - Required unless O(state=absent).
    type: str
  service:
    description:
    - Service of the container. Where it is not given, the port behind its plain URL.
    type: str
  wait:
    description:
    - 'What to wait for before the switch: that the container''s port answers, or nothing. A container that
      is stopped is not waited for.'
    type: str
    choices:
    - ready
    - running
    default: ready
  timeout:
    description:
    - Seconds to wait for it.
    - From V(0) to V(3600).
    type: float
    default: 30.0
  drain:
    description:
    - Seconds that requests and WebSockets have which are still open to a container that the name led to
      before; then they are closed. Where it is not given, they go on until they end or their container
      does.
    - From V(0) to V(3600).
    type: float
  # end of what is written
attributes:
  check_mode:
    description: Its answer is the plan, whole.
    support: full
  diff_mode:
    description: Shows the alias before and after, and the plan.
    support: full
seealso:
  - module: skerry.host.skerry_alias_info
  - module: skerry.host.skerry_container
"""

EXAMPLES = r"""
- name: Set shop to the new version
  skerry.host.skerry_alias:
    alias: shop
    container: shop-2
    drain: 30

- name: Delete the name
  skerry.host.skerry_alias:
    alias: shop
    state: absent
"""

RETURN = r"""
alias:
  description: The alias as it is now, in check mode as it would be. Null where there is none.
  returned: success
  type: dict
  sample:
    name: shop
    realm: default
    project: default
    container: shop-2
    service: null
    image: shop
    url: https://shop.apps.example.org/
steps:
  description: What was done on the host, in check mode what would be, in order.
  returned: success
  type: list
  elements: str
stored:
  description: What was written down and takes no step.
  returned: success
  type: list
  elements: str
msg:
  description: That there was nothing to delete, with the nearest name.
  returned: when O(state=absent) and there is no such alias
  type: str
code:
  description: The class of error, one of invalid, not_found, exists, busy, host, failed, forbidden.
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.alias_handler import apply_alias
from ..module_utils.engine_handler import API

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "alias": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "realm": {"type": "str", "default": "default"},
    "project": {"type": "str", "default": "default"},
    "container": {"type": "str"},
    "service": {"type": "str"},
    "wait": {"type": "str", "choices": ["ready", "running"], "default": "ready"},
    "timeout": {"type": "float", "default": 30.0},
    "drain": {"type": "float"},
    # end of what is written
}


def main() -> None:
    """Options, the handler, the answer."""
    required = [("state", "present", ("container",))]
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True, required_if=required)
    module.exit_json(**apply_alias(module))


if __name__ == "__main__":
    main()
