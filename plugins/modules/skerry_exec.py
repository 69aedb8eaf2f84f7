#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_exec: options, one ticket of the engine, the program's answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_exec
short_description: Run a program in a container
description:
  - Runs a program in a container that runs, inside the container's own walls and limits, and waits for its end.
  - It has the variables of the container's own program, and those of O(env). No shell is involved.
  - A container that is stopped, frozen or on its way is refused.
extends_documentation_fragment:
  - skerry.host.engine
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: The program is not run, and the task counts as skipped.
    details: O(creates) and O(removes) are looked at.
    support: partial
  diff_mode:
    description: Nobody knows what a program changes.
    support: none
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  name:
    description:
    - Name of the container, unique in its project.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    required: true
  command:
    description:
    - Program and arguments to run.
    type: list
    elements: str
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
  user:
    description:
    - User to run it as, by name or number; with a colon, the group as well.
    type: str
  workdir:
    description:
    - Folder in the container to run it in.
    type: str
  env:
    description:
    - Variables besides those that the container's own program has.
    type: dict
  stdin:
    description:
    - What it reads from standard input.
    type: str
    default: ''
  timeout:
    description:
    - Seconds after which it is killed and the task fails.
    type: float
  creates:
    description:
    - Path in the container; it is not run where that is there.
    type: path
  removes:
    description:
    - Path in the container; it is not run where that is not there.
    type: path
  # end of what is written
seealso:
  - module: skerry.host.skerry_container
"""

EXAMPLES = r"""
- name: Update the database's schema
  skerry.host.skerry_exec:
    name: shop
    command: [/srv/shop/manage.py, migrate]
    user: shop
    workdir: /srv/shop

- name: Create a table once
  skerry.host.skerry_exec:
    name: shop
    command: [sqlite3, /data/shop.db]
    stdin: CREATE TABLE orders (id INTEGER PRIMARY KEY);
    creates: /data/shop.db
"""

RETURN = r"""
rc:
  description: Its exit code. 128 + N where signal N ended it, 126 where it can't be run, 127 where it is not there.
  returned: when it ran
  type: int
stdout:
  description: What it wrote to standard output. Bytes that are no UTF-8 are replaced.
  returned: when it ran
  type: str
stderr:
  description: What it wrote to standard error.
  returned: when it ran
  type: str
next:
  description: Where to look.
  returned: where it failed
  type: str
code:
  description: The class of error, one of invalid, not_found, exists, busy, host, failed, forbidden.
  returned: where it was not run
  type: str
"""

from typing import NoReturn

from ..module_utils import skerry_attach as attach
from ..module_utils import skerry_inside as inside
from ..module_utils.container_handler import KEY, as_text
from ..module_utils.engine_handler import API, Fields, ask, given
from ..module_utils.engine_module import EngineModule

# By the words `from ansible.module_utils.` Mitogen tells a module from another script.

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "name": {"type": "str", "required": True},
    "command": {"type": "list", "elements": "str", "required": True},
    "realm": {"type": "str", "default": "default"},
    "project": {"type": "str", "default": "default"},
    "user": {"type": "str"},
    "workdir": {"type": "str"},
    "env": {"type": "dict", "no_log": True},
    "stdin": {"type": "str", "default": ""},
    "timeout": {"type": "float"},
    "creates": {"type": "path"},
    "removes": {"type": "path"},
    # end of what is written
}


def main() -> None:
    """Options, one ticket, the answer."""
    module = EngineModule(ARGUMENTS, supports_check_mode=True)
    options = given(module.params)
    key = {name: options.pop(name) for name in KEY}
    if "env" in options:
        options["env"] = as_text(options["env"])
    stdin, timeout = options.pop("stdin", ""), options.pop("timeout", None)
    _leave_where_not_wanted(module, key, options)
    ticket = ask(module, {"verb": "exec", "container": key, **options})
    try:
        rc, out, err = attach.capture(ticket, stdin.encode(), timeout)
    except (attach.AttachError, TimeoutError) as error:
        module.fail_json(msg=str(error), code="failed")
    _finish(module, rc, out.decode(errors="replace"), err.decode(errors="replace"))


def _leave_where_not_wanted(module: EngineModule, key: Fields, options: Fields) -> None:
    """Take what says whether to run out of the options; end the module where it shall not."""
    for option, there in (("creates", True), ("removes", False)):
        path = options.pop(option, None)
        if path is not None and _exists(module, key, path) is there:
            module.exit_json(
                changed=False, rc=0, stdout="", stderr="", msg=f"not run, since {option} says so"
            )
    if module.check_mode:
        module.exit_json(changed=False, skipped=True, msg="not run in check mode")


def _exists(module: EngineModule, key: Fields, path: str) -> bool:
    place = ask(module, {"verb": "get", "container": key, "path": path})
    try:
        return inside.exists(place)
    except inside.InsideError as error:
        module.fail_json(msg=str(error), code="failed")


def _finish(module: EngineModule, rc: int, out: str, err: str) -> NoReturn:
    said = {"changed": True, "rc": rc, "stdout": out, "stderr": err}
    if rc != 0:
        module.fail_json(msg=f"the program ended with code {rc}", next="what it wrote says why.", **said)
    module.exit_json(**said)


if __name__ == "__main__":
    main()
