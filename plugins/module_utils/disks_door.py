# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""From the options of skerry_disks to a plan, and from the plan to what the module returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .skerry_boot.disks import plan, probe, safe
from .skerry_boot.disks.carry import carry_out
from .skerry_boot.disks.identify import identify
from .skerry_boot.disks.model import Found, Sizes, Wanted, WantedDisk, size
from .skerry_boot.errors import BootError
from .skerry_boot.passphrase import problem


def bring(module: AnsibleModule) -> dict[str, Any]:
    """Bring the disks to the state that the module's options describe; in check mode only say how."""
    try:
        return _brought(module.params, module.check_mode)
    except BootError as error:
        module.fail_json(msg=str(error))
    raise AssertionError("fail_json ends the module")


def _brought(params: dict[str, Any], only_check: bool) -> dict[str, Any]:
    _check(params["passphrase"])
    wanted = _wanted(params)
    found = probe.look(wanted)
    steps = plan.finish(found) if params["state"] == "finished" else plan.prepare(wanted, found)
    if not only_check:
        carry_out(steps, params["passphrase"] or "")
    installed = safe.installed(wanted, found)
    prepared = params["state"] == "prepared" and bool(steps) and not (only_check or installed)
    return {
        "changed": bool(steps),
        "installed": installed,
        "replace": [safe.token(disk) for disk in found.disks if disk and safe.finished(disk)],
        "steps": [str(step) for step in steps],
        "layout": asdict(identify(wanted, probe.look(wanted))) if prepared else {},
        "diff": _diff(found, steps),
    }


def _check(passphrase: str | None) -> None:
    if passphrase is not None and (wrong := problem(passphrase)):
        raise BootError(wrong, "Nothing was changed.")


def _wanted(params: dict[str, Any]) -> Wanted:
    sizes = {name.removesuffix("_size"): params[name] for name in params if name.endswith("_size")}
    return Wanted(
        disks=tuple(WantedDisk(disk["id"], disk["serial"]) for disk in params["disks"]),
        wipe=frozenset(params["wipe"]),
        sizes=Sizes(**{name: size(text) for name, text in sizes.items()}),
        target=params["target"],
    )


def _diff(found: Found, steps: Sequence[plan.Step]) -> dict[str, Any]:
    """What the disks hold before and after, and below that the plan."""
    before = {disk.path: list(disk.signs) for disk in found.disks if disk}
    divided = {step.disk.path: step.table() for step in steps if isinstance(step, plan.Divide)}
    lines = [f"  {number}. {step}: {step.reason}\n" for number, step in enumerate(steps, start=1)]
    return {"before": before, "after": before | divided, "prepared": "".join(lines)}
