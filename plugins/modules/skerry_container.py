#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_container: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_container
short_description: Bring a container to a state
description:
  - Creates, changes, starts, stops, restarts or deletes a container on a host that the role
    M(skerry.host.lxc_host) has set up. The host's engine decides and does it, as one operation that is
    carried out whole or leaves nothing behind.
  - An option that is not given stays as it is; a new container has the default that the option names.
  - O(env), O(services) and O(command) are given whole, and replace what was there.
  - A running container is never restarted for the sake of a changed option. RV(restart_required) names the
    options that wait for O(state=restarted).
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: Asks the engine for its plan. The steps are those that the real run then journals.
    support: full
  diff_mode:
    description: Shows the container before and after, and the steps between.
    support: full
notes:
  - Needs to be root on the host (C(become)).
  - Diffs and results show O(env). Where it holds secrets, set C(no_log) on the task.
options:
  # written by `make options` from src/skerry/model
  name:
    description:
    - Name of the container, unique in its project.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    required: true
  state:
    description:
    - 'V(present): it exists. A new one is started, one that exists stays running or stopped as it is.'
    - 'V(started) and V(stopped): it exists, and its program runs or does not. A new one is made as needed.'
    - 'V(restarted): as V(started); where it runs already, its program is ended and started again.'
    - 'V(absent): it is deleted with all its files, and its URLs are dead for good.'
    type: str
    choices:
    - present
    - started
    - stopped
    - restarted
    - absent
    default: started
  realm:
    description:
    - Tenant that owns the container.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    default: default
  project:
    description:
    - Project of the realm; the first half of the URL.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    default: default
  image:
    description:
    - Name of an image on the host, or C(sha256:) and its digest.
    - At most 71 characters. It cannot be changed.
    - Required for a new container.
    type: str
  memory:
    description:
    - Memory it may use at most. It has no swap.
    - At least V(16M). A new container has V(256M). A change takes effect at once.
    type: str
  cpu:
    description:
    - Processors it may use at most; 0.5 is half of one.
    - From V(0.05) to V(1024). A new container has V(1). A change takes effect at once.
    type: float
  pids:
    description:
    - Processes and threads it may have at most.
    - From V(8) to V(4194304). A new container has V(256). A change takes effect at once.
    type: int
  disk:
    description:
    - Space its own files may take, without the image.
    - At least V(16M). A new container has V(1G). A change takes effect at once.
    type: str
  port:
    description:
    - TCP port behind its plain URL, the one without a service.
    - From V(1) to V(65535). A new container has V(1071). A change takes effect at once.
    type: int
  services:
    description:
    - Further ports, each with a URL of its own.
    - A change takes effect at once.
    type: list
    elements: dict
    suboptions:
      name:
        description:
        - Name of the service, at most 13 characters.
        - Lower-case letters, digits and dashes; a letter first, no dash last. At most 13 characters.
        type: str
        required: true
      port:
        description:
        - TCP port that the program listens on.
        - From V(1) to V(65535).
        type: int
        required: true
  env:
    description:
    - Environment of its program. C(SKERRY_ID) and its like are set by the host.
    - A change takes effect when the container is next started or restarted.
    type: dict
  command:
    description:
    - Program and arguments to run instead of the image's own.
    - A change takes effect when the container is next started or restarted.
    type: list
    elements: str
  wait:
    description:
    - What to wait for.
    type: str
    choices:
    - running
    - ready
    default: ready
  timeout:
    description:
    - Seconds to wait for it.
    - From V(0) to V(3600).
    type: float
    default: 30.0
  grace:
    description:
    - Seconds its program has to end by itself.
    - From V(0) to V(3600).
    type: float
    default: 10.0
  # end of what is written
seealso:
  - module: skerry.host.skerry_container_info
"""

EXAMPLES = r"""
- name: A container that runs, at a URL of its own
  skerry.host.skerry_container:
    name: blog
    image: hello
  register: blog

- name: Say where it is
  ansible.builtin.debug:
    msg: "{{ blog.url }}"

- name: More memory, at once, while it runs
  skerry.host.skerry_container:
    name: blog
    memory: 512M

- name: Another environment, and the restart that brings it into force
  skerry.host.skerry_container:
    name: blog
    env:
      GREETING: hello
    state: restarted

- name: A second port, with a URL that ends with -admin
  skerry.host.skerry_container:
    name: blog
    services:
      - name: admin
        port: 8080

- name: Gone, with its files and its URLs
  skerry.host.skerry_container:
    name: blog
    state: absent
"""

RETURN = r"""
container:
  description:
    - The container as it is now; in check mode as it would be, but with its O(state) of now.
    - Null where there is none.
  returned: success
  type: dict
  sample:
    id: 5f0c9a7be1d2430c8f6b7a51
    realm: default
    project: default
    name: blog
    image: hello
    state: running
    memory: 256M
    cpu: 1.0
    ipv4: 10.90.1.1
    url: https://0a1b2c3d4e5f60718293a4b5-5f0c9a7be1d2430c8f6b7a51.skerry.example/
url:
  description: Its URL. After O(state=absent) the URL that is dead now; empty where there was no container.
  returned: success
  type: str
steps:
  description: What was done, in order; in check mode what would be done. The engine's journal has the same.
  returned: success
  type: list
  elements: str
timings_ms:
  description: Milliseconds that each of RV(steps) took. Empty in check mode.
  returned: success
  type: list
  elements: float
restart_required:
  description: Changed options that the running container takes over only when it is restarted.
  returned: success
  type: list
  elements: str
code:
  description: The class of error, one of invalid, not_found, exists, busy, host, failed, forbidden.
  returned: failure
  type: str
journal:
  description: The newest lines of the container's own log, where its start failed.
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.door import carry_out, container_result, ensure_request

ARGUMENTS = {
    # written by `make options` from src/skerry/model
    "name": {"type": "str", "required": True},
    "state": {
        "type": "str",
        "choices": ["present", "started", "stopped", "restarted", "absent"],
        "default": "started",
    },
    "realm": {"type": "str", "default": "default"},
    "project": {"type": "str", "default": "default"},
    "image": {"type": "str"},
    "memory": {"type": "str"},
    "cpu": {"type": "float"},
    "pids": {"type": "int"},
    "disk": {"type": "str"},
    "port": {"type": "int"},
    "services": {
        "type": "list",
        "elements": "dict",
        "options": {"name": {"type": "str", "required": True}, "port": {"type": "int", "required": True}},
    },
    "env": {"type": "dict"},
    "command": {"type": "list", "elements": "str"},
    "wait": {"type": "str", "choices": ["running", "ready"], "default": "ready"},
    "timeout": {"type": "float", "default": 30.0},
    "grace": {"type": "float", "default": 10.0},
    # end of what is written
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    result = container_result(carry_out(module, ensure_request(module.params)))
    for option in result["restart_required"]:
        module.warn(f"{option}: the running container takes it over when it is restarted (state: restarted)")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
