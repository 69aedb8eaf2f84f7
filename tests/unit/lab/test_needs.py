"""What is missing on this computer, in words that can be typed."""

from pathlib import Path

import pytest

from skerry_base.core.errors import SkerryError
from skerry_base.core.programs import Tool, apt_line
from skerry_lab.needs import check_computer, filesystem_of, missing_packages
from skerry_lab.recipe import Kind


def test_without_root_more_is_needed() -> None:
    assert missing_packages(Kind.METAL, lambda tool: tool.what != "newuidmap") == []
    assert missing_packages(Kind.METAL, lambda tool: tool.what != "newuidmap", root=False) == ["uidmap"]


@pytest.mark.parametrize("kind", Kind)
def test_nothing_is_missing_where_all_is_there(kind: Kind) -> None:
    assert missing_packages(kind, lambda _tool: True) == []


def test_packages_are_named_once_each() -> None:
    missing = missing_packages(Kind.FAST, lambda tool: tool.what in {"ip", "setpriv"})
    assert missing == [
        "debian-archive-keyring", "mmdebstrap", "openssh-client", "procps", "slirp4netns", "systemd-container",
    ]  # fmt: skip
    assert apt_line(["a", "b"]) == "sudo apt-get install --no-install-recommends --yes a b"


@pytest.mark.parametrize("kernel", ["6.12.117+deb13-amd64", "6.18.44", "7.0.0-rc1"])
def test_a_kernel_that_will_do(kernel: str) -> None:
    check_computer(Kind.FAST, "x86_64", kernel)


def test_an_old_kernel_is_told_what_would_be_right_and_metal_needs_none() -> None:
    with pytest.raises(SkerryError, match=r"6\.1\.0-35-amd64; .* needs 6\.12 .*`make lab`"):
        check_computer(Kind.FAST, "x86_64", "6.1.0-35-amd64")
    check_computer(Kind.METAL, "x86_64", "6.1.0-35-amd64")


def test_another_processor_is_refused() -> None:
    with pytest.raises(SkerryError, match="this computer is aarch64"):
        check_computer(Kind.METAL, "aarch64", "6.12.0")


def test_a_tool_is_a_program_or_a_file(tmp_path: Path) -> None:
    assert Tool("sh", "dash").present()
    assert not Tool("no-such-program", "none").present()
    assert Tool(str(tmp_path), "none").present()
    assert not Tool(str(tmp_path / "none"), "none").present()


def test_the_file_system_is_that_of_the_innermost_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "21 1 8:1 / / rw,relatime shared:1 - overlay overlay rw\n"
        f"22 21 8:2 / {tmp_path} rw,relatime - ext4 /dev/sda2 rw\n"
        f"23 21 0:5 / {tmp_path}/inner rw - tmpfs tmpfs rw\n"
    )
    assert filesystem_of(tmp_path / "inner/more", mounts) == "tmpfs"
    assert filesystem_of(tmp_path / "innermost", mounts) == "ext4"
    assert filesystem_of(Path("/"), mounts) == "overlay"
