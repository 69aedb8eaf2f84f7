# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""From the options of skerry_mirror to a plan, and from the plan to what the module returns."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .skerry_boot.disks.model import Wanted, WantedDisk
from .skerry_boot.errors import BootError
from .skerry_boot.mirror import replace, replace_plan


def mend(module: AnsibleModule) -> dict[str, Any]:
    """Bring the mirror to the disks that the module's options name; in check mode only say how."""
    try:
        return _mended(module.params, module.check_mode)
    except BootError as error:
        module.fail_json(msg=str(error))
    raise AssertionError("fail_json ends the module")


def _mended(params: dict[str, Any], only_check: bool) -> dict[str, Any]:
    disks = tuple(WantedDisk(disk["id"], disk["serial"]) for disk in params["disks"])
    wanted = Wanted(disks, frozenset(params["wipe"]))
    found, arrays = replace.look(wanted)
    steps = replace_plan.replace_disk(wanted, found, arrays)
    if params["state"] == "finished" and not steps:
        steps = replace_plan.finish(found, replace.layout(wanted), replace.mounted())
    if not only_check:
        replace.carry_out(steps)
    there = not (only_check and steps)
    return {
        "changed": bool(steps),
        "steps": [str(step) for step in steps],
        "layout": asdict(replace.layout(wanted)) if there else {},
        "diff": {"prepared": "".join(f"{number}. {step}\n" for number, step in enumerate(steps, start=1))},
    }
