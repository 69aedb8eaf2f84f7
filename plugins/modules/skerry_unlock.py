#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_unlock: options, one call, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_unlock
short_description: Unlock a machine whose encrypted root waits for its passphrase
description:
  - Waits until a machine's initramfs answers by ssh, makes sure by the pinned host key that it is the right
    one, and sends the passphrase to C(cryptroot-unlock) on standard input.
  - Runs on the controller (C(delegate_to=localhost)); the machine itself has no Python yet.
  - A machine that is unlocked already stays as it is.
  - Attempts are whole ssh connections, so that a port which merely accepts connections is not taken for a machine.
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: Waits, looks and says whether it would unlock. Sends nothing.
    support: full
  diff_mode:
    description: There is nothing to show but locked or running.
    support: none
notes:
  - The passphrase reaches neither a command line nor the environment, a file or a log.
options:
  host:
    description: The machine's name or address.
    type: str
    required: true
  port:
    description: Port of the initramfs's ssh server.
    type: int
    default: 2222
  known_hosts:
    description:
      - File on the controller with the pinned host keys, as M(ansible.builtin.known_hosts) and ssh write it.
      - The key of the initramfs is looked up as C([host]:port).
    type: path
    required: true
  private_key:
    description: File of the ssh key to log in with. Without it ssh chooses, with its agent.
    type: path
  user:
    description: Who logs in.
    type: str
    default: root
  system_port:
    description: Port of the ssh server of the system itself, which tells that the machine is unlocked.
    type: int
    default: 22
  system_name:
    description: Name under which O(known_hosts) has the system's host key, where that is not host and port.
    type: str
  state:
    description:
      - 'V(unlocked): the passphrase is sent if the machine waits for it.'
      - 'V(found): only waits until it is known whether it does; changes nothing.'
    type: str
    choices: [unlocked, found]
    default: unlocked
  passphrase:
    description: What opens the disk. It is sent as it is. Required for O(state=unlocked).
    type: str
  timeout:
    description: Seconds to wait for the machine.
    type: float
    default: 300.0
"""

EXAMPLES = r"""
- name: Unlock the machine
  skerry.host.skerry_unlock:
    host: "{{ ansible_host }}"
    known_hosts: "{{ skerry_known_hosts }}"
    passphrase: "{{ luks_root_passphrase }}"
  delegate_to: localhost
  become: false
"""

RETURN = r"""
found:
  description: How the machine was found, V(locked) or V(running).
  returned: success
  type: str
code:
  description:
    - Why it is not unlocked.
    - >-
      V(no_answer), V(wrong_host_key), V(unknown_host_key), V(not_dropbear), V(login_refused),
      V(wrong_passphrase), V(given_up), V(no_disk).
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.unlock import unlock

ARGUMENTS = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 2222},
    "known_hosts": {"type": "path", "required": True},
    "private_key": {"type": "path"},
    "user": {"type": "str", "default": "root"},
    "system_port": {"type": "int", "default": 22},
    "system_name": {"type": "str"},
    "state": {"type": "str", "choices": ["unlocked", "found"], "default": "unlocked"},
    "passphrase": {"type": "str", "no_log": True},
    "timeout": {"type": "float", "default": 300.0},
}


def main() -> None:
    """Options, one call, the answer."""
    required = [("state", "unlocked", ["passphrase"])]
    module = AnsibleModule(ARGUMENTS, required_if=required, supports_check_mode=True)
    module.exit_json(**unlock(module))


if __name__ == "__main__":
    main()
