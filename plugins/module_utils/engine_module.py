# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""A module with options that may be secrets: none of their values reaches a log or a result.

Ansible's own ``no_log`` keeps them out of the host's log. In results it replaces each value wherever it occurs, so an
environment of ``{"WORKERS": "1"}`` would blacken every 1 of an address. Here a result is made without them instead.
"""

from __future__ import annotations

from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule

HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"  # what Ansible itself says


def hide(params: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """The options as a result shows them: of those with ``no_log`` names only, of undeclared ones nothing.

    Args:
        params: the options as they came.
        arguments: the module's argument spec.
    """
    declared = {name: value for name, value in params.items() if name in arguments}
    return {
        name: _hidden(value) if arguments[name].get("no_log") else value for name, value in declared.items()
    }


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return dict.fromkeys(value, HIDDEN)
    return value if value is None else HIDDEN


class EngineModule(AnsibleModule):
    """An Ansible module that speaks to the engine."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.no_log_values.clear()  # or Ansible would blacken every "1" for the sake of a variable that is 1

    def exit_json(self, **kwargs: Any) -> NoReturn:
        """End well; the result has no value of a secret option."""
        super().exit_json(**self._guarded(kwargs))
        raise AssertionError("exit_json ends the module")

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        """End with an error; also where the options themselves are wrong and the module never began."""
        super().fail_json(msg, **self._guarded(kwargs))
        raise AssertionError("fail_json ends the module")

    def _guarded(self, result: dict[str, Any]) -> dict[str, Any]:
        """The result with the options that it came from, but for what ``no_log`` hides."""
        self.no_log_values.clear()
        return result | {"invocation": {"module_args": hide(self.params, self.argument_spec)}}
