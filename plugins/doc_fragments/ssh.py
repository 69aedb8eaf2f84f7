# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""How Skerry hosts are reached: the options of ansible-core's own ssh plugin, of whichever release runs."""

from __future__ import annotations

import re
from textwrap import dedent

from ansible.plugins.connection import ssh

# As text: a play loads it in each of its tasks anew, and to parse it here, too, took 70 ms of each.
_OPTIONS = re.compile(r"^options:\n(?:[ \n].*\n?)*", re.MULTILINE)
# The releases of ansible-core in which an option came are none of this collection's.
_VERSION = re.compile(r"^ +version_added:.*\n", re.MULTILINE)


class ModuleDocFragment:
    """The fragment skerry.host.ssh."""

    DOCUMENTATION: str = _VERSION.sub("", "".join(_OPTIONS.findall(dedent(ssh.DOCUMENTATION))))
