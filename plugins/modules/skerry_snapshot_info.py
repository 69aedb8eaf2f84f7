#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_snapshot_info: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_snapshot_info
short_description: Tell about the snapshots of a host
description:
  - Lists the snapshots of a host, or those of one realm, project, container, volume or name. Changes nothing.
extends_documentation_fragment:
  - skerry.host.engine
  - skerry.host.info
author: The Skerry authors (@skerry)
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  realm:
    description:
    - Only snapshots of this realm.
    type: str
  project:
    description:
    - Only snapshots of this project.
    type: str
  name:
    description:
    - Only snapshots of this name.
    type: str
  container:
    description:
    - Only snapshots of this container.
    type: str
  volume:
    description:
    - Only snapshots of this volume.
    type: str
  # end of what is written
seealso:
  - module: skerry.host.skerry_snapshot
"""

EXAMPLES = r"""
- name: Read the snapshots of a container
  skerry.host.skerry_snapshot_info:
    container: blog
  register: found

- name: Show the newest snapshot
  ansible.builtin.debug:
    msg: "{{ (found.snapshots | last).name }}"
"""

RETURN = r"""
snapshots:
  description:
    - The snapshots, by realm, project and what they are of, the oldest first. Empty where there is none.
  returned: success
  type: list
  elements: dict
  contains:
    source:
      description: What it is of, the name of a container, or C(volume/) and the name of a volume.
      returned: always
      type: str
    size:
      description: Bytes that the files took. Of more than 200,000 files, at least that.
      returned: always
      type: int
    expires:
      description: When it is deleted. Null for never.
      returned: always
      type: str
    image:
      description: What the container's image was called. Null for a volume.
      returned: always
      type: str
  sample:
    - id: 5f0c9a7be1d2430c8f6b7a51
      realm: default
      project: default
      source: blog
      name: before-upgrade
      size: 41943040
      created: "2026-12-05T08:00:00.000+00:00"
      expires: null
      image: blog
      image_digest: 9e107d9d372bb6826bd81d3542a419d69e107d9d372bb6826bd81d3542a419d6
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.engine_handler import API, ask, given
from ..module_utils.snapshot_handler import source

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "realm": {"type": "str"},
    "project": {"type": "str"},
    "name": {"type": "str"},
    "container": {"type": "str"},
    "volume": {"type": "str"},
    # end of what is written
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True, mutually_exclusive=[("container", "volume")])
    options = given(module.params)
    name, of = options.pop("name", None), source(options)
    request = {"verb": "snapshot_list", **options, **({} if of is None else {"source": of})}
    found = ask(module, request)["snapshots"]
    module.exit_json(snapshots=[one for one in found if name in (None, one["name"])])


if __name__ == "__main__":
    main()
