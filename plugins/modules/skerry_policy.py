#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_policy: options, one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_policy
short_description: Say who gets through to the URLs of a container or a project
description:
  - The policy of a container, or of a project for its containers that have no own one. The proxy decides on requests by it.
    A change holds from the next one on. Passwords, secrets and tokens are stored encrypted, and shown nowhere.
  - Set C(no_log) on a task that makes tokens, as its result has them.

extends_documentation_fragment:
  - skerry.host.engine
author: The Skerry authors (@skerry)
options:
  # written by `make options` from src/skerry/protocol and src/skerry/model
  state:
    description:
    - 'V(present): it is there, with what the options say, and nothing else.'
    - 'V(absent): it is deleted. A container has its project''s policy then, or is open to all.'
    type: str
    choices:
    - present
    - absent
    default: present
  container:
    description:
    - Container that it is of. Without one it is the project's, for its containers with no own one.
    type: str
  realm:
    description:
    - Tenant of the project.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    default: default
  project:
    description:
    - Project of the realm, or REALM/PROJECT.
    - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
    type: str
    default: default
  default:
    description:
    - What becomes of a request that no group is about.
    type: str
    choices:
    - allow
    - deny
    default: deny
  enabled:
    description:
    - 'False is a kill switch: nobody gets through, whatever the groups say.'
    type: bool
    default: true
  groups:
    description:
    - Group of conditions that must all hold. Any one lets through, and one that denies wins.
    type: list
    elements: dict
    suboptions:
      name:
        description:
        - Name of the group, which logs, explain and X-Auth-Group show.
        - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
        type: str
        required: true
      deny:
        description:
        - It refuses whom it is about, whatever the other groups allow.
        type: bool
      ip:
        description:
        - Network that the visitor is in, such as 192.0.2.0/24 or 2001:db8::/32.
        type: list
        elements: str
      passwords:
        description:
        - Users, of whom the visitor is one by password (HTTP Basic).
        type: list
        elements: dict
        suboptions:
          user:
            description:
            - Name of the user. The program gets it as X-Auth-Subject.
            - 1 to 64 characters, without blanks and colons.
            type: str
            required: true
          password:
            description:
            - Password, of 8 characters at least. Without one, a user keeps what there is.
            type: str
      tokens:
        description:
        - Bearer tokens, of which the visitor has one. A new one is made, and shown once.
        type: list
        elements: dict
        suboptions:
          name:
            description:
            - Name of the token. The program gets it as X-Auth-Subject.
            - Lower-case letters, digits and dashes; a letter first, no dash last. At most 32 characters.
            type: str
            required: true
          expires:
            description:
            - 'When it ends: a duration from now such as 90d, a date or time such as 2027-01-31T12:00Z (UTC
              where it names no zone), or never.'
            type: str
      jwt:
        description:
        - JSON Web Tokens, of which the visitor has one.
        type: dict
        suboptions:
          secret:
            description:
            - Secret by which they are signed (HS256), of 32 characters at least.
            type: str
          keys:
            description:
            - The public keys, in place of a secret.
            type: list
            elements: dict
            suboptions:
              kid:
                description:
                - The kid by which a token names the key.
                - 1 to 128 characters.
                type: str
                required: true
              pem:
                description:
                - 'The public key: RSA of 2048 bits at least (RS256), or on P-256 (ES256).'
                type: str
                required: true
          issuer:
            description:
            - What the claim iss must be.
            type: str
          audience:
            description:
            - Text of which the claim aud must have one. Without any, it is not looked at.
            type: list
            elements: str
          claims:
            description:
            - What else a token must say.
            type: list
            elements: dict
            suboptions:
              name:
                description:
                - Name of the claim.
                - At most 256 characters.
                type: str
                required: true
              values:
                description:
                - Text of which it has one, exactly. A claim that is a list has one of them in it.
                type: list
                elements: str
                required: true
      sources:
        description:
        - 'Where a token is looked for: header:NAME or cookie:NAME, the first that is there. Without any,
          in the header Authorization, as Bearer.'
        type: list
        elements: str
  # end of what is written
attributes:
  check_mode:
    description: Its answer is the plan, whole. No token is made.
    support: full
  diff_mode:
    description: Shows the policy before and after, never a secret of it.
    support: full
seealso:
  - module: skerry.host.skerry_policy_info
  - module: skerry.host.skerry_container
"""

EXAMPLES = r"""
- name: Set a policy for the office by address, and for staff by password
  skerry.host.skerry_policy:
    container: blog
    groups:
      - name: office
        ip: [192.0.2.0/24, 2001:db8::/32]
      - name: staff
        passwords:
          - user: ann
            password: "{{ password_of_ann }}"

- name: Set a policy for operators of an issuer
  skerry.host.skerry_policy:
    project: acme/shop
    groups:
      - name: banned
        deny: true
        ip: [198.51.100.0/24]
      - name: operators
        jwt:
          issuer: https://login.example
          audience: [shop]
          claims: [{name: role, values: [operator]}]
          keys:
            - kid: "2026"
              pem: "{{ lookup('ansible.builtin.file', 'issuer.pem') }}"

- name: Close a container
  skerry.host.skerry_policy:
    container: blog
    enabled: false

- name: Delete the policy of a container
  skerry.host.skerry_policy:
    container: blog
    state: absent
"""

RETURN = r"""
policy:
  description: The policy now; in check mode what it would be. Null where there is none. It has no secret.
  returned: success
  type: dict
  sample:
    id: 5f0c9a7be1d2430c8f6b7a51
    realm: default
    project: default
    container: blog
    enabled: true
    default: deny
    groups: [{name: staff, deny: false, ip: [], passwords: [ann], sources: ["header:authorization"]}]
    group_names: [staff]
    version: 1
    created: "2026-01-31T12:00:00.000+00:00"
    changed: "2026-01-31T12:00:00.000+00:00"
tokens:
  description: Tokens that were made, by group and name. Nobody can read them again.
  returned: when some were made
  type: dict
  sample: {ci/deploy: lk_lSKh8p2zT9xXh3mJ0V5nW1cB7aQeRyUd4fGkLoPiMsA}
steps:
  description: What was done on the host; in check mode what would be.
  returned: success
  type: list
  elements: str
  sample: ["set policy 1 at the proxy: who gets through is decided for each request"]
stored:
  description: What was written down; in check mode what would be.
  returned: success
  type: list
  elements: str
  sample: ["it is on", "whom no group is about: deny", "group staff: lets through with the password of ann"]
code:
  description: The class of error, one of invalid, not_found, exists, busy, host, failed, forbidden.
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.engine_handler import API
from ..module_utils.policy_handler import apply_policy

ARGUMENTS = {
    # written by `make options` from src/skerry/protocol and src/skerry/model
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "container": {"type": "str"},
    "realm": {"type": "str", "default": "default"},
    "project": {"type": "str", "default": "default"},
    "default": {"type": "str", "choices": ["allow", "deny"], "default": "deny"},
    "enabled": {"type": "bool", "default": True},
    "groups": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "deny": {"type": "bool"},
            "ip": {"type": "list", "elements": "str"},
            "passwords": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "user": {"type": "str", "required": True},
                    "password": {"type": "str", "no_log": True},
                },
                "no_log": False,
            },
            "tokens": {
                "type": "list",
                "elements": "dict",
                "options": {"name": {"type": "str", "required": True}, "expires": {"type": "str"}},
                "no_log": False,
            },
            "jwt": {
                "type": "dict",
                "options": {
                    "secret": {"type": "str", "no_log": True},
                    "keys": {
                        "type": "list",
                        "elements": "dict",
                        "options": {
                            "kid": {"type": "str", "required": True},
                            "pem": {"type": "str", "required": True},
                        },
                        "no_log": False,
                    },
                    "issuer": {"type": "str"},
                    "audience": {"type": "list", "elements": "str"},
                    "claims": {
                        "type": "list",
                        "elements": "dict",
                        "options": {
                            "name": {"type": "str", "required": True},
                            "values": {"type": "list", "elements": "str", "required": True},
                        },
                    },
                },
            },
            "sources": {"type": "list", "elements": "str"},
        },
    },
    # end of what is written
    **API,
}


def main() -> None:
    """Options, one call, the answer."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    module.exit_json(**apply_policy(module))


if __name__ == "__main__":
    main()
