# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What the modules that call the engine have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment skerry.host.engine."""

    DOCUMENTATION = r"""
attributes:
  platform:
    description: Hosts that the role C(lxc_host) has set up.
    platforms: debian
    support: full
notes:
  - Needs to be root on the host (C(become)).
"""
