import os
import stat

import pytest

from skerry_base.boot.sync.copy import copy
from skerry_base.core.errors import SkerryError
from skerry_base.storage.disks.mounted_boot import Boot

FILES = {
    "vmlinuz-1": "kernel",
    "initrd.img-1": "image",
    "grub/grub.cfg": "search UUID-0\n",
    "grub/grubenv": "first",
}


def make(path, uuid, files=FILES):
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return Boot(path, uuid, "sda")


@pytest.fixture
def both(tmp_path):
    """Two disks with the same /boot."""
    other = FILES | {"grub/grub.cfg": "search UUID-1\n", "grub/grubenv": "second"}
    return make(tmp_path / "0", "UUID-0"), make(tmp_path / "1", "UUID-1", other)


def test_two_that_are_equal_are_left_alone(both):
    assert copy(*both) == ()


def test_what_changed_is_copied_and_what_is_a_disks_own_stays(both):
    first, second = both
    (first.path / "vmlinuz-1").write_text("new kernel")
    (first.path / "grub/grub.cfg").write_text("search UUID-0\nmore\n")
    (second.path / "vmlinuz-0").write_text("gone on the first")
    (second.path / ".skerry-new-vmlinuz-1").write_text("cut off")

    done = [str(step) for step in copy(first, second)]

    assert done == ["copy vmlinuz-1", "copy grub/grub.cfg", "remove vmlinuz-0"]
    assert (second.path / "vmlinuz-1").read_text() == "new kernel"
    assert (second.path / "grub/grub.cfg").read_text() == "search UUID-1\nmore\n"
    assert (second.path / "grub/grubenv").read_text() == "second"
    assert not (second.path / ".skerry-new-vmlinuz-1").exists()
    assert copy(first, second) == ()


def test_modes_are_kept_and_links_stay_links(both):
    first, second = both
    first.path.chmod(0o700)
    (first.path / "vmlinuz-1").chmod(0o600)
    (first.path / "vmlinuz").symlink_to("vmlinuz-1")
    copy(first, second)
    assert second.path.stat().st_mode & 0o777 == 0o700
    assert (second.path / "vmlinuz-1").stat().st_mode & 0o777 == 0o600
    assert str((second.path / "vmlinuz").readlink()) == "vmlinuz-1"
    assert copy(first, second) == ()


@pytest.mark.parametrize("name", ["vmlinuz-1", "initrd.img-1", "grub/grub.cfg"])
def test_a_boot_that_does_not_boot_is_never_copied(both, name):
    first, second = both
    (first.path / name).unlink()
    with pytest.raises(SkerryError, match="does not boot"):
        copy(first, second)
    assert (second.path / name).exists()


def test_a_disk_that_cannot_be_read_takes_nothing_from_the_other(both):
    """As a dying disk answers: here a file that root, too, can't open, and a folder that is gone."""
    first, second = both
    os.mknod(first.path / "config-1", stat.S_IFSOCK | 0o600)
    with pytest.raises(SkerryError, match=r"could not read .*config-1: .* Nothing was copied"):
        copy(first, second)
    with pytest.raises(SkerryError, match="Nothing was copied"):
        copy(Boot(first.path / "gone", "UUID-0", "sda"), second)
    assert (second.path / "vmlinuz-1").exists()
