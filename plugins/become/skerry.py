# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The become plugin skerry.host.skerry: another user of a container, without a program of its image."""

from __future__ import annotations

DOCUMENTATION = r"""
name: skerry
short_description: Become another user of a container
description:
  - The connection plugin P(skerry.host.skerry#connection) has the task run as that user, as C(skerry exec --user) does.
  - The image needs neither C(sudo) nor C(su), and the container no capability.
  - It asks for no password. Whoever may run a program in a container may do so as each of its users.
author: The Skerry authors (@skerry)
options:
  become_user:
    description: Name or number of the user, and after a colon of a group.
    type: str
    default: root
    vars:
      - name: ansible_become_user
    keyword:
      - name: become_user
seealso:
  - plugin: skerry.host.skerry
    plugin_type: connection
"""

from typing import Any

from ansible.plugins.become import BecomeBase


class BecomeModule(BecomeBase):
    """Marks the command; the connection plugin finds the mark and names the user."""

    name = "skerry.host.skerry"

    def build_become_command(self, cmd: str, shell: Any) -> str:
        """The command, which says first that it runs."""
        super().build_become_command(cmd, shell)
        return str(self._build_success_command(cmd, shell)) if cmd else cmd

    def user_of(self, cmd: str) -> str:
        """The user that a command is for; empty for one that was not marked."""
        return str(self.get_option("become_user")) if self.success and self.success in cmd else ""
