#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_container_logs: options, one call to the engine, the lines of the journal."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_container_logs
short_description: Read what a container's program has written
description:
  - Returns the newest lines of a container's log. Changes nothing.
  - Control characters are written as numbers.
extends_documentation_fragment:
  - skerry.host.engine
  - skerry.host.info
author: The Skerry authors (@skerry)
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  name:
    description:
    - Name of the container, unique in its project.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    required: true
  realm:
    description:
    - Tenant that owns the container.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    default: default
  project:
    description:
    - Project of the realm, or REALM/PROJECT; the first half of the URL.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    default: default
  lines:
    description:
    - Newest lines to show; 0 for only those to come.
    - From V(0) to V(1000000).
    type: int
    default: 100
  since:
    description:
    - Only what is newer, such as 10m for ten minutes ago, today, or 2026-11-29 08:00.
    type: str
  until:
    description:
    - Only what is older.
    type: str
  # end of what is written
seealso:
  - module: skerry.host.skerry_container
"""

EXAMPLES = r"""
- name: Read the log of the last ten minutes
  skerry.host.skerry_container_logs:
    name: blog
    since: 10m
  register: log
"""

RETURN = r"""
lines:
  description: The lines, oldest first, each with its local time; C(-- started anew --) where the program was restarted.
  returned: success
  type: list
  elements: str
  sample: ["2026-11-29 20:04:24  listening on port 1071"]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import skerry_logs as logs
from ..module_utils.container_handler import KEY
from ..module_utils.engine_calls import EngineError
from ..module_utils.engine_handler import API, ask, fail, given
from ..module_utils.skerry_text import printable

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "name": {"type": "str", "required": True},
    "realm": {"type": "str", "default": "default"},
    "project": {"type": "str", "default": "default"},
    "lines": {"type": "int", "default": 100},
    "since": {"type": "str"},
    "until": {"type": "str"},
    # end of what is written
}


def main() -> None:
    """Options, one call, the lines."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    options = given(module.params)
    key = {name: options.pop(name) for name in KEY}
    where = ask(module, {"verb": "logs", "container": key, **options})
    try:
        found = list(logs.shown(logs.lines(where, printable)))
    except logs.LogsError as error:
        fail(module, EngineError("invalid", str(error)))
    module.exit_json(changed=False, lines=found)


if __name__ == "__main__":
    main()
