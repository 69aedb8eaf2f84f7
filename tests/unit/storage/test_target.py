"""Commands for programs inside an installed system."""

import pytest

from skerry_base.storage.target import inside, target_problem


@pytest.mark.parametrize("root", ["/", ""])
def test_in_the_running_system_a_command_is_itself(root: str) -> None:
    assert inside(root, ["update-grub"]) == ["update-grub"]


def test_below_a_root_it_is_run_with_mounts_of_its_own_and_is_never_part_of_the_script() -> None:
    command = inside("/target/", ["echo", "$(reboot)"])
    assert command[:4] == ["unshare", "--mount", "--propagation", "private"]
    assert command[-3:] == ["/target", "echo", "$(reboot)"]
    assert "reboot" not in command[-4]


@pytest.mark.parametrize("target", ["/target", "/mnt", "/mnt/new", "/srv/new system"])
def test_another_system_may_be_mounted_in_a_folder_of_its_own(target: str) -> None:
    assert target_problem(target) == ""


@pytest.mark.parametrize(
    "target", ["", "/", "//", "target", "/target/", "/target/..", "/./target", "/etc", "/usr/x"]
)
def test_but_never_over_the_running_one(target: str) -> None:
    assert target_problem(target).startswith("luks_root_target: ")
