# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""From the options of skerry_rescue to an opened server, and to what the module returns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .skerry_boot.disks.model import Wanted, WantedDisk
from .skerry_boot.errors import BootError
from .skerry_boot.rescue import findings, mend, opening, parts
from .skerry_boot.rescue.examine import Server, examine
from .skerry_boot.target import refuse_target


def attend(module: AnsibleModule) -> dict[str, Any]:
    """Open, mend or close the server; where that fails, the module ends with what to do."""
    params = module.params
    try:
        opening.refuse_running()
        refuse_target(params["target"])
        match params["state"]:
            case "opened":
                return _opened(params, write=params["write"] and not module.check_mode)
            case "mended":
                return _mended(params, only_check=module.check_mode)
            case _:
                opening.close(parts.look().all, params["target"])
                return {"changed": False}
    except BootError as error:
        module.fail_json(msg=str(error))
    raise AssertionError("fail_json ends the module")


def _opened(params: dict[str, Any], *, write: bool) -> dict[str, Any]:
    """Open it anew, whatever was open."""
    opening.close(parts.look().all, params["target"])
    device = opening.volume(parts.look())
    opening.unlock(device, params["passphrase"], write=write)
    server = _server(params)
    lost = opening.mount(server.parts, params["target"], write=write)
    wrong = [findings.Finding("file system", "fstab", text) for text in lost]
    return _answer(server, wrong) | {"device": device}


def _mended(params: dict[str, Any], *, only_check: bool) -> dict[str, Any]:
    server = _server(params)
    found, _ = examine(server)
    done = [] if only_check else mend.mend(found, server.target)
    return _answer(server, []) | {"changed": bool(done), "done": done}


def _server(params: dict[str, Any]) -> Server:
    disks = tuple(WantedDisk(disk["id"], disk["serial"]) for disk in params["disks"])
    return Server(parts.look(), Path(params["target"]), Wanted(disks, target=params["target"]), params["mac"])


def _answer(server: Server, wrong: list[findings.Finding]) -> dict[str, Any]:
    found, layout = examine(server)
    every = [*wrong, *found]
    return {
        "changed": False,
        "findings": [finding.row() for finding in every],
        "repairs": [str(repair) for repair in findings.repairs(every)],
        "layout": layout,
        # GRUB can't be installed on a disk that is dead.
        "boot_disks": [disk for disk in layout["boot_disks"] if Path(disk["disk"]).exists()],
    }
