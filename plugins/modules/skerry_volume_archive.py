#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_volume_archive: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_volume_archive
short_description: Back a volume up into an archive, or restore one
description:
  - Writes a volume's files, as they are in one moment, into a plain tar archive on the host, with numeric owners, extended
    attributes, ACLs and holes. Containers may run meanwhile.
  - Puts the files of such an archive into a new volume, or into one that has no files. Each member is checked before it
    is written; one that cannot be in a volume is refused by name, and nothing of the archive is left.
  - Over files that are there it restores only where O(replace) names the volume by its id. The containers that have the
    volume must be stopped.
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
    - 'V(saved): the volume''s files are in the archive. A file that is there already is left as it is.'
    - 'V(restored): the archive''s files are in the volume. A volume that is not there is made.'
    type: str
    choices:
    - saved
    - restored
    required: true
  path:
    description:
    - The archive, a file on the host.
    type: path
    required: true
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
    - Space that a new volume's files may take. A new one has V(1G).
    - At least V(16M).
    type: str
  replace:
    description:
    - Id of the volume, as 'info' shows it, where its own files shall be destroyed. A new volume, and one
      without files, need no such word.
    type: str
  # end of what is written
seealso:
  - module: skerry.host.skerry_volume
"""

EXAMPLES = r"""
- name: Back a volume up
  skerry.host.skerry_volume_archive:
    name: data
    path: /var/lib/skerry/outgoing/data.tar
    state: saved

- name: Restore the archive into a new volume
  skerry.host.skerry_volume_archive:
    name: data-of-yesterday
    path: /var/lib/skerry/incoming/data.tar
    size: 10G
    state: restored
"""

RETURN = r"""
volume:
  description: The volume as it is now; in check mode as it would be. Null where the archive was there already.
  returned: success
  type: dict
  sample:
    id: 5f0c9a7be1d2430c8f6b7a51
    realm: default
    project: default
    name: data
    size: 10G
    created: "2026-01-31T12:00:00.000+00:00"
path:
  description: The archive on the host.
  returned: success
  type: str
  sample: /var/lib/skerry/outgoing/data.tar
steps:
  description: What was done, in order; in check mode what would be.
  returned: success
  type: list
  elements: str
  sample: ["make snapshot of volume 5f0c9a7be1d2430c8f6b7a51-1: the archive has the files of one moment"]
stored:
  description: What was written down and took no step.
  returned: success
  type: list
  elements: str
  sample: []
missing:
  description: Always empty.
  returned: success
  type: str
  sample: ""
code:
  description: The class of error, one of invalid, not_found, exists, busy, host, failed, forbidden.
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.archive_handler import apply_archive
from ..module_utils.engine_handler import API

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["saved", "restored"], "required": True},
    "path": {"type": "path", "required": True},
    "realm": {"type": "str", "default": "default"},
    "project": {"type": "str", "default": "default"},
    "size": {"type": "str"},
    "replace": {"type": "str"},
    # end of what is written
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    module.exit_json(**apply_archive(module))


if __name__ == "__main__":
    main()
