"""The command line of a system that does not run yet is the one that the running system is to have."""

import pytest
from ansible.errors import AnsibleFilterError

from plugins.filter.hardening_grub import hardening_grub
from skerry_base.hardening.files import GRUB, files
from skerry_base.hardening.table import SETTINGS


def test_it_is_what_the_module_writes_so_that_nothing_changes_after_the_first_boot() -> None:
    assert hardening_grub([]) == next(file.content for file in files(SETTINGS) if file.path == GRUB)


def test_words_are_turned_off_one_by_one_or_all() -> None:
    assert " iommu=force " in hardening_grub(["lock modules"])
    assert " iommu=force " not in hardening_grub(["word iommu"])
    assert hardening_grub(["word"]) == ""


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match='the nearest one is "word iommu"'):
        hardening_grub(["word iomu"])
