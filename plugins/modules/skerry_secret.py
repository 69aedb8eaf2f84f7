#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_secret: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_secret
short_description: Give a secret a value, or delete it
description:
  - A secret is a value that containers of the same project get as a file in C(/run/secrets), by their option C(secrets).
  - It is encrypted at rest, and only the host can decrypt it. No answer, diff, log or journal has the value.
  - A new value reaches a container when that is next started or restarted. The same value again changes nothing.
extends_documentation_fragment:
  - skerry.host.engine
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: Asks the engine for its plan.
    support: full
  diff_mode:
    description: Shows names and versions. The value is in no diff.
    support: full
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  name:
    description:
    - Name of the secret, unique in its project.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    required: true
  state:
    description:
    - Whether it shall be there. Deleting one that a container has is refused.
    type: str
    choices:
    - present
    - absent
    default: present
  realm:
    description:
    - Tenant that owns the secret.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    default: default
  project:
    description:
    - Project of the realm, or REALM/PROJECT. Only containers of the same one can have the secret.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    default: default
  value:
    description:
    - Its value, text. Required for O(state=present), unless O(value_base64) or O(path) is given.
    type: str
  value_base64:
    description:
    - 'Any bytes, as base64: V(lookup(''ansible.builtin.file'', ''FILE''\) | b64encode) for text.'
    type: str
  path:
    description:
    - A file on the host that holds its value, any bytes.
    type: path
  # end of what is written
seealso:
  - module: skerry.host.skerry_secret_info
  - module: skerry.host.skerry_container
"""

EXAMPLES = r"""
- name: Set a secret from a vault
  skerry.host.skerry_secret:
    name: db-password
    value: "{{ vault_db_password }}"

- name: Set a secret from a file on the controller
  skerry.host.skerry_secret:
    name: tls-key
    value_base64: "{{ lookup('ansible.builtin.file', 'site.key', rstrip=false) | b64encode }}"

- name: Create a container with the secrets
  skerry.host.skerry_container:
    name: shop
    image: shop
    secrets:
      - secret: db-password
      - secret: tls-key
        file: site.key

- name: Delete a secret
  skerry.host.skerry_secret:
    name: db-password
    state: absent
"""

RETURN = r"""
secret:
  description: The secret as it is now, without its value; in check mode as it would be. Null where there is none.
  returned: success
  type: dict
  sample:
    id: 5f0c9a7be1d2430c8f6b7a51
    realm: default
    project: default
    name: db-password
    version: 2
    created: "2026-01-31T12:00:00.000+00:00"
    changed: "2026-02-28T12:00:00.000+00:00"
steps:
  description: What was done, in order; in check mode what would be.
  returned: success
  type: list
  elements: str
  sample: ["encrypt value 2 of secret 5f0c9a7be1d2430c8f6b7a51: only this host can read it"]
stored:
  description: What was written down and took no step.
  returned: success
  type: list
  elements: str
  sample: ["a restart is due for default/default/shop"]
missing:
  description: With O(state=absent), where there was no secret of that name, what there is instead. Else empty.
  returned: success
  type: str
  sample: ""
code:
  description: The class of error, one of invalid, not_found, exists, busy, host, failed, forbidden.
  returned: failure
  type: str
"""

from ..module_utils.engine_handler import API, apply
from ..module_utils.engine_module import EngineModule
from ..module_utils.secret_handler import secret_request, secret_result

# By the words `from ansible.module_utils.` Mitogen tells a module from another script.

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "realm": {"type": "str", "default": "default"},
    "project": {"type": "str", "default": "default"},
    "value": {"type": "str", "no_log": True},
    "value_base64": {"type": "str", "no_log": True},
    "path": {"type": "path"},
    # end of what is written
}


def main() -> None:
    """Options, one call, the answer."""
    values = ("value", "value_base64", "path")
    module = EngineModule(
        ARGUMENTS,
        supports_check_mode=True,
        mutually_exclusive=[values],
        required_if=[("state", "present", values, True)],
    )
    module.exit_json(**secret_result(apply(module, secret_request(module))))


if __name__ == "__main__":
    main()
