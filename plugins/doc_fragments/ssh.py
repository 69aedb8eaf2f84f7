# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""How Skerry hosts are reached: the options of ansible-core's own ssh plugin, of whichever release runs."""

from __future__ import annotations

import yaml
from ansible.plugins.connection import ssh


def _without_versions(value: object) -> object:
    """The same without the releases of ansible-core in which an option came: they are none of this collection's."""
    if isinstance(value, dict):
        return {name: _without_versions(one) for name, one in value.items() if name != "version_added"}
    return [_without_versions(one) for one in value] if isinstance(value, list) else value


class ModuleDocFragment:
    """The fragment skerry.host.ssh."""

    DOCUMENTATION: str = yaml.safe_dump(
        {"options": _without_versions(yaml.safe_load(ssh.DOCUMENTATION)["options"])}, sort_keys=False
    )
