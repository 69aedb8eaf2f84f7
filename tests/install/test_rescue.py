"""Boots that are broken for real, each found by name and mended by rescue.yml from the rescue system."""

from collections.abc import Iterator

import pytest

from tests.install.conftest import play_on
from tests.install.in_rescue import lab, rescue_system, wait_until_locked
from tests.install.rescue_lab import Machine

RESCUE = "playbooks/rescue.yml"
MEND = ("--extra-vars", "repair=true")
OPEN = """
mkdir -p /mnt/broken
cryptsetup open --key-file - /dev/disk/by-partlabel/skerry-root0 root_crypt
mount -o subvol=@ /dev/mapper/root_crypt /mnt/broken
mount /dev/disk/by-partlabel/skerry-boot0 /mnt/broken/boot
mount /dev/disk/by-partlabel/skerry-esp0 /mnt/broken/boot/efi
cd /mnt/broken
"""
CLOSE = """
cd /
umount /mnt/broken/boot/efi /mnt/broken/boot /mnt/broken
cryptsetup close root_crypt
"""
# What breaks it, and the beginning of what rescue.yml says of it.
LOST_ENTRY = ("rm -r boot/efi/EFI", "boot loader")
NO_DROPBEAR = (
    """
mkdir var/tmp/image
image=$(basename boot/initrd.img-*)
chroot . unmkinitramfs /boot/$image /var/tmp/image
chroot . sh -c "cd /var/tmp/image; if [ -d main ]; then cd main; fi; rm usr/sbin/dropbear
    find . | cpio --quiet -o -H newc | zstd -1 -q -f -o /boot/$image"
chmod 0600 boot/$image
rm -r var/tmp/image
""",
    "initramfs: no-dropbear",
)
WRONG_CRYPTTAB = (
    "sed -i 's/^root_crypt UUID=[^ ]*/root_crypt UUID=00000000-0000-4000-8000-000000000000/' etc/crypttab",
    "crypttab",
)


@pytest.fixture(scope="module")
def server(locked: Machine) -> Iterator[Machine]:
    with rescue_system(locked) as machine:
        yield machine


def broken(server: Machine, *scripts: str) -> None:
    """Do that to the installed system."""
    script = "".join([OPEN, *scripts, CLOSE]).replace("--key-file -", "--key-file /run/passphrase")
    server.lab.login.run(
        ["sh", "-c", "umask 077; cat >/run/passphrase"], stdin=server.lab.passphrase.read_text()
    )
    server.lab.login.run(["sh", "-eu"], stdin=script, timeout=1200)


def test_nothing_is_said_of_a_good_server_and_nothing_changed(server):
    answer = play_on(server, RESCUE, *MEND)
    assert answer.returncode == 0, answer.stdout
    assert "Nothing is wrong with the boot" in answer.stdout
    assert "changed=0" in answer.stdout
    assert server.run("dmsetup ls; findmnt --list --noheadings --output TARGET").count("/target") == 0


def test_three_broken_boots_are_found_and_mended_and_it_boots(server):
    breaks = (LOST_ENTRY, NO_DROPBEAR, WRONG_CRYPTTAB)
    broken(server, *(script for script, _ in breaks))

    said = play_on(server, RESCUE)
    assert said.returncode == 0, said.stdout
    assert all(name in said.stdout for _, name in breaks)
    assert "Nothing was changed" in said.stdout

    shown = play_on(server, RESCUE, *MEND, "--check", "--diff")
    assert shown.returncode == 0, shown.stdout
    assert "+root_crypt UUID=" in shown.stdout
    assert "disks, initramfs, grub" in " ".join(shown.stdout.split())

    mended = play_on(server, RESCUE, *MEND)
    assert mended.returncode == 0, mended.stdout
    assert "is mended" in mended.stdout

    lab("power", server.lab.name, "disks")
    wait_until_locked(server)
