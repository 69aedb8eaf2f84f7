#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_policy_info: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_policy_info
short_description: Tell about policies, and what becomes of a request
description:
  - Lists who gets through to the URLs of a host, without a secret. Tells which group decides on a request. Changes nothing.

extends_documentation_fragment:
  - skerry.host.engine
  - skerry.host.info
author: The Skerry authors (@skerry)
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  container:
    description:
    - Only the policy of this container.
    type: str
  realm:
    description:
    - Only those of this realm.
    type: str
  project:
    description:
    - Only those of projects of this name, or of REALM/PROJECT.
    type: str
  url:
    description:
    - Tell as well what becomes of a request to this URL, and why, in C(explained).
    - At most 2048 characters.
    type: str
  ip:
    description:
    - 'With O(url): Address that the request comes from.'
    - At most 64 characters.
    type: str
  headers:
    description:
    - 'With O(url): Header of the request, as ''authorization: Bearer …''.'
    type: list
    elements: str
  # end of what is written
seealso:
  - module: skerry.host.skerry_policy
"""

EXAMPLES = r"""
- name: Read the policies of the host
  skerry.host.skerry_policy_info:
  register: all

- name: Read the decision on a request
  skerry.host.skerry_policy_info:
    url: https://shop.skerry.example/
    ip: 192.0.2.7
  register: asked
"""

RETURN = r"""
policies:
  description: The policies, by realm, project and container. Empty where there is none.
  returned: success
  type: list
  elements: dict
  sample:
    - id: 5f0c9a7be1d2430c8f6b7a51
      realm: default
      project: default
      container: blog
      enabled: true
      default: deny
      groups: [{name: office, deny: false, ip: [192.0.2.0/24]}]
      group_names: [office]
      version: 1
      created: "2026-01-31T12:00:00.000+00:00"
      changed: "2026-01-31T12:00:00.000+00:00"
explained:
  description: What becomes of the request, by which group, and how each condition that was looked at came out.
  returned: with O(url)
  type: dict
  sample:
    container: default/default/blog
    policy: default/default/blog
    status: 200
    group: office
    subject: ""
    groups:
      - group: office
        deny: false
        conditions: [{name: ip, holds: true, reason: 192.0.2.7 is in 192.0.2.0/24}]
        subject: ""
        holds: true
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.engine_handler import API, ask, given

ARGUMENTS = {
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "container": {"type": "str"},
    "realm": {"type": "str"},
    "project": {"type": "str"},
    "url": {"type": "str"},
    "ip": {"type": "str"},
    "headers": {"type": "list", "elements": "str", "no_log": True},
    # end of what is written
    **API,
}
_OF_A_REQUEST = ("url", "ip", "headers")


def main() -> None:
    """Options, one call, or two, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    options = given(module.params)
    request = {name: options.pop(name) for name in _OF_A_REQUEST if name in options}
    container = options.pop("container", None)
    found = ask(module, {"verb": "policy_list", **options})["policies"]
    explained = {"explained": ask(module, {"verb": "policy_explain", **request})} if "url" in request else {}
    module.exit_json(policies=[one for one in found if container in (None, one["container"])], **explained)


if __name__ == "__main__":
    main()
