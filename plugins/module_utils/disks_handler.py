# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""From the options of skerry_disks to a plan, and from the plan to what the module returns."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .skerry_base.core.errors import SkerryError
from .skerry_base.storage.disks import probe, safe
from .skerry_base.storage.disks.carry import carry_out
from .skerry_base.storage.disks.identify import identify
from .skerry_base.storage.disks.model import Sizes, Wanted, size, wanted_disks
from .skerry_base.storage.disks.plan import plan_disks
from .skerry_base.storage.luks.passphrase import problem


def bring_disks(params: dict[str, Any], only_check: bool) -> dict[str, Any]:
    """Bring the disks to the state that the options describe; in check mode only say how.

    Raises:
        SkerryError: the disks may not be written to, or a step failed.
    """
    _check(params["passphrase"])
    wanted = _wanted(params)
    found = probe.look(wanted)
    plan = plan_disks(params["state"], wanted, found)
    if not only_check:
        carry_out(plan.steps, params["passphrase"] or "")
    installed = safe.installed(wanted, found)
    prepared = params["state"] == "prepared" and plan.changed and not (only_check or installed)
    return plan.result(
        installed=installed,
        replace=[safe.token(disk) for disk in found.disks if disk and safe.finished(disk)],
        layout=asdict(identify(wanted, probe.look(wanted))) if prepared else {},
    )


def _check(passphrase: str | None) -> None:
    if passphrase is not None and (wrong := problem(passphrase)):
        raise SkerryError(wrong, "Nothing was changed.")


def _wanted(params: dict[str, Any]) -> Wanted:
    sizes = {name.removesuffix("_size"): params[name] for name in params if name.endswith("_size")}
    return Wanted(
        disks=wanted_disks(params["disks"]),
        wipe=frozenset(params["wipe"]),
        sizes=Sizes(**{name: size(text) for name, text in sizes.items()}),
        target=params["target"],
    )
