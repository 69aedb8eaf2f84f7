#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_container_info: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_container_info
short_description: Tell about the containers of a host
description:
  - Lists the containers of a host, or those of one realm, project or name. Changes nothing.
extends_documentation_fragment:
  - skerry.host.engine
  - skerry.host.info
author: The Skerry authors (@skerry)
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  realm:
    description:
    - Only containers of this realm.
    type: str
  project:
    description:
    - Only containers of this project.
    type: str
  name:
    description:
    - Only containers of this name.
    type: str
  show_env:
    description:
    - Show the values of its environment as well, which may be secrets.
    - Needs O(name). Set C(no_log) on the task that asks, or they stand in Ansible's output.
    type: bool
    default: false
  stats:
    description:
    - Tell as well what each uses of its limits, measured for a second, in C(stats).
    type: bool
    default: false
  # end of what is written
seealso:
  - module: skerry.host.skerry_container
"""

EXAMPLES = r"""
- name: Read the containers of the host
  skerry.host.skerry_container_info:
  register: all

- name: Read a container
  skerry.host.skerry_container_info:
    name: blog
  register: blog

- name: Read a container with the values of the environment
  skerry.host.skerry_container_info:
    name: blog
    show_env: true
  register: blog
  no_log: true

- name: Show the container's state
  ansible.builtin.debug:
    msg: "{{ blog.containers | map(attribute='state') | first | default('there is none') }}"
"""

RETURN = r"""
containers:
  description:
    - The containers, by realm, project and name. Empty where there is none.
  returned: success
  type: list
  elements: dict
  contains:
    env:
      description: Names of its environment's variables.
      returned: always
      type: list
      elements: str
    restart_pending:
      description: Whether it runs and waits for a restart, which its newest options or a newer Skerry need.
      returned: always
      type: bool
    restart_reasons:
      description: Why; C(options) where those have changed since it was started, C(an older Skerry started it).
      returned: always
      type: list
      elements: str
    env_values:
      description: Each variable with its value.
      returned: with O(show_env)
      type: dict
    stats:
      description: What it uses of its limits, in processors and bytes; null where the kernel does not count it.
      returned: with O(stats)
      type: dict
  sample:
    - id: 5f0c9a7be1d2430c8f6b7a51
      realm: default
      project: default
      name: blog
      image: hello
      state: running
      restart_pending: false
      restart_reasons: []
      memory: 256M
      cpu: 1.0
      env: [GREETING]
      ipv4: 10.90.1.1
      url: https://0a1b2c3d4e5f60718293a4b5-5f0c9a7be1d2430c8f6b7a51.skerry.example/
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.container_handler import KEY
from ..module_utils.engine_handler import API, Fields, ask, given

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "realm": {"type": "str"},
    "project": {"type": "str"},
    "name": {"type": "str"},
    "show_env": {"type": "bool", "default": False},
    "stats": {"type": "bool", "default": False},
    # end of what is written
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True, required_if=[("show_env", True, ("name",))])
    options = given(module.params)
    name, show_env, stats = options.pop("name", None), options.pop("show_env"), options.pop("stats")
    found = [
        one for one in ask(module, {"verb": "list", **options})["containers"] if name in (None, one["name"])
    ]
    if show_env:
        found = [_with_values(module, one) for one in found]
    if stats:
        used = {one["id"]: one for one in ask(module, {"verb": "stats", **options})["stats"]}
        found = [one | {"stats": used.get(one["id"])} for one in found]
    module.exit_json(containers=found)


def _with_values(module: AnsibleModule, container: Fields) -> Fields:
    """The container with the values of its environment."""
    request = {"verb": "info", "container": {name: container[name] for name in KEY}, "show_env": True}
    return container | {"env_values": ask(module, request)["container"]["env_values"]}


if __name__ == "__main__":
    main()
