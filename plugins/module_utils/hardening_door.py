# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""From the options of skerry_hardening to a plan, and from the plan to what the module returns."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .skerry_boot.errors import BootError
from .skerry_boot.hardening.choose import choose
from .skerry_boot.hardening.model import Reading, Setting
from .skerry_boot.hardening.plan import Put, Restore, Step, Verdict, Write, judge, plan
from .skerry_boot.hardening.put import carry_out, look
from .skerry_boot.hardening.table import SETTINGS


def harden(module: AnsibleModule) -> dict[str, Any]:
    """Bring the machine to the table, but for what is off; in check mode only say how, and how it stands."""
    try:
        return _hardened(module)
    except BootError as error:
        module.fail_json(msg=str(error))
    raise AssertionError("fail_json ends the module")


def _hardened(module: AnsibleModule) -> dict[str, Any]:
    on = choose(SETTINGS, module.params["without"]) if module.params["state"] == "present" else ()
    state = look(SETTINGS)
    steps = plan(SETTINGS, on, state)
    verdict = judge(on, state.found)
    if not module.check_mode:
        carry_out(steps)
        state = look(SETTINGS) if steps else state
        verdict = judge(on, state.found)
        if verdict.drifted:
            module.fail_json(msg=_unheld(verdict), steps=[str(step) for step in steps])
    return {
        "changed": bool(steps),
        "steps": [str(step) for step in steps],
        "held": verdict.held,
        "drifted": list(verdict.drifted),
        "later": verdict.later,
        "unavailable": verdict.unavailable,
        "settings": [_said(one, state.found[one.name]) for one in on],
        "diff": [_diff(step) for step in steps],
    }


def _unheld(verdict: Verdict) -> str:
    told = "; ".join(verdict.drifted)
    return (
        f"what was set does not hold, something else on this machine says otherwise: {told}. "
        "Find and remove that, or turn the setting off by its name in hardening_off."
    )


def _said(setting: Setting, reading: Reading) -> dict[str, str | None]:
    return {"name": setting.name, "value": setting.value, "found": reading.value}


def _diff(step: Step) -> dict[str, str]:
    """A file's lines, a value before and after, or what is run."""
    match step:
        case Write(file, was):
            return {
                "before_header": file.path,
                "after_header": file.path,
                "before": was,
                "after": file.content,
            }
        case Put(setting, was):
            return _values(setting, was, setting.value)
        case Restore(setting, value):
            return _values(setting, setting.value, value)
    return {"prepared": f"{step}\n"}


def _values(setting: Setting, before: str, after: str) -> dict[str, str]:
    header = {"before_header": setting.name, "after_header": setting.name}
    return {**header, "before": f"{before}\n", "after": f"{after}\n"}
