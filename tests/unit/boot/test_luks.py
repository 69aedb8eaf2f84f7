"""What is said where no encrypted volume is."""

import pytest

from skerry_boot import luks
from skerry_boot.errors import BootError


def test_a_device_that_is_not_there(tmp_path):
    with pytest.raises(BootError, match=r"there is no .*/disk\. `lsblk"):
        luks.read(f"{tmp_path}/disk")
