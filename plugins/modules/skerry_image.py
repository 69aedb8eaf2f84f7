#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_image: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_image
short_description: Bring an image to a host, or delete one
description:
  - Makes an image, the root file system of containers, of an OCI image, of a tarball that lies on the host, of Debian
    packages or of a container. It becomes one read-only EROFS file, of an OCI image two, and is mounted once for all
    containers.
  - A container is published with the files of its image and its own, those of one moment, whether it runs or not. Its
    volumes and its secrets stay behind. It is published once. C(rebuild) does it again.
  - Of an OCI image the layers that another image on the host begins with too are one file, which both have. What it says
    of its program (C(Entrypoint), C(Cmd), C(Env), C(User), C(WorkingDir), C(ExposedPorts), C(StopSignal)) its containers
    take over where their own options say nothing; what has no place here is named in C(warnings).
  - Nothing of a tarball is ever unpacked on the host. One that cannot be a container's root is refused, with
    the name of the member and what is wrong with it.
  - Where the name belongs to an image of another digest, it moves to the new one. The old one stays as
    C(NAME@DIGEST12), its name and 12 characters of its digest, while containers are made of it.
extends_documentation_fragment:
  - skerry.host.engine
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: Asks the engine for its plan.
    support: full
  diff_mode:
    description: Shows the image before and after, and the steps between.
    support: full
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  name:
    description:
    - Name of the image.
    - Lower-case letters, digits, dots, dashes and underscores, at most 58.
    - To delete one, C(sha256:) and its digest will do as well.
    type: str
    required: true
  state:
    description:
    - Whether it shall be on the host. Deleting one that containers are made of is refused.
    type: str
    choices:
    - present
    - absent
    default: present
  tarball:
    description:
    - Make it of a root file system tarball.
    type: dict
    suboptions:
      path:
        description:
        - The tarball on the host, plain or packed by gzip, bzip2, xz or zstd. The engine sees nothing below
          C(/tmp), C(/home) and C(/root); C(/var/lib/skerry/incoming) is a place for it.
        - A path that begins with /.
        type: path
        required: true
      sha256:
        description:
        - Digest of the tarball as it lies there.
        - 64 hex digits, as sha256sum prints them.
        type: str
        required: true
  oci:
    description:
    - 'Make it of an OCI image: of a registry, or one that lies on the host.'
    type: dict
    suboptions:
      source:
        description:
        - 'Where it comes from. HOST/PATH:TAG or HOST/PATH@DIGEST of a registry, such as docker.io/library/nginx:1.27.
          Or what lies on the host: oci:PATH of an OCI layout, oci-archive:PATH of one in a tarball, docker-archive:PATH
          of what docker save wrote; where it holds several, with :TAG at the end.'
        type: str
        required: true
      username:
        description:
        - Who asks the registry.
        - A name without blanks and colons.
        type: str
      password:
        description:
        - The password or token. It is kept nowhere.
        type: str
      tls_verify:
        description:
        - Refuse a registry that speaks plain HTTP, or whose certificate the host does not trust.
        type: bool
        default: true
  debian:
    description:
    - Make it of Debian packages, on the host, with C(mmdebstrap).
    type: dict
    suboptions:
      suite:
        description:
        - Debian release by its code name.
        - The code name of a Debian release, such as trixie.
        type: str
        default: trixie
      packages:
        description:
        - Packages on top of the smallest Debian.
        type: list
        elements: str
        default: []
      rebuild:
        description:
        - Build even where suite, packages and files are those the image was built from, for newer packages.
          Where they give the same image, nothing changes.
        type: bool
        default: false
      files:
        description:
        - Files to add.
        type: list
        elements: dict
        default: []
        suboptions:
          dest:
            description:
            - Path in the image.
            type: str
            required: true
          content:
            description:
            - Text of the file.
            type: str
          path:
            description:
            - A file on the host to take, instead of a text.
            - A path that begins with /.
            type: path
          mode:
            description:
            - Its permissions. The file belongs to root.
            - Permissions in octal, in quotes, such as '0644'.
            type: str
            default: '0644'
  container:
    description:
    - Publish a container of the host, or a snapshot of one, as an image.
    type: dict
    suboptions:
      source:
        description:
        - 'The container whose files it has: CONTAINER, or CONTAINER@SNAPSHOT. Volumes and secrets are not
          among them. Program, environment, user and folder of the container become the image''s.'
        type: str
        required: true
      realm:
        description:
        - Tenant that owns the container.
        - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
        type: str
        default: default
      project:
        description:
        - Project of the container.
        - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
        type: str
        default: default
      rebuild:
        description:
        - Publish even where there is an image of that name, of this container or another source. The name
          moves to the new one. Where that is the same, nothing changes.
        type: bool
        default: false
  command:
    description:
    - Program and arguments that its containers run, unless they name their own. Where it is not given,
      a new image has none and one that exists keeps its own.
    type: list
    elements: str
  env:
    description:
    - Environment of its containers' program. Where it is not given, as with the command. Its values may
      be secrets, so diffs, results and logs have the names only.
    type: dict
  # end of what is written
seealso:
  - module: skerry.host.skerry_image_info
  - module: skerry.host.skerry_image_tarball
  - module: skerry.host.skerry_container
"""

EXAMPLES = r"""
- name: Build an image of Debian packages
  skerry.host.skerry_image:
    name: hello
    debian:
      packages: [python3-minimal]
      files:
        - dest: /srv/hello/app.py
          content: "{{ lookup('ansible.builtin.file', 'app.py') }}"
    command: [/usr/bin/python3, /srv/hello/app.py]

- name: Import an image of a tarball
  skerry.host.skerry_image:
    name: shop
    tarball:
      path: /var/lib/skerry/incoming/shop.tar.zst
      sha256: 1f0c6b1f7d9b8c5a3e2d4f6078192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b
    command: [/usr/bin/node, /srv/shop/server.js]
    env:
      NODE_ENV: production

- name: Import an image of a registry
  skerry.host.skerry_image:
    name: web
    oci:
      source: docker.io/library/nginx:1.27

- name: Import an image of a private registry
  skerry.host.skerry_image:
    name: shop
    oci:
      source: registry.example.org/shop/web:3
      username: deploy
      password: "{{ registry_password }}"

- name: Import an image of a docker save tarball
  skerry.host.skerry_image:
    name: shop
    oci:
      source: docker-archive:/var/lib/skerry/incoming/shop.tar

- name: Publish a container as an image
  skerry.host.skerry_image:
    name: shop-2
    container:
      source: shop

- name: Publish a snapshot of a container as an image
  skerry.host.skerry_image:
    name: shop-before
    container:
      source: shop@before-upgrade

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
    env: [NODE_ENV]
    layers: [1f0c6b1f7d9b8c5a3e2d4f6078192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b]
    reference: ""
    manifest: null
    ignored: []
    created: "2026-01-31T12:00:00.000+00:00"
steps:
  description: What was done, in order; in check mode what would be done.
  returned: success
  type: list
  elements: str
stored:
  description:
    - What was written down and takes no step, such as a new name or O(command), in words; in check mode what would be.
    - Of O(env) it says which names are added, changed or removed.
  returned: success
  type: list
  elements: str
  sample: ["command of image hello: its containers take it over when they start"]
msg:
  description: That there was none to delete, and the names that there are.
  returned: when O(state=absent) and there was no such image
  type: str
code:
  description: The class of error, one of invalid, not_found, exists, busy, host, failed, forbidden.
  returned: failure
  type: str
journal:
  description: The newest lines of the program that failed.
  returned: failure
  type: str
"""

from ..module_utils.engine_handler import API
from ..module_utils.engine_module import EngineModule
from ..module_utils.image_handler import apply_image

# By the words `from ansible.module_utils.` Mitogen tells a module from another script.

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "tarball": {
        "type": "dict",
        "options": {"path": {"type": "path", "required": True}, "sha256": {"type": "str", "required": True}},
    },
    "oci": {
        "type": "dict",
        "options": {
            "source": {"type": "str", "required": True},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "tls_verify": {"type": "bool", "default": True},
        },
    },
    "debian": {
        "type": "dict",
        "options": {
            "suite": {"type": "str", "default": "trixie"},
            "packages": {"type": "list", "elements": "str", "default": []},
            "rebuild": {"type": "bool", "default": False},
            "files": {
                "type": "list",
                "options": {
                    "dest": {"type": "str", "required": True},
                    "content": {"type": "str"},
                    "path": {"type": "path"},
                    "mode": {"type": "str", "default": "0644"},
                },
                "elements": "dict",
                "default": [],
                "mutually_exclusive": [("content", "path")],
                "required_one_of": [("content", "path")],
            },
        },
    },
    "container": {
        "type": "dict",
        "options": {
            "source": {"type": "str", "required": True},
            "realm": {"type": "str", "default": "default"},
            "project": {"type": "str", "default": "default"},
            "rebuild": {"type": "bool", "default": False},
        },
    },
    "command": {"type": "list", "elements": "str"},
    "env": {"type": "dict", "no_log": True},
    # end of what is written
}
SOURCES = ("tarball", "oci", "debian", "container")


def main() -> None:
    """Options, one call, the answer."""
    module = EngineModule(
        ARGUMENTS,
        supports_check_mode=True,
        mutually_exclusive=[SOURCES],
        required_if=[("state", "present", SOURCES, True)],
    )
    module.exit_json(**apply_image(module))


if __name__ == "__main__":
    main()
