# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The filter skerry.host.hardening_grub."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ansible.errors import AnsibleFilterError

from ..module_utils.skerry_base.core.errors import SkerryError
from ..module_utils.skerry_base.hardening.choose import choose
from ..module_utils.skerry_base.hardening.files import GRUB, files
from ..module_utils.skerry_base.hardening.table import SETTINGS

DOCUMENTATION = r"""
name: hardening_grub
short_description: The hardened command line, as GRUB reads it
description: The same text that M(skerry.host.skerry_hardening) writes, for a system that does not run yet.
author: The Skerry authors (@skerry)
options:
  _input:
    description:
      - Names of settings that are off, as the module's O(skerry.host.skerry_hardening#module:without) takes them. An
        unknown one is refused.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Write the kernel command line
  ansible.builtin.copy:
    content: "{{ ['word iommu'] | skerry.host.hardening_grub }}"
    dest: /target/etc/default/grub.d/zz-skerry-hardening.cfg
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The file's text; nothing where all words are off.
  type: str
"""


def hardening_grub(off: Iterable[str]) -> str:
    """The file's text."""
    try:
        on = choose(SETTINGS, off)
    except SkerryError as error:
        raise AnsibleFilterError(str(error)) from error
    return next(file.content for file in files(on) if file.path == GRUB)


class FilterModule:
    """What Ansible looks for in a file of filters."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """The filters of this file by name."""
        return {"hardening_grub": hardening_grub}
