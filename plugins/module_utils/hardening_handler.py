# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""From the options of skerry_hardening to a plan, and from the plan to what the module returns."""

from __future__ import annotations

from typing import Any

from .skerry_base.core.errors import SkerryError
from .skerry_base.hardening.choose import choose
from .skerry_base.hardening.model import Reading, Setting
from .skerry_base.hardening.plan import HardeningPlan, Verdict, judge, plan_hardening
from .skerry_base.hardening.put import carry_out, look
from .skerry_base.hardening.table import SETTINGS


def harden(params: dict[str, Any], only_check: bool) -> dict[str, Any]:
    """Bring the machine to the table, but for what is off; in check mode only say how, and how it stands.

    Raises:
        SkerryError: a step failed, or something else on the machine says otherwise than what was set.
    """
    on = choose(SETTINGS, params["without"]) if params["state"] == "present" else ()
    state = look(SETTINGS)
    plan = plan_hardening(SETTINGS, on, state)
    if not only_check:
        carry_out(plan.steps)
        state = look(SETTINGS) if plan.changed else state
    verdict = judge(on, state.found)
    if verdict.drifted and not only_check:
        raise _unheld(verdict, plan)
    return plan.result(
        held=verdict.held,
        drifted=list(verdict.drifted),
        later=verdict.later,
        unavailable=verdict.unavailable,
        settings=[_said(one, state.found[one.name]) for one in on],
    )


def _unheld(verdict: Verdict, plan: HardeningPlan) -> SkerryError:
    told = "; ".join(verdict.drifted)
    return SkerryError(
        f"what was set does not hold, something else on this machine says otherwise: {told}",
        "Find and remove that, or turn the setting off by its name in hardening_off.",
        steps=plan.titles,
    )


def _said(setting: Setting, reading: Reading) -> dict[str, str | None]:
    return {"name": setting.name, "value": setting.value, "found": reading.value}
