# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The connection plugin skerry.host.skerry: Ansible's own ssh to the host, and from there into the container."""

from __future__ import annotations

DOCUMENTATION = r"""
name: skerry
short_description: Run tasks in a container
description:
  - Reaches the container's host by ssh, as P(ansible.builtin.ssh#connection) does, or locally where this computer is the
    host. There it runs each command as C(skerry exec) does, inside the container's own walls and limits.
  - The container needs no sshd, no address of its own and no port. Modules need Python in it, C(raw) a shell.
  - Standard output and error stay apart, and the exit code is the program's own, 255 included.
  - A container that is stopped, frozen, on its way, or not there any more is unreachable, and the message says which.
author: The Skerry authors (@skerry)
extends_documentation_fragment:
  - skerry.host.ssh
notes:
  - The options of P(ansible.builtin.ssh#connection) are about the host. They are taken from the variables of
    O(skerry_host), where the inventory has it.
  - A host's user that is not root needs C(sudo) without a password there.
  - C(become) works best with C(become_method=skerry.host.skerry), which needs nothing of the image.
options:
  container:
    description: Name of the container.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: skerry_container
  project:
    description: Its project.
    type: str
    default: default
    vars:
      - name: skerry_project
  realm:
    description: Its realm.
    type: str
    default: default
    vars:
      - name: skerry_realm
  container_id:
    description: The id that it must have. With it, no play goes on in another container that was given the same name.
    type: str
    default: ''
    vars:
      - name: skerry_id
  skerry_host:
    description:
      - The Skerry host of the container.
      - The name of a host of the inventory, which is reached as its variables say, or else an address for ssh.
    type: str
    vars:
      - name: skerry_host
  remote_user:
    description: User in the container, by name or number.
    type: str
    default: root
    env: []
    ini: []
    cli: []
    vars:
      - name: ansible_user
    keyword:
      - name: remote_user
  host_user:
    description: User of the host for ssh. Of a host in the inventory, its C(ansible_user).
    type: str
    vars:
      - name: skerry_host_user
    env:
      - name: ANSIBLE_REMOTE_USER
    ini:
      - section: defaults
        key: remote_user
    cli:
      - name: user
  host_connection:
    description:
      - With V(local) this computer is the host, with all else it is reached by ssh.
      - Of a host in the inventory, its C(ansible_connection).
    type: str
    default: ssh
    vars:
      - name: skerry_host_connection
  pipelining:
    description: Run modules without files in the container. Ansible's own default is V(false).
    default: true
    type: bool
  use_tty:
    description: Give commands a terminal. It mixes standard output and error.
    type: bool
    default: false
"""

import os
import secrets
import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.plugins.connection import ssh
from ansible.utils.display import Display

from ..plugin_utils import in_container

display = Display()
Answer = tuple[int, bytes, bytes]
_PIECE = (
    16 * 1024**2
)  # bytes of a file that go in one command: ansible-core keeps all of its output, and copies it
_BLOCK = 1024**2


class Connection(ssh.Connection):
    """ansible-core's ssh, with each command wrapped in one that brings it into the container."""

    transport = "skerry.host.skerry"

    def _resolve_option_variables(self, variables: Mapping[str, Any], templar: Any) -> dict[str, Any]:
        """The variables that are this plugin's options: the container's own, and of its host those about ssh."""
        own = super()._resolve_option_variables(variables, templar)
        host, inventory = own.get("skerry_host"), variables.get("hostvars") or {}
        if host is None or host not in inventory:
            return in_container.options(own, host)
        of_host = super()._resolve_option_variables(inventory[host], templar)
        connection = inventory[host].get("ansible_connection")
        return in_container.options(own, host, of_host, connection)

    @property
    def _is_local(self) -> bool:
        return str(self.get_option("host_connection")).rpartition(".")[2] == "local"

    def _build_command(self, binary: str, subsystem: str, *other_args: bytes | str) -> list[bytes]:
        if self._is_local:
            return [b"/bin/sh", b"-c", os.fsencode(other_args[-1])]
        inside = self.get_option("remote_user")
        self.set_option("remote_user", self.get_option("host_user"))
        try:
            found: list[bytes] = super()._build_command(binary, subsystem, *other_args)
        finally:
            self.set_option("remote_user", inside)
        return found

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> Answer:
        """Run a command in the container: its exit code, what it wrote, and what it wrote to standard error.

        Raises:
            AnsibleConnectionFailure: it was not run, or the container ended before it.
        """
        user_of = getattr(self.become, "user_of", None)
        user = (user_of(cmd) if user_of else "") or str(self.get_option("remote_user"))
        began = time.monotonic()
        answer = self._on_host(cmd, user, in_data, sudoable=sudoable)
        if in_container.may_be_cut_off(answer):
            self._check(user, time.monotonic() - began)
        if problem := in_container.lacks(answer, getattr(self.become, "name", "")):
            raise AnsibleError(problem)
        return answer

    def _check(self, user: str, age: float) -> None:
        """Refuse to go on where the container cannot have run a command for as long as the last one took."""
        try:
            code, _out, err = self._on_host("", user, age=age)
        except AnsibleConnectionFailure as error:
            raise AnsibleConnectionFailure(f"the command was cut off: {error}") from error
        if code != 0:
            raise AnsibleConnectionFailure(in_container.broken(err))

    def _on_host(
        self, cmd: str, user: str, in_data: bytes | None = None, *, sudoable: bool = False, age: float = 0.0
    ) -> Answer:
        mark = f"skerry-{secrets.token_hex(8)}"
        asked = {
            "mark": mark,
            "container": {
                "realm": self.get_option("realm"),
                "project": self.get_option("project"),
                "name": self.get_option("container"),
            },
            "id": self.get_option("container_id"),
            "user": user,
            "command": cmd,
            "age": age,
        }
        if not self._is_local and self.get_option("skerry_host") is None:
            raise AnsibleConnectionFailure(in_container.NO_HOST)
        display.vvv(
            f"IN CONTAINER {asked['container']['name']} AS {user}: {cmd}", host=self.get_option("skerry_host")
        )
        answer = super().exec_command(in_container.on_host(asked), in_data, sudoable=sudoable)
        return in_container.read(answer, mark)

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file of this computer into the container.

        Raises:
            AnsibleError: it is not there, or cannot be written.
        """
        path = shlex.quote(out_path)
        if not Path(in_path).exists():
            raise AnsibleFileNotFound(f"there is no file {in_path} on this computer")
        with Path(in_path).open("rb") as file:
            piece, number = file.read(_PIECE), 0
            self._transfer(f"cat > {path}" if piece else f": > {path}", piece, out_path)
            while piece := file.read(_PIECE):
                number += 1
                place = f"seek={number * _PIECE // _BLOCK}"
                self._transfer(f"dd of={path} bs={_BLOCK} {place} conv=notrunc", piece, out_path)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file of the container to this computer.

        Raises:
            AnsibleError: it is not there, or cannot be read.
        """
        path, number, count = shlex.quote(in_path), 0, _PIECE // _BLOCK
        with Path(out_path).open("wb") as file:
            while True:
                place = f"skip={number * count} count={count}"
                piece = self._transfer(f"dd if={path} bs={_BLOCK} {place}", b"", in_path)
                file.write(piece)
                number += 1
                if len(piece) < _PIECE:
                    return

    def _transfer(self, command: str, data: bytes, path: str) -> bytes:
        code, out, err = self.exec_command(command, data or None, sudoable=False)
        if code != 0:
            raise AnsibleError(
                f"{path} in the container: {err.decode(errors='replace').strip()} (exit code {code})"
            )
        return out

    def reset(self) -> None:
        """Nothing is kept that would have to begin anew: each command enters the container by itself."""
        self.close()
