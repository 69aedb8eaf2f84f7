#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_realm: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_realm
short_description: Make, change and delete a realm
description:
  - A realm is a tenant. No packet passes between two realms, and each has projects, quotas and logs of its own.
  - A new realm has no project. The realm C(default) is always there.

extends_documentation_fragment:
  - skerry.host.engine
author: The Skerry authors (@skerry)
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  name:
    description:
    - Name of the realm (tenant), unique on the host.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    required: true
  state:
    description:
    - Whether it shall be there. Deleting one that has a project is refused.
    type: str
    choices:
    - present
    - absent
    default: present
  merge_memory:
    description:
    - Keep equal memory of its containers once (KSM). Who shares it can measure what others have, so one
      realm of a host may, and others where lxc_host_merge_memory_realms names them. It holds from a container's
      next start on. A new realm does not.
    type: bool
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
    description: Shows the realm before and after, and the plan.
    support: full
seealso:
  - module: skerry.host.skerry_project
  - module: skerry.host.skerry_realm_info
"""

EXAMPLES = r"""
- name: Create a realm with quotas
  skerry.host.skerry_realm:
    name: acme
    quota:
      memory: 16G
      containers: 40

- name: Remove a quota
  skerry.host.skerry_realm:
    name: acme
    quota:
      containers: none

- name: Delete an empty realm
  skerry.host.skerry_realm:
    name: acme
    state: absent
"""

RETURN = r"""
realm:
  description: The realm as it is now; in check mode as it would be. Null where there is none.
  returned: success
  type: dict
  sample:
    id: 5f0c9a7be1d2430c8f6b7a51
    name: acme
    merge_memory: false
    quota: {memory: 16G, cpu: 4.0}
    used: {containers: 2, memory: 1G, cpu: 2.0, pids: 1024, disk: 4G}
    projects: [shop]
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
  description: With O(state=absent), where there was no realm of that name, what there is instead. Else empty.
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
from ..module_utils.tenant_handler import realm_request, tenant_result

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "merge_memory": {"type": "bool"},
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
    module.exit_json(**tenant_result(apply(module, realm_request(module.params)), "realm"))


if __name__ == "__main__":
    main()
