"""The running labs as Ansible sees them."""

import os
import shlex
from collections.abc import Iterable
from typing import Any

from skerry_lab.board import Board, mac_address
from skerry_lab.ports import LOOPBACK
from skerry_lab.recipe import Kind, host_packages
from skerry_lab.state import Lab, LabStore, State

GROUP = "skerry_hosts"


def chosen(store: LabStore, wanted: str | None = None) -> list[Lab]:
    """The labs a playbook shall see.

    Args:
        store: where the labs are.
        wanted: names with commas between them, `SKERRY_LAB` of the environment by default. Without it: the
            running labs of one owner, `SKERRY_LAB_OWNER` of the environment, by default those that the user
            made and never those of a test.
    """
    names = (os.environ.get("SKERRY_LAB", "") if wanted is None else wanted).replace(",", " ").split()
    if names:
        return [store.get(name) for name in names]
    owner = os.environ.get("SKERRY_LAB_OWNER", "make")
    return [lab for lab in store.all() if lab.owner == owner and lab.state() is State.RUNNING]


def listing(labs: Iterable[Lab]) -> dict[str, Any]:
    """The document that Ansible expects of an inventory program."""
    all_labs = list(labs)
    bare = [lab.name for lab in all_labs if lab.board]
    groups = {f"lab_{kind}": {"hosts": [lab.name for lab in all_labs if lab.kind is kind]} for kind in Kind}
    return {
        "_meta": {"hostvars": {lab.name: host_vars(lab) for lab in all_labs}},
        GROUP: {"children": list(groups)},
        **groups,
        "lab_bare": {"hosts": bare, "vars": {"base_system_tarball_packages": host_packages()}},
    }


def host_vars(lab: Lab) -> dict[str, Any]:
    """How Ansible reaches a lab, and what differs from lab to lab; the rest is in group_vars."""
    return {
        **(_bare_vars(lab, lab.board) if lab.board else {}),
        "ansible_host": LOOPBACK,
        "ansible_port": lab.ports["ssh"],
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(lab.key),
        "ansible_ssh_common_args": shlex.join(lab.login.options()),
        "skerry_https_port_public": lab.ports["https"],
        "proxy_ca_fetch_to": str(lab.ca),
    }


def _bare_vars(lab: Lab, board: Board) -> dict[str, Any]:
    """What an operator would write down of a server with blank disks; one that was pulled stays until a new one comes."""
    disks = [{"id": board.by_id(disk), "serial": disk.serial} for disk in board.disks]
    return {
        "luks_root_disks": disks,
        "skerry_known_hosts": str(lab.login.known_hosts),
        "remote_unlock_port_public": lab.ports["unlock"],
        "base_system_authorized_keys": [lab.key.with_suffix(".pub").read_text(encoding="ascii").strip()],
        "lab_mac": mac_address(lab.name),
        "lab_passphrase_file": str(lab.passphrase),
        "base_system_kernel_folder": str(lab.kernel or ""),
    }
