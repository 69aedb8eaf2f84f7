# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""From the options of skerry_luks_key and skerry_luks_header to a change, and to what the modules return."""

from __future__ import annotations

from typing import Any

from .skerry_base.core.errors import SkerryError
from .skerry_base.storage.luks import cryptsetup, header
from .skerry_base.storage.luks.keys import Opened, plan_keys
from .skerry_base.storage.luks.model import Secret
from .skerry_base.storage.luks.passphrase import problem


def change_keys(params: dict[str, Any], only_check: bool) -> dict[str, Any]:
    """Bring the keys to the state that the options describe; in check mode only say how.

    Raises:
        SkerryError: it is refused, or a step failed.
    """
    _check(params)
    device = params["device"] or cryptsetup.root_volume()
    given, new = params["passphrase"] or "", params["new_passphrase"] or ""
    before, opened = cryptsetup.read(device), Opened(None)
    if params["state"] != "listed":
        opened = Opened(cryptsetup.opens(device, given), cryptsetup.opens(device, new))
    plan = plan_keys(params["state"], before, opened, params["name"] or "")
    if not only_check:
        cryptsetup.carry_out(device, plan.steps, {Secret.GIVEN: given, Secret.NEW: new})
    return plan.result(device=device, key_slots=cryptsetup.read(device).rows())


def keep_header(params: dict[str, Any], only_check: bool) -> dict[str, Any]:
    """Read the header, or put one back; in check mode only say whether that would change anything.

    Raises:
        SkerryError: there is none, or the one that was given is another volume's.
    """
    device = params["device"] or cryptsetup.root_volume()
    known = {"device": device, "changed": False}
    if params["state"] == "saved":
        return known | {"header": header.backup(device), "uuid": cryptsetup.uuid(device)}
    changed = header.restore(
        device, params["header"], params["uuid"], params["passphrase"], only_check=only_check
    )
    return known | {"changed": changed, "uuid": params["uuid"]}


def _check(params: dict[str, Any]) -> None:
    if "\n" in (params["passphrase"] or ""):
        raise SkerryError("the passphrase has a line break", "cryptsetup would read only its first line.")
    if params["state"] in {"present", "rotated"} and (wrong := problem(params["new_passphrase"])):
        raise SkerryError(f"the new key is not good: {wrong}", "Nothing was changed.")
