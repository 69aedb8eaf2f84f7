#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_container_file: options, one call to the engine, a file in or out."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_container_file
short_description: Put a file into a container, or get one out
description:
  - Copies a file between the host and a container that runs. No program of the image is needed.
  - With O(src) the file in the container is replaced, whole or not at all. It keeps its owner and permissions, unless
    O(owner) and O(mode) say otherwise. A link is replaced, not followed.
  - No path in the container leads out of it.
extends_documentation_fragment:
  - skerry.host.engine
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: Compares, and writes nothing.
    support: full
  diff_mode:
    description: Contents are not shown.
    support: none
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  name:
    description:
    - Name of the container, unique in its project.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    required: true
  path:
    description:
    - Absolute path in the container; a link there is replaced.
    - A path that begins with /.
    type: path
    required: true
  src:
    description:
    - File on the host to put there.
    type: path
  dest:
    description:
    - File on the host to write what is there to; a folder as a tar archive.
    type: path
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
  owner:
    description:
    - Number of its user; with a colon, of its group as well. A new file is root's.
    type: str
  mode:
    description:
    - Permissions in octal, such as 0640. A new file has 0644.
    type: str
  # end of what is written
seealso:
  - module: skerry.host.skerry_exec
"""

EXAMPLES = r"""
- name: Copy a configuration into the container
  skerry.host.skerry_container_file:
    name: blog
    src: /root/app.conf
    path: /srv/app.conf
    owner: "33"
    mode: "0640"

- name: Fetch a folder from the container
  skerry.host.skerry_container_file:
    name: blog
    path: /srv
    dest: /root/srv.tar
"""

RETURN = r"""
path:
  description: The file in the container.
  returned: success
  type: str
code:
  description: The class of error, one of invalid, not_found, exists, busy, host, failed, forbidden.
  returned: failure
  type: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import skerry_inside as inside
from ..module_utils.container_handler import KEY
from ..module_utils.engine_calls import EngineError
from ..module_utils.engine_handler import API, Fields, ask, fail, given

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "name": {"type": "str", "required": True},
    "path": {"type": "path", "required": True},
    "src": {"type": "path"},
    "dest": {"type": "path"},
    "realm": {"type": "str", "default": "default"},
    "project": {"type": "str", "default": "default"},
    "owner": {"type": "str"},
    "mode": {"type": "str"},
    # end of what is written
}


def main() -> None:
    """Options, one call, a copy."""
    apart = [("src", "dest"), ("dest", "owner"), ("dest", "mode")]
    module = AnsibleModule(
        ARGUMENTS, supports_check_mode=True, required_one_of=[("src", "dest")], mutually_exclusive=apart
    )
    options = given(module.params)
    key = {name: options.pop(name) for name in KEY}
    src, dest = options.pop("src", None), options.pop("dest", None)
    place = ask(module, {"verb": "put" if src else "get", "container": key, **options})
    try:
        changed = _put(module, place, src) if src else _get(module, place, dest)
    except (inside.InsideError, OSError) as error:
        fail(module, EngineError("failed", str(error)))
    module.exit_json(changed=changed, path=place["path"])


def _put(module: AnsibleModule, place: Fields, src: str) -> bool:
    with Path(src).open("rb") as source:
        return inside.put(place, source, dry_run=module.check_mode)


def _get(module: AnsibleModule, place: Fields, dest: str) -> bool:
    """Whether the file on the host is another one now."""
    new = Path(module.tmpdir, "got")  # a folder that only this user can enter
    with new.open("wb") as target:
        inside.get(place, target)
    if Path(dest).exists() and module.sha256(str(new)) == module.sha256(dest):
        return False
    if not module.check_mode:
        module.atomic_move(str(new), dest)
    return True


if __name__ == "__main__":
    main()
