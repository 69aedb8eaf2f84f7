# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What skerry_policy asks of the engine, and what it returns."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .engine_handler import Fields, apply, given, result

_OWNER = ("realm", "project", "container")


def apply_policy(module: AnsibleModule) -> Fields:
    """What the module returns once the policy is as its options say, in check mode would be."""
    params: Fields = _without_none(module.params)
    if params.pop("state") == "absent":
        key = {name: params[name] for name in _OWNER if name in params}
        answer = apply(module, {"verb": "policy_absent", **key})
    else:
        answer = apply(module, {"verb": "policy_set", **params})
    once = {"tokens": answer["once"]} if "once" in answer else {}
    return result(answer) | {"policy": answer["after"]} | once


def _without_none(value: Any) -> Any:
    """The options that the user gave, at every depth."""
    if isinstance(value, list):
        return [_without_none(one) for one in value]
    return (
        {name: _without_none(one) for name, one in given(value).items()} if isinstance(value, dict) else value
    )
