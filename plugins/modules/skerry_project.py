#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_project: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_project
short_description: Make, change and delete a project of a realm
description:
  - A project has containers, volumes and secrets, and quotas of its own within those of its realm.
  - The project C(default) of the realm C(default) is always there.

extends_documentation_fragment:
  - skerry.host.engine
author: The Skerry authors (@skerry)
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  name:
    description:
    - Name of the project, unique in its realm, or REALM/PROJECT.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    required: true
  state:
    description:
    - Whether it shall be there. Deleting one that has anything is refused.
    type: str
    choices:
    - present
    - absent
    default: present
  realm:
    description:
    - Tenant that owns the project.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    default: default
  quota:
    description:
    - How much it may have at most, running or not. A quota that is not named stays, V(none) takes it away.
    type: dict
    suboptions:
      containers:
        description:
        - Containers, running or not.
        type: str
      memory:
        description:
        - Sum of its containers' memory, such as 8G. The kernel holds them to it too.
        type: str
      cpu:
        description:
        - Sum of its containers' cpu. The kernel holds them to it too.
        type: str
      pids:
        description:
        - Sum of its containers' pids. The kernel holds them to it too.
        type: str
      disk:
        description:
        - Sum of its containers' disk and its volumes' size, such as 40G.
        type: str
      volumes:
        description:
        - Volumes.
        type: str
  # end of what is written
attributes:
  check_mode:
    description: Its answer is the plan, whole.
    support: full
  diff_mode:
    description: Shows the project before and after, and the plan.
    support: full
seealso:
  - module: skerry.host.skerry_realm
  - module: skerry.host.skerry_project_info
"""

EXAMPLES = r"""
- name: Create a project with quotas
  skerry.host.skerry_project:
    name: acme/shop
    quota:
      memory: 4G
      disk: 40G

- name: Create a container in the project
  skerry.host.skerry_container:
    name: web
    project: acme/shop
    image: hello

- name: Delete an empty project
  skerry.host.skerry_project:
    name: acme/shop
    state: absent
"""

RETURN = r"""
project:
  description: The project as it is now; in check mode as it would be. Null where there is none.
  returned: success
  type: dict
  sample:
    id: 0b6f3c1d97a24e58a1c2d3e4
    realm: acme
    name: shop
    quota: {memory: 4G, containers: 10}
    used: {containers: 1, memory: 512M, cpu: 1.0, pids: 512, disk: 2G}
    created: "2026-01-31T12:00:00.000+00:00"
steps:
  description: What was done, in order; in check mode what would be.
  returned: success
  type: list
  elements: str
  sample:
    - "make slice skerry-5f0c9a7be1d2430c8f6b7a51.slice (memory 16G, cpu 4, pids any): its quotas, which the kernel holds"
stored:
  description: What was written down and took no step.
  returned: success
  type: list
  elements: str
  sample: ["quota memory none to 16G"]
missing:
  description: With O(state=absent), where there was no project of that name, what there is instead. Else empty.
  returned: success
  type: str
  sample: ""
code:
  description: The class of error, one of invalid, not_found, exists, busy, host, failed, forbidden.
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.engine_handler import API, apply
from ..module_utils.tenant_handler import project_request, tenant_result

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "realm": {"type": "str", "default": "default"},
    "quota": {
        "type": "dict",
        "options": {
            "containers": {"type": "str"},
            "memory": {"type": "str"},
            "cpu": {"type": "str"},
            "pids": {"type": "str"},
            "disk": {"type": "str"},
            "volumes": {"type": "str"},
        },
    },
    # end of what is written
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    module.exit_json(**tenant_result(apply(module, project_request(module.params)), "project"))


if __name__ == "__main__":
    main()
