#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_container_archive: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_container_archive
short_description: Export a container into an archive, or import one
description:
  - Writes a container, its options and its own files as they are in one moment, into a plain tar archive on the host. The
    container may run meanwhile. Its volumes' files and its secrets' values are not in it; values of its environment are.
  - Makes a container of such an archive, on this or another host. It is not started. The same image must be on the host, by
    its digest, and so must volumes and secrets of the names that the container has.
  - Each member is checked before it is written; one that cannot be there is refused by name, and nothing of the archive is
    left.
extends_documentation_fragment:
  - skerry.host.engine
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: Asks the engine for its plan. Of an archive that is to be imported, only its beginning is read.
    support: full
  diff_mode:
    description: Shows the container before and after, and the steps between.
    support: full
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  name:
    description:
    - Name of the container, unique in its project.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    required: true
  state:
    description:
    - 'V(exported): the container is in the archive. A file that is there already is left as it is.'
    - 'V(imported): a container of that name is made of it. One that is there already is left as it is.'
    type: str
    choices:
    - exported
    - imported
    required: true
  path:
    description:
    - The archive, a file on the host.
    type: path
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
  snapshot:
    description:
    - 'With O(state=exported): the snapshot of it whose files are written. Without one, those of now.'
    type: str
  # end of what is written
seealso:
  - module: skerry.host.skerry_container
  - module: skerry.host.skerry_volume_archive
"""

EXAMPLES = r"""
- name: Export a container
  skerry.host.skerry_container_archive:
    name: blog
    path: /var/lib/skerry/outgoing/blog.tar
    state: exported

- name: Import the container under a new name
  skerry.host.skerry_container_archive:
    name: blog-of-yesterday
    path: /var/lib/skerry/incoming/blog.tar
    state: imported

- name: Start the container
  skerry.host.skerry_container:
    name: blog-of-yesterday
    state: started
"""

RETURN = r"""
container:
  description:
    - The container as it is now; in check mode as it would be. Null where the archive, or the container, was there already.
  returned: success
  type: dict
  sample:
    id: 5f0c9a7be1d2430c8f6b7a51
    realm: default
    project: default
    name: blog
    state: stopped
url:
  description: Where the container answers once it is started. Empty where nothing was done.
  returned: success
  type: str
  sample: https://1f2e3d4c5b6a79880a1b2c3d-5f0c9a7be1d2430c8f6b7a51.example.org/
path:
  description: The archive on the host.
  returned: success
  type: str
  sample: /var/lib/skerry/outgoing/blog.tar
steps:
  description: What was done, in order; in check mode what would be.
  returned: success
  type: list
  elements: str
  sample: ["take snapshot of the archive: the archive has the files of one moment"]
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

from ..module_utils.archive_handler import apply_container_archive
from ..module_utils.engine_handler import API

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["exported", "imported"], "required": True},
    "path": {"type": "path", "required": True},
    "realm": {"type": "str", "default": "default"},
    "project": {"type": "str", "default": "default"},
    "snapshot": {"type": "str"},
    # end of what is written
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    module.exit_json(**apply_container_archive(module))


if __name__ == "__main__":
    main()
