"""Commands for programs inside an installed system."""

import pytest

from skerry_boot.target import inside


@pytest.mark.parametrize("root", ["/", ""])
def test_in_the_running_system_a_command_is_itself(root: str) -> None:
    assert inside(root, ["update-grub"]) == ["update-grub"]


def test_below_a_root_it_is_run_with_mounts_of_its_own_and_is_never_part_of_the_script() -> None:
    command = inside("/target/", ["echo", "$(reboot)"])
    assert command[:4] == ["unshare", "--mount", "--propagation", "private"]
    assert command[-3:] == ["/target", "echo", "$(reboot)"]
    assert "reboot" not in command[-4]
