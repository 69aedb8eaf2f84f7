#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_volume: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_volume
short_description: Make, copy, resize, rename or delete a volume
description:
  - A volume is a folder with a size of its own. It outlives the containers that use it, their images and their options.
  - Containers of the same project have it by their option C(volumes), one or several, read-only too.
  - It can grow and shrink while containers use it. A size below what its files take is refused, with figures.
  - With O(copy_of) a new one begins with the files of another volume, or of a snapshot of it. With O(renamed_from) one
    that has another name gets this one, and the options of containers that have it follow.
extends_documentation_fragment:
  - skerry.host.engine
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: Asks the engine for its plan.
    support: full
  diff_mode:
    description: Shows the volume before and after, and the steps between.
    support: full
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  name:
    description:
    - Name of the volume, unique in its project.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    required: true
  state:
    description:
    - Whether it shall be there. Deleting one that a container has is refused.
    type: str
    choices:
    - present
    - absent
    default: present
  realm:
    description:
    - Tenant that owns the volume.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    default: default
  project:
    description:
    - Project of the realm, or REALM/PROJECT. Only containers of the same one can have the volume.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    default: default
  size:
    description:
    - Space its files may take, at least 16M. A new volume has 1G, one that exists keeps its own. It can
      be changed while containers use the volume.
    type: str
  snapshot_every:
    description:
    - 'How often a snapshot of it is taken by itself, such as 6h or 1d, at least 15m. Where no file has
      changed since the last one, none is taken. An empty text means: never.'
    type: str
  snapshot_keep:
    description:
    - How long each of these is kept, such as 2d or 4w, until it expires. By default 1w. Those that are
      there keep their own time.
    type: str
  copy_of:
    description:
    - A volume of the same project, or NAME@SNAPSHOT, whose files and options it has where it is made. One
      that exists stays as it is.
    type: str
  renamed_from:
    description:
    - What it was called before. Where none of its own name exists, that one gets the name, and keeps its
      files.
    type: str
  # end of what is written
seealso:
  - module: skerry.host.skerry_volume_info
  - module: skerry.host.skerry_container
"""

EXAMPLES = r"""
- name: Create a volume
  skerry.host.skerry_volume:
    name: data
    size: 10G

- name: Create a container with the volume
  skerry.host.skerry_container:
    name: database
    image: postgres
    volumes:
      - volume: data
        path: /var/lib/postgresql

- name: Create a copy of a volume's snapshot
  skerry.host.skerry_volume:
    name: data-next
    copy_of: data@monday

- name: Rename a volume
  skerry.host.skerry_volume:
    name: pages
    renamed_from: data

- name: Delete a volume and the files
  skerry.host.skerry_volume:
    name: data
    state: absent
"""

RETURN = r"""
volume:
  description: The volume as it is now; in check mode as it would be. Null where there is none.
  returned: success
  type: dict
  sample:
    id: 5f0c9a7be1d2430c8f6b7a51
    realm: default
    project: default
    name: data
    size: 10G
    created: "2026-01-31T12:00:00.000+00:00"
steps:
  description: What was done, in order; in check mode what would be.
  returned: success
  type: list
  elements: str
  sample: ["make volume 5f0c9a7be1d2430c8f6b7a51 (10G): its files outlive the containers that use it"]
stored:
  description: What was written down and took no step.
  returned: success
  type: list
  elements: str
  sample: []
missing:
  description: With O(state=absent), where there was no volume of that name, what there is instead. Else empty.
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
from ..module_utils.volume_handler import ensure_request, volume_result

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "realm": {"type": "str", "default": "default"},
    "project": {"type": "str", "default": "default"},
    "size": {"type": "str"},
    "snapshot_every": {"type": "str"},
    "snapshot_keep": {"type": "str"},
    "copy_of": {"type": "str"},
    "renamed_from": {"type": "str"},
    # end of what is written
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    module.exit_json(**volume_result(apply(module, ensure_request(module.params))))


if __name__ == "__main__":
    main()
