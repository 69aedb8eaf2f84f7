# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What ends every module about a machine's disks, keys and settings: what its handler returns, or why it refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule

from .skerry_base.core.errors import SkerryError

Handler = Callable[[dict[str, Any], bool], dict[str, Any]]
"""From the options, and whether only to say what would be done, to what the module returns."""


def answer(module: AnsibleModule, handler: Handler) -> NoReturn:
    """End the module with what the handler returns; where it refuses, with what was wrong and what would be right."""
    try:
        result = handler(module.params, module.check_mode)
    except SkerryError as error:
        module.fail_json(msg=str(error), **error.facts)
    else:
        module.exit_json(**result)
    raise AssertionError("exit_json and fail_json end the module")
