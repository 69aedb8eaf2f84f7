# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""From the options of skerry_unlock to an unlocked machine, and what the module returns."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .unlocking import Endpoint, Found, Unlocker, UnlockError


def unlock(module: AnsibleModule) -> dict[str, Any]:
    """Find the machine and unlock it; where that fails, the module ends with a code and what to do."""
    params: dict[str, Any] = module.params
    try:
        return _unlocked(params, only_look=module.check_mode or params["state"] == "found")
    except UnlockError as error:
        module.fail_json(msg=error.message, code=str(error.code), next=error.hint)
    raise AssertionError("fail_json ends the module")


def _unlocked(params: dict[str, Any], *, only_look: bool) -> dict[str, Any]:
    shared = {name: params[name] for name in ("host", "known_hosts", "user", "private_key")}
    unlocker = Unlocker(
        Endpoint(port=params["port"], **shared),
        Endpoint(port=params["system_port"], name=params["system_name"], **shared),
        params["timeout"],
    )
    found = unlocker.find()
    if found is Found.LOCKED and not only_look:
        unlocker.unlock(params["passphrase"])
    return {"found": str(found), "changed": found is Found.LOCKED and params["state"] == "unlocked"}
