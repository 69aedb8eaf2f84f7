#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_image: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_image
short_description: Bring an image to a host, or delete one
description:
  - Makes an image, the root file system of containers, of a tarball that lies on the host or of Debian packages.
    It becomes one read-only EROFS file, named by the SHA-256 of its tarball, and is mounted once for all containers.
  - Nothing of a tarball is ever unpacked on the host. One that cannot be a container's root is refused, with
    the name of the member and what is wrong with it.
  - Where the name belongs to an image of another digest, it moves to the new one. The old one stays as
    C(NAME@DIGEST12), its name and 12 characters of its digest, while containers are made of it.
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: Asks the engine for its plan.
    support: full
  diff_mode:
    description: Shows the image before and after, and the steps between.
    support: full
notes:
  - Needs to be root on the host (C(become)).
options:
  name:
    description:
      - Name of the image. Lower-case letters, digits, dots, dashes and underscores, at most 58.
      - To delete one, C(sha256:) and its digest will do as well.
    type: str
    required: true
  state:
    description: Whether it shall be on the host. Deleting one that containers are made of is refused.
    type: str
    choices: [present, absent]
    default: present
  tarball:
    description: Make it of a root file system tarball.
    type: dict
    suboptions:
      path:
        description:
          - The tarball on the host, plain or packed by gzip, bzip2, xz or zstd.
          - The engine sees nothing below C(/tmp), C(/home) and C(/root); C(/var/lib/skerry/incoming) is a place for it.
        type: path
        required: true
      sha256:
        description: Digest of the tarball as it lies there, as C(sha256sum) prints it.
        type: str
        required: true
  debian:
    description: Make it of Debian packages, on the host, with C(mmdebstrap).
    type: dict
    suboptions:
      suite:
        description: Debian release by its code name.
        type: str
        default: trixie
      packages:
        description: Packages on top of the smallest Debian.
        type: list
        elements: str
        default: []
      files:
        description: Files to add.
        type: list
        elements: dict
        default: []
        suboptions:
          dest:
            description: Path in the image.
            type: str
            required: true
          content:
            description: Text of the file.
            type: str
          path:
            description: A file on the host to take, instead of O(debian.files[].content).
            type: path
          mode:
            description: Permissions, octal. The file belongs to root.
            type: str
            default: "0644"
      rebuild:
        description: >-
          Build even where suite, packages and files are those the image was built from, for newer packages.
          Where they give the same image, nothing changes.
        type: bool
        default: false
  command:
    description:
      - Program and arguments that its containers run, unless they name their own.
      - Where it is not given, a new image has none and one that exists keeps its own.
    type: list
    elements: str
  env:
    description: Environment of its containers' program. Where it is not given, as with O(command).
    type: dict
seealso:
  - module: skerry.host.skerry_image_info
  - module: skerry.host.skerry_image_tarball
  - module: skerry.host.skerry_container
"""

EXAMPLES = r"""
- name: An image of Debian packages
  skerry.host.skerry_image:
    name: hello
    debian:
      packages: [python3-minimal]
      files:
        - dest: /srv/hello/app.py
          content: "{{ lookup('ansible.builtin.file', 'app.py') }}"
    command: [/usr/bin/python3, /srv/hello/app.py]

- name: An image of a tarball
  skerry.host.skerry_image:
    name: shop
    tarball:
      path: /var/lib/skerry/incoming/shop.tar.zst
      sha256: 1f0c6b1f7d9b8c5a3e2d4f6078192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b
    command: [/usr/bin/node, /srv/shop/server.js]
    env:
      NODE_ENV: production

- name: Delete an image
  skerry.host.skerry_image:
    name: shop
    state: absent
"""

RETURN = r"""
image:
  description: The image as it is now, in check mode as it would be. Null where there is none.
  returned: success
  type: dict
  sample:
    name: hello
    digest: 1f0c6b1f7d9b8c5a3e2d4f6078192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b
    size: 47206400
    command: [/usr/bin/python3, /srv/hello/app.py]
    env: {}
    created: "2026-01-31T12:00:00.000+00:00"
steps:
  description: What was done, in order; in check mode what would be done.
  returned: success
  type: list
  elements: str
code:
  description: The class of error, one of invalid, not_found, exists, busy, host, failed, forbidden.
  returned: failure
  type: str
journal:
  description: The newest lines of the program that failed.
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.door import carry_out
from ..module_utils.door_images import image_request, image_result

FILE = {
    "dest": {"type": "str", "required": True},
    "content": {"type": "str"},
    "path": {"type": "path"},
    "mode": {"type": "str", "default": "0644"},
}
DEBIAN = {
    "suite": {"type": "str", "default": "trixie"},
    "packages": {"type": "list", "elements": "str", "default": []},
    "files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": FILE,
        "mutually_exclusive": [("content", "path")],
        "required_one_of": [("content", "path")],
    },
    "rebuild": {"type": "bool", "default": False},
}
ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "tarball": {
        "type": "dict",
        "options": {"path": {"type": "path", "required": True}, "sha256": {"type": "str", "required": True}},
    },
    "debian": {"type": "dict", "options": DEBIAN},
    "command": {"type": "list", "elements": "str"},
    "env": {"type": "dict"},
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(
        ARGUMENTS,
        supports_check_mode=True,
        mutually_exclusive=[("tarball", "debian")],
        required_if=[("state", "present", ("tarball", "debian"), True)],
    )
    module.exit_json(**image_result(carry_out(module, image_request(module.params))))


if __name__ == "__main__":
    main()
