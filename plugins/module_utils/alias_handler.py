# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What skerry_alias asks of the engine: a switch and, where it is wanted, the drain after it."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from .engine_handler import Fields, apply, delete, given, result

KEY = ("realm", "project", "alias")


def apply_alias(module: AnsibleModule) -> Fields:
    """What the module returns once the name leads where its options say, in check mode would lead."""
    params = given(module.params)
    state, drain = params.pop("state"), params.pop("drain", None)
    key = {name: params[name] for name in KEY}
    if state == "absent":
        return delete(module, {"verb": "alias_delete", **key}, "alias")
    answer = apply(module, {"verb": "alias_set", **params})
    found = result(answer) | {"alias": answer["after"]}
    # Before a switch that is only planned nothing is open to where the name led before.
    if drain is not None and not (module.check_mode and answer["before"] is None):
        drained = result(apply(module, {"verb": "alias_drain", **key, "within": drain}))
        for name in ("steps", "stored"):
            found[name] += drained[name]
        found["changed"] = found["changed"] or drained["changed"]
    return found
