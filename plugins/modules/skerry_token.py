#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_token: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_token
short_description: Make, change, rotate and revoke a token
description:
  - A token is what a program shows to be let in by the API. It is about a realm, or some projects of it, or the whole host.
  - The host keeps the SHA-256 of it only. So its value is in the result of the task that makes or rotates it, and in no
    later one. Set C(no_log) on that task, or it stands in Ansible's output.

extends_documentation_fragment:
  - skerry.host.engine
author: The Skerry authors (@skerry)
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  name:
    description:
    - Name of the token, unique in its realm, or REALM/NAME.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    required: true
  state:
    description:
    - 'V(present): it is there, with what the options say; one that is there keeps what they do not name,
      and its value.'
    - 'V(rotated): it gets another value, and the old one is revoked at once. Each run does so.'
    - 'V(absent): it is revoked at once, with what is open by it.'
    type: str
    choices:
    - present
    - rotated
    - absent
    default: present
  realm:
    description:
    - Tenant whose resources it reaches. Without one it is the operator's, for the whole host.
    type: str
  projects:
    description:
    - Project of its realm that it is held to. Without any, all of the realm.
    type: list
    elements: str
  template:
    description:
    - 'What it may do: read and see no secret (reader), deploy as well (deploy), all that is in its realm
      (admin), or, of the operator''s, all (operator).'
    type: str
    choices:
    - operator
    - admin
    - deploy
    - reader
  verbs:
    description:
    - Verb that it may ask, in place of a template, such as snapshot_create.
    type: list
    elements: str
  cidrs:
    description:
    - Network that it may be used from, such as 192.0.2.0/24 or 2001:db8::/32. Without any, from anywhere.
    type: list
    elements: str
  expires:
    description:
    - 'When it ends: a duration from now such as 90d, a date or time such as 2027-01-31T12:00Z (UTC where
      it names no zone), or never.'
    type: str
  # end of what is written
attributes:
  check_mode:
    description: Its answer is the plan, whole. No token is made.
    support: full
  diff_mode:
    description: Shows the token before and after, never its value.
    support: full
seealso:
  - module: skerry.host.skerry_token_info
  - module: skerry.host.skerry_realm
"""

EXAMPLES = r"""
- name: Create a token for deployments, from a network, for 90 days
  skerry.host.skerry_token:
    realm: acme
    name: ci
    projects: [shop]
    template: deploy
    cidrs: [192.0.2.0/24]
    expires: 90d
  no_log: true
  register: made

- name: Write a new token to a file of the controller
  ansible.builtin.copy:
    content: "{{ made.value }}"
    dest: ~/.skerry/ci.token
    mode: "0600"
  delegate_to: localhost
  no_log: true
  when: made.value is defined

- name: Delete the token
  skerry.host.skerry_token:
    realm: acme
    name: ci
    state: absent
"""

RETURN = r"""
value:
  description: The token itself. Nobody can read it again.
  returned: when it was made or rotated
  type: str
  sample: sk_4lyNXA6OV4pcroynMWZJDiDeiPK4UzXKg
token:
  description: What is known of the token now; in check mode what would be. Null where there is none.
  returned: success
  type: dict
  sample:
    id: 5f0c9a7be1d2430c8f6b7a51
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
new:
  description: Whether there was none of that name before.
  returned: success
  type: bool
stored:
  description: What was written down; in check mode what would be.
  returned: success
  type: list
  elements: str
  sample: ["it is about project acme/shop", "verbs deploy", "from 192.0.2.0/24"]
missing:
  description: With O(state=absent), where there was no token of that name, what there is instead. Else empty.
  returned: success
  type: str
  sample: ""
code:
  description: The class of error, one of invalid, not_found, exists, busy, host, failed, forbidden.
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.engine_handler import API, apply
from ..module_utils.token_handler import token_request, token_result

ARGUMENTS = {
    **API,
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "rotated", "absent"], "default": "present"},
    "realm": {"type": "str"},
    "projects": {"type": "list", "elements": "str"},
    "template": {"type": "str", "choices": ["operator", "admin", "deploy", "reader"]},
    "verbs": {"type": "list", "elements": "str"},
    "cidrs": {"type": "list", "elements": "str"},
    "expires": {"type": "str"},
    # end of what is written
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    module.exit_json(**token_result(apply(module, token_request(module.params))))


if __name__ == "__main__":
    main()
