#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_snapshot: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_snapshot
short_description: Take, restore or delete a snapshot of a container or volume
description:
  - A snapshot has the files of a container or of a volume as they were in one moment. A program may run meanwhile.
  - It takes no time and no space at first. What changes afterwards is kept twice, and both count for the limit of
    the container (C(disk)) or volume (C(size)).
  - A container's snapshot has what the container wrote, and which image it stands on. It has nothing of its volumes
    and secrets, and none of its options. Volumes have snapshots of their own.
  - Deleting a container or volume deletes its snapshots.
extends_documentation_fragment:
  - skerry.host.engine
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: Asks the engine for its plan.
    support: full
  diff_mode:
    description: Shows the snapshot, or what is restored, before and after, and the steps between.
    support: full
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  name:
    description:
    - Name of the snapshot, unique in what it is of.
    - Lower-case letters, digits, dots and dashes; a letter or digit first and last. At most 48 characters.
    type: str
    required: true
  container:
    description:
    - The container that it is of.
    type: str
  volume:
    description:
    - The volume that it is of.
    type: str
  state:
    description:
    - 'V(present): it is there. One that is there already stays as it is, whatever has changed since.'
    - 'V(absent): it is deleted.'
    - 'V(restored): its files replace those of the container or volume, every time. A container restarts,
      with its image.'
    type: str
    choices:
    - present
    - absent
    - restored
    default: present
  realm:
    description:
    - Tenant that owns it.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    default: default
  project:
    description:
    - Project of the realm, or REALM/PROJECT.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    default: default
  expires:
    description:
    - How long it is kept, such as 12h, 7d or 4w. Without that, until somebody deletes it.
    type: str
  keep:
    description:
    - 'With O(state=restored): keep the files of now as a snapshot, which is called before- and the time.
      Otherwise what was written since is destroyed.'
    type: bool
    default: true
  wait:
    description:
    - 'With O(state=restored): what to wait for where a container runs.'
    type: str
    choices:
    - running
    - ready
    default: ready
  timeout:
    description:
    - 'With O(state=restored): seconds to wait for it.'
    - From V(0) to V(3600).
    type: float
    default: 30.0
  grace:
    description:
    - 'With O(state=restored): seconds a container''s program has to end, in place of the container''s own
      grace.'
    - From V(0) to V(3600).
    type: float
  # end of what is written
seealso:
  - module: skerry.host.skerry_snapshot_info
  - module: skerry.host.skerry_container_rollback
  - module: skerry.host.skerry_volume_archive
"""

EXAMPLES = r"""
- name: Create a snapshot before an upgrade
  skerry.host.skerry_snapshot:
    container: blog
    name: before-upgrade
    expires: 7d

- name: Restore the container to the snapshot
  skerry.host.skerry_snapshot:
    container: blog
    name: before-upgrade
    state: restored

- name: Create a snapshot of a volume
  skerry.host.skerry_snapshot:
    volume: data
    name: monday

- name: Delete a snapshot
  skerry.host.skerry_snapshot:
    volume: data
    name: monday
    state: absent
"""

RETURN = r"""
snapshot:
  description: The snapshot as it is now; in check mode as it would be. Null where there is none.
  returned: success, unless O(state=restored)
  type: dict
  sample:
    id: 5f0c9a7be1d2430c8f6b7a51
    realm: default
    project: default
    source: blog
    name: before-upgrade
    size: 41943040
    created: "2026-12-05T08:00:00.000+00:00"
    expires: "2026-12-12T08:00:00+00:00"
    image: blog
    image_digest: 9e107d9d372bb6826bd81d3542a419d69e107d9d372bb6826bd81d3542a419d6
container:
  description: The container that was restored.
  returned: success, with O(state=restored) and O(container)
  type: dict
volume:
  description: The volume that was restored.
  returned: success, with O(state=restored) and O(volume)
  type: dict
steps:
  description: What was done, in order; in check mode what would be.
  returned: success
  type: list
  elements: str
  sample: ["take snapshot before-upgrade: the files of blog as they are now"]
stored:
  description: What was written down and took no step.
  returned: success
  type: list
  elements: str
  sample: []
missing:
  description: With O(state=absent), where there was no snapshot of that name, what there is instead. Else empty.
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
from ..module_utils.snapshot_handler import request, snapshot_result

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "name": {"type": "str", "required": True},
    "container": {"type": "str"},
    "volume": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent", "restored"], "default": "present"},
    "realm": {"type": "str", "default": "default"},
    "project": {"type": "str", "default": "default"},
    "expires": {"type": "str"},
    "keep": {"type": "bool", "default": True},
    "wait": {"type": "str", "choices": ["running", "ready"], "default": "ready"},
    "timeout": {"type": "float", "default": 30.0},
    "grace": {"type": "float"},
    # end of what is written
}


def main() -> None:
    """Options, one call, the answer."""
    one_of = [("container", "volume")]
    module = AnsibleModule(
        ARGUMENTS, supports_check_mode=True, mutually_exclusive=one_of, required_one_of=one_of
    )
    module.exit_json(**snapshot_result(module.params, apply(module, request(module.params))))


if __name__ == "__main__":
    main()
