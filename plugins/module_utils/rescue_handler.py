# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""From the options of skerry_rescue to an opened server, and to what the module returns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .skerry_base.boot.rescue import findings, mend, opening, parts
from .skerry_base.boot.rescue.examine import Server, examine
from .skerry_base.storage.disks.model import Wanted, wanted_disks
from .skerry_base.storage.target import refuse_target


def attend(params: dict[str, Any], only_check: bool) -> dict[str, Any]:
    """Open, mend or close the server.

    Raises:
        SkerryError: this is no rescue system, or the server can't be opened or mended.
    """
    opening.refuse_running()
    refuse_target(params["target"])
    match params["state"]:
        case "opened":
            return _opened(params, write=params["write"] and not only_check)
        case "mended":
            return _mended(params, only_check=only_check)
        case _:
            opening.close(parts.look().all, params["target"])
            return {"changed": False}


def _opened(params: dict[str, Any], *, write: bool) -> dict[str, Any]:
    """Open it anew, whatever was open."""
    opening.close(parts.look().all, params["target"])
    device = opening.volume(parts.look())
    opening.unlock(device, params["passphrase"], write=write)
    server = _server(params)
    lost = opening.mount(server.parts, params["target"], write=write)
    wrong = [findings.Finding("file system", "fstab", text) for text in lost]
    return _state(server, wrong) | {"device": device, "changed": False}


def _mended(params: dict[str, Any], *, only_check: bool) -> dict[str, Any]:
    server = _server(params)
    found, _layout = examine(server)
    plan = mend.plan_mend(found, server.target)
    if not only_check:
        mend.carry_out(plan.steps, server.target)
    done = [] if only_check else [step.done for step in plan.steps]
    return plan.result(done=done, **_state(server, []))


def _server(params: dict[str, Any]) -> Server:
    wanted = Wanted(wanted_disks(params["disks"]), target=params["target"])
    return Server(parts.look(), Path(params["target"]), wanted, params["mac"])


def _state(server: Server, wrong: list[findings.Finding]) -> dict[str, Any]:
    """What is wrong with the server, what mends that, and what is on its disks."""
    found, layout = examine(server)
    every = [*wrong, *found]
    return {
        "findings": [finding.row() for finding in every],
        "repairs": [str(repair) for repair in findings.repairs(every)],
        "layout": layout,
        # GRUB can't be installed on a disk that is dead.
        "boot_disks": [disk for disk in layout["boot_disks"] if Path(disk["disk"]).exists()],
    }
