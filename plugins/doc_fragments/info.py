# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What the modules that only read have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment skerry.host.info."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: It only reads.
    support: full
  diff_mode:
    description: It only reads.
    support: none
"""
