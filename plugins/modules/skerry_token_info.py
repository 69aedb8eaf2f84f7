#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_token_info: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_token_info
short_description: Tell about the tokens of a host
description:
  - Lists the tokens of a host, what they may do and when they were last used, never their values. Changes nothing.

extends_documentation_fragment:
  - skerry.host.engine
  - skerry.host.info
author: The Skerry authors (@skerry)
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  name:
    description:
    - Only tokens of this name, or REALM/NAME.
    type: str
  realm:
    description:
    - Only those of this realm.
    type: str
  # end of what is written
seealso:
  - module: skerry.host.skerry_token
"""

EXAMPLES = r"""
- name: Read the tokens of the host
  skerry.host.skerry_token_info:
  register: all
"""

RETURN = r"""
tokens:
  description: The tokens, the operator's first, then by realm and name. Empty where there is none.
  returned: success
  type: list
  elements: dict
  contains:
    state:
      description: Whether it is valid, or has expired.
      returned: always
      type: str
    last_used:
      description: The minute that it was last used in; null where it never was.
      returned: always
      type: str
  sample:
    - id: 5f0c9a7be1d2430c8f6b7a51
      realm: acme
      name: ci
      projects: [shop]
      template: deploy
      verbs: [alias_list, alias_set, create]
      cidrs: [192.0.2.0/24]
      expires: "2026-05-01T12:00:00+00:00"
      state: valid
      created: "2026-01-31T12:00:00.000+00:00"
      created_by: root
      rotated: "2026-01-31T12:00:00.000+00:00"
      last_used: "2026-02-01T08:15+00:00"
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.engine_handler import API, ask, given

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "name": {"type": "str"},
    "realm": {"type": "str"},
    # end of what is written
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    *realm, name = (module.params["name"] or "").split("/", 1)
    asked = given({"verb": "token_list", "realm": module.params["realm"] or next(iter(realm), None)})
    found = ask(module, asked)["tokens"]
    module.exit_json(tokens=[one for one in found if name in ("", one["name"])])


if __name__ == "__main__":
    main()
