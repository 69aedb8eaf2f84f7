# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""From the options of skerry_luks_key and skerry_luks_header to a change, and to what the modules return."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .skerry_boot import header, keys, luks
from .skerry_boot.errors import BootError
from .skerry_boot.passphrase import problem


def change_keys(module: AnsibleModule) -> dict[str, Any]:
    """Bring the keys to the state that the module's options describe; in check mode only say how."""
    try:
        return _changed(module.params, module.check_mode)
    except BootError as error:
        module.fail_json(msg=str(error))
    raise AssertionError("fail_json ends the module")


def keep_header(module: AnsibleModule) -> dict[str, Any]:
    """Read the header, or put one back; in check mode only say whether that would change anything."""
    params = module.params
    try:
        device = params["device"] or luks.root_volume()
        known = {"device": device, "changed": False}
        if params["state"] == "saved":
            return known | {"header": header.backup(device), "uuid": luks.uuid(device)}
        changed = header.restore(
            device, params["header"], params["uuid"], params["passphrase"], only_check=module.check_mode
        )
        return known | {"changed": changed, "uuid": params["uuid"]}
    except BootError as error:
        module.fail_json(msg=str(error))
    raise AssertionError("fail_json ends the module")


def _changed(params: dict[str, Any], only_check: bool) -> dict[str, Any]:
    _check(params)
    device = params["device"] or luks.root_volume()
    before = luks.read(device)
    steps = _steps(params, device, before)
    if not only_check:
        given, new = params["passphrase"] or "", params["new_passphrase"] or ""
        luks.carry_out(device, steps, {keys.Secret.GIVEN: given, keys.Secret.NEW: new})
    return {
        "changed": bool(steps),
        "device": device,
        "keys": luks.read(device).rows(),
        "steps": [str(step) for step in steps],
        "diff": _diff(before, steps),
    }


def _steps(params: dict[str, Any], device: str, found: keys.Header) -> tuple[keys.Step, ...]:
    if params["state"] == "listed":
        return ()
    given, new = params["passphrase"], params["new_passphrase"]
    opened = keys.Opened(luks.opens(device, given), luks.opens(device, new) if new else None)
    match params["state"]:
        case "present":
            return keys.add(found, opened, params["name"])
        case "absent":
            return keys.remove(found, opened, params["name"])
        case _:
            return keys.rotate(found, opened)


def _check(params: dict[str, Any]) -> None:
    if "\n" in (params["passphrase"] or ""):
        raise BootError("the passphrase has a line break", "cryptsetup would read only its first line.")
    if params["state"] in {"present", "rotated"} and (wrong := problem(params["new_passphrase"])):
        raise BootError(f"the new key is not good: {wrong}", "Nothing was changed.")


def _diff(before: keys.Header, steps: Sequence[keys.Step]) -> dict[str, Any]:
    """The keys' names before and after, and below that the steps."""
    names = {str(slot.number): before.name(slot.number) for slot in before.slots}
    then = {str(number): name for number, name in keys.after(before, steps).items()}
    lines = [f"  {number}. {step}: {step.reason}\n" for number, step in enumerate(steps, start=1)]
    return {"before": names, "after": then, "prepared": "".join(lines)}
