# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What the modules of an encrypted volume have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment skerry.host.luks."""

    DOCUMENTATION = r"""
requirements:
  - cryptsetup
options:
  device:
    description: The volume. Without it, the one that holds the running system's root.
    type: path
"""
