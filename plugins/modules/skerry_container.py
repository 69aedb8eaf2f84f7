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
    P(skerry.host.lxc_host#role) has set up. The host's engine decides and does it, as one operation that is
    carried out whole or leaves nothing behind.
  - An option that is not given stays as it is; a new container has the default that the option names.
  - O(env), O(services) and O(command) are given whole, and replace what was there.
  - With O(copy_of) a new one begins with the files and options of another container, or of a snapshot of it. With
    O(renamed_from) one that has another name gets this one. Options of other containers that name it follow.
  - A running container is never restarted for the sake of a changed option. RV(restart_required) names the
    options that wait for O(state=restarted).
extends_documentation_fragment:
  - skerry.host.engine
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: Asks the engine for its plan. The steps are those that the real run then journals.
    support: full
  diff_mode:
    description: Shows the container before and after, and the steps between.
    support: full
notes:
  - Of O(env) diffs, results and logs have the names only. The values are in the host's state store, which is root's
    alone, and where they came from; M(skerry.host.skerry_container_info) shows them to those who ask.
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
    - 'V(present): it exists. A new one is started, one that exists stays running or stopped as it is.'
    - 'V(started) and V(stopped): it exists, and its program runs or does not. A new one is made as needed.'
    - 'V(frozen): as V(started), and every process of it is held where it is. Its URLs say that it is stopped.'
    - 'V(restarted): as V(started); where it runs already, its program is ended and started again.'
    - 'V(absent): it is deleted with all its files, and its URLs are dead for good.'
    type: str
    choices:
    - present
    - started
    - frozen
    - stopped
    - restarted
    - absent
    default: started
  create:
    description:
    - Make it where it does not exist. Otherwise it must exist, or the request fails.
    type: bool
    default: true
  copy_of:
    description:
    - A container of the same project, or NAME@SNAPSHOT, whose files and options it has where it is made.
      One that exists stays as it is.
    type: str
  renamed_from:
    description:
    - What it was called before. Where none of its own name exists, that one gets the name, and keeps id,
      URL and files.
    type: str
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
  image:
    description:
    - Name of an image on the host, or C(sha256:) and its digest.
    - At most 71 characters. A change restarts the container at once, with a fresh root; one that is stopped
      stays so.
    - Required for a new container.
    type: str
  profile:
    description:
    - 'What lives in it: a program; a whole Debian with its own systemd, packages and users, which is ready
      when its init says so; or a build, which is thrown away. These two have more rights, over their own
      namespaces, and reach more of the kernel.'
    - A change takes effect when the container is next started or restarted.
    type: str
    choices:
    - app
    - system
    - build
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
  rollbacks:
    description:
    - Earlier roots that are kept, with their images, when the image changes. What they take counts as disk.
    - From V(0) to V(8). A new container has V(1). A change takes effect at once.
    type: int
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
  volumes:
    description:
    - Volumes that it has. They outlive it.
    - A change takes effect when the container is next started or restarted.
    type: list
    elements: dict
    suboptions:
      volume:
        description:
        - Name of a volume of the same project.
        - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
        type: str
        required: true
      path:
        description:
        - Folder inside. It is made where the image has none. What the image has there is copied into a
          volume that is empty, when the container starts.
        type: str
        required: true
      read_only:
        description:
        - Whether the container may only read it.
        type: bool
  secrets:
    description:
    - Secrets that it has, as files in C(/run/secrets).
    - A change takes effect when the container is next started or restarted.
    type: list
    elements: dict
    suboptions:
      secret:
        description:
        - Name of a secret of the same project.
        - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
        type: str
        required: true
      file:
        description:
        - Name of its file in C(/run/secrets), where that is not the secret's own.
        - Letters, digits, dots, dashes and underscores, at most 64.
        type: str
      mode:
        description:
        - Permissions of the file. It belongs to the user of the container's program; with 0444, a program
          that changes its user can read it as well.
        type: str
        choices:
        - '0400'
        - '0440'
        - '0444'
  env:
    description:
    - 'Environment of its program. C(SKERRY_ID) and its like are set by the host. Its values may be secrets:
      diffs, results and logs have the names only.'
    - A change takes effect when the container is next started or restarted.
    type: dict
  command:
    description:
    - Program and arguments to run instead of the image's own. An empty list means the image's own.
    - A change takes effect when the container is next started or restarted.
    type: list
    elements: str
  user:
    description:
    - 'User that its program runs as: a name of the image''s or a number, and after a colon a group. Without
      it, the image''s own, else root.'
    - A change takes effect when the container is next started or restarted.
    type: str
  groups:
    description:
    - 'Further groups of that user: names of the image''s, or numbers.'
    - A change takes effect when the container is next started or restarted.
    type: list
    elements: str
  workdir:
    description:
    - Folder that its program starts in. Without it, the image's own, else /.
    - A change takes effect when the container is next started or restarted.
    type: str
  capabilities:
    description:
    - What root of the container may do besides, over the container's own files and processes. Programs
      that start as root and become another user need chown, setgid and setuid. setuid brings kill.
    - A change takes effect when the container is next started or restarted.
    type: list
    elements: str
    choices:
    - chown
    - dac_override
    - fowner
    - fsetid
    - kill
    - setgid
    - setuid
    - net_bind_service
  restart:
    description:
    - 'When its program is started again after it ended by itself: with any exit code, with another one
      than 0, or never. The pauses before it grow from 0.1 to 60 seconds, and begin anew after it ran for
      10.'
    - A change takes effect when the container is next started or restarted.
    type: str
    choices:
    - always
    - on-failure
    - never
  grace:
    description:
    - Seconds its program has to end by itself when it is stopped, and when the host shuts down.
    - From V(0) to V(3600). A new container has V(10). A change takes effect when the container is next
      started or restarted.
    type: float
  stop_signal:
    description:
    - Signal that asks its program to end, such as SIGQUIT or SIGRTMIN+3. By default the image's own, else
      SIGTERM; of profile system SIGRTMIN+3.
    - A change takes effect when the container is next started or restarted.
    type: str
  health:
    description:
    - 'How to find out whether its program does its work. An empty one means: no check. By default the image''s
      own, if it has one.'
    - A change takes effect at once.
    type: dict
    suboptions:
      port:
        description:
        - It is healthy when this TCP port takes a connection.
        - From V(1) to V(65535).
        type: int
      http:
        description:
        - It is healthy when GET of this path, at the port of its plain URL, answers with a status from
          200 to 399. No redirect is followed.
        type: str
      command:
        description:
        - It is healthy when this program ends with exit code 0. It runs in the container, as its program's
          user, in its folder, with its environment. What is left of it is killed afterwards, or at the
          timeout.
        type: list
        elements: str
      interval:
        description:
        - Seconds between two checks. By default 10.
        - From V(1) to V(3600).
        type: float
      timeout:
        description:
        - Seconds that an answer may take. By default 3.
        - From V(0.1) to V(60).
        type: float
      start_period:
        description:
        - Seconds after its start in which a failed check does not count. By default 10.
        - From V(0) to V(3600).
        type: float
      retries:
        description:
        - Failed checks one after another that make it unhealthy. By default 3.
        - From V(1) to V(100).
        type: int
      restart:
        description:
        - Restart it when it has become unhealthy.
        type: bool
  after:
    description:
    - 'Containers of its project that come before it when the host starts: it waits until they run, or are
      healthy where they have a health check.'
    - A change takes effect at once.
    type: list
    elements: str
  labels:
    description:
    - What it is marked with, keys and values. They are shown, and make groups of an inventory; Skerry itself
      does nothing with them. At most 64.
    - A change takes effect at once.
    type: dict
  snapshot_every:
    description:
    - 'How often a snapshot of it is taken by itself, such as 6h or 1d, at least 15m. Where no file has
      changed since the last one, none is taken. An empty text means: never.'
    - A change takes effect at once.
    type: str
  snapshot_keep:
    description:
    - How long each of these is kept, such as 2d or 4w, until it expires. By default 1w. Those that are
      there keep their own time.
    - A change takes effect at once.
    type: str
  reaches:
    description:
    - Ports of neighbours that it may open connections to, such as database:5432 or cache:53/udp. It knows
      a neighbour by that name. One of another project of its realm is PROJECT/NAME:PORT, known as NAME.PROJECT.internal,
      and must let it in by reachable_from.
    - A change takes effect at once.
    type: list
    elements: str
  reachable_from:
    description:
    - Containers of other projects of its realm that may reach it, each as PROJECT/NAME. Those of its own
      project need no entry.
    - A change takes effect at once.
    type: list
    elements: str
  publish:
    description:
    - 'Ports of the host that lead to it, for what is not HTTP: HOSTPORT[:PORT][/PROTOCOL], such as 5432,
      8025:25 or 5353:53/udp. Without PORT it is the same one, without PROTOCOL tcp. Everybody who reaches
      the host reaches it. The host says which ports may be published. With C(/tls) the proxy ends TLS at
      that port, one of its proxy_tls_ports. The name in the handshake says which container: its host name,
      or an alias of it. With C(/tls)+proxy a header of the PROXY protocol, version 2, tells the program
      who asks.'
    - A change takes effect at once.
    type: list
    elements: str
  ttl:
    description:
    - How long a container of profile build lives from when it was made, such as 30m or 2h, at most 1d.
      Then it is deleted, whatever it does. Required there, and refused with any other profile.
    - A change takes effect at once.
    type: str
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
  grace_now:
    description:
    - Seconds its program has to end by itself this time, in place of the container's own grace.
    - From V(0) to V(3600).
    type: float
  discard_root:
    description:
    - Let another image have a fresh root, though the container wrote files to the one that it has, and
      to no volume. They are kept for a rollback.
    type: bool
    default: false
  # end of what is written
seealso:
  - module: skerry.host.skerry_container_info
"""

EXAMPLES = r"""
- name: Create a container with a URL
  skerry.host.skerry_container:
    name: blog
    image: hello
  register: blog

- name: Show the container's URL
  ansible.builtin.debug:
    msg: "{{ blog.url }}"

- name: Update the memory limit of a running container
  skerry.host.skerry_container:
    name: blog
    memory: 512M

- name: Update the environment and restart the container
  skerry.host.skerry_container:
    name: blog
    env:
      GREETING: hello
    state: restarted

- name: Add a second port with a URL for administration
  skerry.host.skerry_container:
    name: blog
    services:
      - name: admin
        port: 8080

- name: Create a copy of a container, with more memory
  skerry.host.skerry_container:
    name: blog-next
    copy_of: blog
    memory: 1G

- name: Create a copy of a snapshot, stopped
  skerry.host.skerry_container:
    name: blog-monday
    copy_of: blog@monday
    state: stopped

- name: Rename a container
  skerry.host.skerry_container:
    name: diary
    renamed_from: blog

- name: Delete a container with files and URLs
  skerry.host.skerry_container:
    name: blog
    state: absent
"""

RETURN = r"""
container:
  description:
    - The container as it is now; in check mode as it would be, but with its O(state) of now.
    - Null where there is none.
    - C(state_detail) says what follows, as in V(5th time, next in 8 s; exit code 3), and C(health_state) what its
      health check says. C(exit_status), C(exit_reason), C(ended_at) and C(restarts) tell of its program's last end by
      itself since somebody started it.
  returned: success
  type: dict
  sample:
    id: 5f0c9a7be1d2430c8f6b7a51
    realm: default
    project: default
    name: blog
    image: hello
    state: running
    state_detail: ""
    health_state: healthy
    exit_status: null
    exit_reason: ""
    ended_at: ""
    restarts: 0
    memory: 256M
    cpu: 1.0
    env: [GREETING]
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
stored:
  description:
    - What was written down and takes no step, in words; in check mode what would be. It takes effect when the
      container is next started.
    - Of O(env) it says which names are added, changed or removed.
  returned: success
  type: list
  elements: str
  sample: ["env (GREETING changed, TOKEN added)"]
missing:
  description: With O(state=absent), where there was no container of that name, what there is instead. Else empty.
  returned: success
  type: str
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

from ..module_utils.container_handler import container_result, ensure_request
from ..module_utils.engine_handler import API, apply
from ..module_utils.engine_module import EngineModule

# By the words `from ansible.module_utils.` Mitogen tells a module from another script.

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "name": {"type": "str", "required": True},
    "state": {
        "type": "str",
        "choices": ["present", "started", "frozen", "stopped", "restarted", "absent"],
        "default": "started",
    },
    "create": {"type": "bool", "default": True},
    "copy_of": {"type": "str"},
    "renamed_from": {"type": "str"},
    "realm": {"type": "str", "default": "default"},
    "project": {"type": "str", "default": "default"},
    "image": {"type": "str"},
    "profile": {"type": "str", "choices": ["app", "system", "build"]},
    "memory": {"type": "str"},
    "cpu": {"type": "float"},
    "pids": {"type": "int"},
    "disk": {"type": "str"},
    "rollbacks": {"type": "int"},
    "port": {"type": "int"},
    "services": {
        "type": "list",
        "elements": "dict",
        "options": {"name": {"type": "str", "required": True}, "port": {"type": "int", "required": True}},
    },
    "volumes": {
        "type": "list",
        "elements": "dict",
        "options": {
            "volume": {"type": "str", "required": True},
            "path": {"type": "str", "required": True},
            "read_only": {"type": "bool"},
        },
    },
    "secrets": {
        "type": "list",
        "elements": "dict",
        "options": {
            "secret": {"type": "str", "required": True, "no_log": False},
            "file": {"type": "str"},
            "mode": {"type": "str", "choices": ["0400", "0440", "0444"]},
        },
        "no_log": False,
    },
    "env": {"type": "dict", "no_log": True},
    "command": {"type": "list", "elements": "str"},
    "user": {"type": "str"},
    "groups": {"type": "list", "elements": "str"},
    "workdir": {"type": "str"},
    "capabilities": {
        "type": "list",
        "elements": "str",
        "choices": [
            "chown",
            "dac_override",
            "fowner",
            "fsetid",
            "kill",
            "setgid",
            "setuid",
            "net_bind_service",
        ],
    },
    "restart": {"type": "str", "choices": ["always", "on-failure", "never"]},
    "grace": {"type": "float"},
    "stop_signal": {"type": "str"},
    "health": {
        "type": "dict",
        "options": {
            "port": {"type": "int"},
            "http": {"type": "str"},
            "command": {"type": "list", "elements": "str"},
            "interval": {"type": "float"},
            "timeout": {"type": "float"},
            "start_period": {"type": "float"},
            "retries": {"type": "int"},
            "restart": {"type": "bool"},
        },
    },
    "after": {"type": "list", "elements": "str"},
    "labels": {"type": "dict"},
    "snapshot_every": {"type": "str"},
    "snapshot_keep": {"type": "str"},
    "reaches": {"type": "list", "elements": "str"},
    "reachable_from": {"type": "list", "elements": "str"},
    "publish": {"type": "list", "elements": "str"},
    "ttl": {"type": "str"},
    "wait": {"type": "str", "choices": ["running", "ready"], "default": "ready"},
    "timeout": {"type": "float", "default": 30.0},
    "grace_now": {"type": "float"},
    "discard_root": {"type": "bool", "default": False},
    # end of what is written
}


def main() -> None:
    """Options, one call, the answer."""
    module = EngineModule(ARGUMENTS, supports_check_mode=True)
    result = container_result(apply(module, ensure_request(module.params)))
    for option in result["restart_required"]:
        module.warn(f"{option}: the running container takes it over when it is restarted (state: restarted)")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
