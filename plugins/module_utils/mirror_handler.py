# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""From the options of skerry_mirror to a plan, and from the plan to what the module returns."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .skerry_base.boot.sync.copy import copy
from .skerry_base.core.plan import Plan
from .skerry_base.storage.disks.model import Wanted, wanted_disks
from .skerry_base.storage.mirror import replace, replace_plan


def bring_mirror(params: dict[str, Any], only_check: bool) -> dict[str, Any]:
    """Bring the mirror to the disks that the options name; in check mode only say how.

    Raises:
        SkerryError: a disk is not surely meant, or a step failed.
    """
    wanted = Wanted(wanted_disks(params["disks"]), frozenset(params["wipe"]))
    found, arrays = replace.look(wanted)
    plan = Plan(replace_plan.replace_disk(wanted, found, arrays))
    if params["state"] == "finished" and not plan.changed:
        plan = Plan(replace_plan.finish(found, replace.layout(wanted), replace.mounted()))
    if not only_check:
        replace.carry_out(plan.steps, copy)
    there = not (only_check and plan.changed)
    return plan.result(layout=asdict(replace.layout(wanted)) if there else {})
