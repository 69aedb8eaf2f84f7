"""What is said where no encrypted volume is."""

import pytest

from skerry_boot import luks
from skerry_boot.errors import BootError


def test_a_device_that_is_not_there(tmp_path):
    with pytest.raises(BootError, match=r"there is no .*/disk\. `lsblk"):
        luks.read(f"{tmp_path}/disk")


def test_an_empty_secret_opens_nothing_and_no_program_is_asked():
    assert luks.opens("/dev/nowhere", "") is None
