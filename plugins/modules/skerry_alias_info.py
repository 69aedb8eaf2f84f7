#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_alias_info: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_alias_info
short_description: Tell about the aliases of a host
description:
  - Lists the aliases of a host, or those of one realm, project or name, with the container and the image behind each.
    Changes nothing.
extends_documentation_fragment:
  - skerry.host.engine
  - skerry.host.info
author: The Skerry authors (@skerry)
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  realm:
    description:
    - Only aliases of this realm.
    type: str
  project:
    description:
    - Only aliases of this project.
    type: str
  alias:
    description:
    - Only this alias.
    type: str
  # end of what is written
seealso:
  - module: skerry.host.skerry_alias
"""

EXAMPLES = r"""
- name: Read the aliases of the host
  skerry.host.skerry_alias_info:
  register: all
"""

RETURN = r"""
aliases:
  description: The aliases, by realm, project and name. Empty where there is none.
  returned: success
  type: list
  elements: dict
  sample:
    - name: shop
      realm: default
      project: default
      container: shop-2
      service: null
      image: shop
      url: https://shop.apps.example.org/
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.engine_handler import API, ask, given

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "realm": {"type": "str"},
    "project": {"type": "str"},
    "alias": {"type": "str"},
    # end of what is written
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    places = given({name: module.params[name] for name in ("realm", "project")})
    name = module.params["alias"]
    found = ask(module, {"verb": "alias_list", **places})["aliases"]
    module.exit_json(aliases=[alias for alias in found if name in (None, alias["name"])])


if __name__ == "__main__":
    main()
