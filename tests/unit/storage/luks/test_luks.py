"""What is said where no encrypted volume is."""

import pytest

from skerry_base.core.errors import SkerryError
from skerry_base.storage.luks import cryptsetup


def test_a_device_that_is_not_there(tmp_path):
    with pytest.raises(SkerryError, match=r"there is no .*/disk\. `lsblk"):
        cryptsetup.read(f"{tmp_path}/disk")


def test_an_empty_secret_opens_nothing_and_no_program_is_asked():
    assert cryptsetup.opens("/dev/nowhere", "") is None
