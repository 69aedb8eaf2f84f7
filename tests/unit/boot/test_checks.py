"""Each check by itself, on a small image; tests/integration/test_initramfs.py does it with real ones."""

import base64
from dataclasses import replace

import pytest

from skerry_base.boot.initramfs.checks import NAMES, check
from skerry_base.boot.initramfs.image import Entry, Image
from skerry_base.boot.initramfs.machine import Device, Machine
from skerry_base.boot.initramfs.needs import Modules, Needs, keys, macs, text_of
from tests.unit.boot.images import FILE, LINK, PROGRAM

KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + b"k" * 32).decode()
HOST_KEY = b"h" * 32
MAC = "52:54:00:12:34:56"
FILES = {
    "bin": (LINK, b"usr/bin"),
    "usr/sbin/dropbear": (PROGRAM, b""),
    "usr/sbin/cryptsetup": (PROGRAM, b""),
    "usr/sbin/mdadm": (PROGRAM, b""),
    "usr/bin/cryptroot-unlock": (PROGRAM, b""),
    "scripts/init-premount/dropbear": (PROGRAM, b""),
    "etc/dropbear/dropbear_ed25519_host_key": (FILE, b"its own"),
    "root-x/.ssh/authorized_keys": (FILE, f'command="cryptroot-unlock" {KEY} me\n'.encode()),
    "cryptroot/crypttab": (FILE, b"root_crypt UUID=1-2 none luks,initramfs\n"),
    "usr/lib/skerry/network.conf": (FILE, f"MAC={MAC}\n".encode()),
    "usr/lib/modules/6.12/kernel/r8169.ko.xz": (FILE, b""),
    "usr/lib/modules/6.12/kernel/btrfs.ko": (FILE, b""),
    "usr/lib/modules/6.12/kernel/md-mod.ko.zst": (FILE, b""),
    "usr/lib/firmware/rtl_nic/a.fw.xz": (FILE, b""),
}
MACHINE = Machine("1-2", "btrfs", True, (Device("nvme0n1", ()),), Device("enp1s0", ()), MAC)
NEEDS = Needs(
    machine=MACHINE,
    kernel="6.12",
    card=Modules(frozenset({"r8169"}), frozenset()),
    card_firmware=frozenset({"rtl_nic/a.fw"}),
    card_needs_firmware=True,
    root=Modules(frozenset({"btrfs", "md_mod"}), frozenset()),
    authorized_keys=frozenset({KEY}),
    host_keys=frozenset({HOST_KEY}),
    command_line_macs=frozenset({MAC}),
    boot_free=100,
    boot_wanted=100,
)


def made(mode=0o600, uid=0, without="", **more):
    files = {path: one for path, one in (FILES | more).items() if not without or without not in path}
    entries = {path: Entry(path, kind, 0, len(content), content) for path, (kind, content) in files.items()}
    return Image("/boot/initrd.img-6.12", mode, uid, 1000, entries)


def names(image, needs=NEEDS):
    return [defect.name for defect in check(image, needs)]


def test_a_good_image():
    assert check(made(), NEEDS) == []


@pytest.mark.parametrize(
    ("image", "name"),
    [
        (made(without="sbin/dropbear"), "no-dropbear"),
        (made(without="init-premount"), "no-dropbear"),
        (made(without="host_key"), "no-dropbear"),
        (made(without="authorized_keys"), "authorized-keys"),
        (made(mode=0o640), "readable-key-material"),
        (made(uid=1000), "readable-key-material"),
        (made(**{"cryptroot/keyfiles/root_crypt.key": (FILE, b"x")}), "readable-key-material"),
        (made(**{"etc/x": (FILE, b"-----BEGIN OPENSSH PRIVATE KEY-----")}), "readable-key-material"),
        (made(**{"etc/dropbear/dropbear_ecdsa_host_key": (FILE, b"a" + HOST_KEY)}), "readable-key-material"),
        (made(without="r8169"), "no-network-driver"),
        (made(without="firmware"), "no-network-firmware"),
        (made(without="crypttab"), "crypttab"),
        (made(**{"cryptroot/crypttab": (FILE, b"# empty\n")}), "crypttab"),
        (made(**{"cryptroot/crypttab": (FILE, b"root_crypt UUID=1-20 none luks\n")}), "crypttab"),
        (made(without="btrfs"), "no-btrfs-or-md"),
        (made(without="md-mod"), "no-btrfs-or-md"),
        (made(without="mdadm"), "no-btrfs-or-md"),
        (made(without="cryptsetup"), "no-btrfs-or-md"),
        (made(**{"conf/conf.d/ip": (FILE, b"BOOTIF=01-52-54-00-12-34-57")}), "network-of-another-card"),
        (made(without="cryptroot-unlock"), "no-unlock-command"),
        (made(**{"usr/bin/cryptroot-unlock": (FILE, b"")}), "no-unlock-command"),
    ],
)
def test_an_image_with_one_defect(image, name):
    assert names(image) == [name]


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"authorized_keys": frozenset()}, "authorized-keys"),
        ({"authorized_keys": frozenset({KEY, "ssh-rsa other"})}, "authorized-keys"),
        ({"card": Modules(frozenset(), frozenset({"r8169"}))}, "no-network-driver"),
        ({"card_firmware": frozenset()}, "no-network-firmware"),
        ({"root": Modules(frozenset(), frozenset({"btrfs"}))}, "no-btrfs-or-md"),
        ({"command_line_macs": frozenset({"52:54:00:12:34:57"})}, "network-of-another-card"),
        ({"boot_free": 99}, "boot-full"),
    ],
)
def test_a_machine_that_the_image_does_not_fit(changed, name):
    assert names(made(), replace(NEEDS, **changed)) == [name]


def test_a_single_disk_needs_no_mdadm():
    assert names(made(without="mdadm"), replace(NEEDS, machine=replace(MACHINE, mirrored=False))) == []


def test_defects_come_in_order_and_say_what_to_do():
    bare = Image("/boot/initrd.img-6.12", 0o644, 0, 0, {})
    found = check(bare, replace(NEEDS, boot_free=0))
    assert [defect.name for defect in found] == sorted((one.name for one in found), key=NAMES.index)
    assert all(defect.hint and "{" not in defect.hint + defect.text for defect in found)


def test_a_comment_in_an_old_encoding_hides_no_key(tmp_path):
    (tmp_path / "authorized_keys").write_bytes(f"{KEY} J\xfcrgen\n".encode("latin-1"))
    assert list(keys(text_of(tmp_path / "authorized_keys"))) == [KEY]
    assert text_of(tmp_path / "none") == ""


def test_keys_and_addresses_are_read_in_every_spelling():
    text = f'# no {KEY}\n\nrestrict,command="a b" {KEY} comment\nssh-ed25519 short\nssh-rsa n!t\n'
    assert list(keys(text)) == [KEY]
    assert set(macs(f"MAC='{MAC}'\nBOOTIF=01-52-54-00-AB-CD-EF ip=x")) == {MAC, "52:54:00:ab:cd:ef"}
