# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What the modules that call the engine have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment skerry.host.engine."""

    DOCUMENTATION = r"""
options:
  api_url:
    description:
    - The API of the host, such as V(https://api.apps.example.org). Then the module asks that, from wherever it runs, and
      the host that the task is for need not have an engine.
    - Without it the module asks the engine of the host that it runs on.
    - What the API has no way for, such as a program in a container or a file of the host, is refused and says so.
    - Environment variable C(SKERRY_API_URL).
    type: str
  api_token:
    description:
    - The token to show to the API. What it may do is decided by the host.
    - Environment variable C(SKERRY_API_TOKEN).
    type: str
  api_ca:
    description:
    - A file, where the module runs, with the certificates that the API's own is verified by; in PEM. Without it those that
      the system trusts.
    - Environment variable C(SKERRY_API_CA).
    type: path
attributes:
  platform:
    description: Hosts that the role C(lxc_host) has set up; with O(api_url) anywhere.
    platforms: debian
    support: full
notes:
  - Needs to be root on the host (C(become)), unless O(api_url) is given.
  - The three O(api_url), O(api_token) and O(api_ca) can be said once for all, in C(module_defaults) of the group
    C(group/skerry.host.engine).
"""
