#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_image_tarball: options, one call, the answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_image_tarball
short_description: Make the tarball of a Debian image on the controller
description:
  - Makes a Debian root file system with C(mmdebstrap) as C(image.toml) in a folder says, and keeps the tarball
    until what it is made from changes. For hosts that are slow or reach no package mirror; on any other host
    O(skerry.host.skerry_image#module:debian) does the same.
  - The same C(image.toml) and the same versions of the packages give the same tarball, to the byte.
  - C(image.toml) has the keys C(suite), C(packages), C(command), C(env), and a table C([files]) with a path in
    the folder and the path in the image on each line, where a folder brings everything below it; and
    C(components), parts of Debian's archive besides main, and C(without), patterns of what no copy of the root
    shall have, such as host keys.
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: Says whether it would build.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
requirements:
  - mmdebstrap and zstd, where the module runs
options:
  folder:
    description: The folder with C(image.toml). Either this or O(recipe).
    type: path
  recipe:
    description: What C(image.toml) would say, without C(files). Needs O(name).
    type: dict
  name:
    description: How the tarball's file begins. The folder's name unless given.
    type: str
  cache:
    description: Where tarballs are kept.
    type: path
    default: ~/.cache/skerry/images
  rebuild:
    description: Build again, for newer packages.
    type: bool
    default: false
seealso:
  - module: skerry.host.skerry_image
"""

EXAMPLES = r"""
- name: Build the tarball on the controller
  skerry.host.skerry_image_tarball:
    folder: images/hello
  delegate_to: localhost
  register: tarball

- name: Show the path of the tarball
  ansible.builtin.debug:
    msg: "{{ tarball.path }} has the digest {{ tarball.sha256 }}"
"""

RETURN = r"""
path:
  description: The tarball, packed by zstd.
  returned: success
  type: str
sha256:
  description: Its digest. Empty in check mode where it is still to be made.
  returned: success
  type: str
command:
  description: The image's command, from C(image.toml).
  returned: success with O(folder)
  type: list
  elements: str
env:
  description: The image's environment, from C(image.toml).
  returned: success with O(folder)
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.tarball_cache import bring

ARGUMENTS = {
    "folder": {"type": "path"},
    "recipe": {"type": "dict"},
    "name": {"type": "str"},
    "cache": {"type": "path", "default": "~/.cache/skerry/images"},
    "rebuild": {"type": "bool", "default": False},
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(
        ARGUMENTS,
        mutually_exclusive=[("folder", "recipe")],
        required_one_of=[("folder", "recipe")],
        required_by={"recipe": "name"},
        supports_check_mode=True,
    )
    module.exit_json(**bring(module))


if __name__ == "__main__":
    main()
