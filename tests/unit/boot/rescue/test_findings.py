"""What is said of a boot that is broken, and what mends it."""

import pytest

from skerry_base.boot.rescue import findings
from skerry_base.boot.rescue.findings import Repair

LAYOUT = {
    "luks": "LUKS",
    "root": "ROOT",
    "swap": "PARTUUID=SWAP",
    "tmp": "PARTUUID=TMP",
    "mounts": [{"source": "UUID=ROOT", "place": "/"}, {"source": "UUID=BOOT", "place": "/boot"}],
    "arrays": {},
}
CRYPTTAB = """\
# made by the installation
root_crypt UUID=LUKS none luks,initramfs,tries=0
swap_crypt PARTUUID=SWAP /dev/urandom plain,swap
tmp_crypt PARTUUID=TMP /dev/urandom plain,tmp=ext4
"""
FSTAB = """\
UUID=ROOT / btrfs subvol=@ 0 0
UUID=BOOT /boot ext4 noatime 0 2
/dev/mapper/swap_crypt none swap sw 0 0
/dev/mapper/tmp_crypt /tmp ext4 nodev 0 0
"""


def texts(found):
    return [one.text for one in found]


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("", "", []),
        ("UUID=LUKS", "UUID=OTHER", ["root_crypt is on UUID=OTHER, and should be on UUID=LUKS"]),
        ("root_crypt ", "# ", ["there is no line for root_crypt"]),
        ("root_crypt ", "root_crypt\n", ["there is no line for root_crypt"]),
        ("initramfs,", "", ["root_crypt lacks the option initramfs: it would not be opened at boot"]),
        ("PARTUUID=SWAP", "/dev/sda4", ["swap_crypt is on /dev/sda4, and should be on PARTUUID=SWAP"]),
    ],
)
def test_crypttab(was, now, said):
    assert texts(findings.crypttab(CRYPTTAB.replace(was, now) if was else CRYPTTAB, LAYOUT)) == said


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("", "", []),
        ("UUID=BOOT", "UUID=OTHER", ["/boot is UUID=OTHER, and should be UUID=BOOT"]),
        ("UUID=ROOT /", "# ", ["there is no line for /"]),
        ("/dev/mapper/tmp_crypt /tmp", "# ", ["there is no line for /tmp"]),
        ("/dev/mapper/swap_crypt", "/dev/sda4", ["there is no line for the swap /dev/mapper/swap_crypt"]),
    ],
)
def test_fstab(was, now, said):
    assert texts(findings.fstab(FSTAB.replace(was, now) if was else FSTAB, LAYOUT)) == said


def test_lost_files_are_a_line_each():
    assert len(list(findings.crypttab("", LAYOUT))) == 3
    assert len(list(findings.fstab("", LAYOUT))) == 4


OURS, OTHER = "52:54:00:00:00:01", "52:54:00:00:00:02"


@pytest.mark.parametrize(
    ("macs", "wanted", "said", "repairs"),
    [
        ({OURS}, OURS, [], []),
        ({OTHER}, OURS, [f"it is for the card {OTHER}, and should be for {OURS}"], ["network", "initramfs"]),
        (set(), OURS, ["it names no card"], ["network", "initramfs"]),
        ({OTHER}, "", [], []),
        (
            {OURS},
            OTHER,
            [
                f"the inventory's card {OTHER} is not in this machine, which has {OURS}: correct base_system_network"
            ],
            [],
        ),
    ],
)
def test_the_card(macs, wanted, said, repairs):
    found = list(findings.network({"/file": frozenset(macs)}, wanted, frozenset({OURS})))
    assert texts(found) == said
    assert findings.repairs(found) == repairs


@pytest.mark.parametrize(
    ("boot", "modules", "said"),
    [
        (["vmlinuz-6.1"], ["6.1"], []),
        (["vmlinuz-6.1"], ["6.1", "6.2"], ["vmlinuz-6.2 is missing, and its modules are there"]),
        (["vmlinuz-6.1"], [], []),
        (
            [],
            [],
            ["there is no kernel at all: in the rescue system, install linux-image-amd64 below the target"],
        ),
    ],
)
def test_kernels(boot, modules, said):
    assert texts(findings.kernels(boot, modules)) == said


def test_only_what_no_kernel_needs_is_left_over():
    boot = [
        "vmlinuz-6.1",
        "initrd.img-6.1",
        "initrd.img-6.1.new",
        "initrd.img-6.0",
        "vmlinuz-6.0",
        "grub",
        "efi",
    ]
    assert findings.leftovers(boot, ["6.1"]) == ["initrd.img-6.0", "initrd.img-6.1.new", "vmlinuz-6.0"]
    assert findings.leftovers(boot, ["6.1", "6.0"]) == ["initrd.img-6.1.new"]


MENU = """\
search --no-floppy --fs-uuid --set=root BOOT
    linux /vmlinuz-6.1 root=/dev/mapper/root_crypt ro
    initrd /initrd.img-6.1
"""


@pytest.mark.parametrize(
    ("text", "boot", "said"),
    [
        (MENU, ["vmlinuz-6.1", "initrd.img-6.1"], []),
        ("", [], ["grub/grub.cfg is missing"]),
        ("set timeout=5", [], ["grub/grub.cfg names no kernel"]),
        (MENU, ["vmlinuz-6.1"], ["grub/grub.cfg names what is not there: initrd.img-6.1"]),
        (
            MENU.replace("BOOT", "OTHER"),
            ["vmlinuz-6.1", "initrd.img-6.1"],
            ["grub/grub.cfg does not look for its /boot, whose UUID is BOOT"],
        ),
    ],
)
def test_the_menu(text, boot, said):
    assert texts(findings.menu(text, boot, "BOOT", "/dev/sda (/boot)")) == said


STATUS = """\
Package: zstd
Status: install ok installed
Version: 1

Package: dropbear-initramfs
Status: deinstall ok config-files
Version: 2

Package: mdadm
Essential: no
Status: install ok installed
"""


def test_packages_are_there_only_when_they_are_whole():
    found = findings.packages(STATUS, ["zstd", "mdadm", "dropbear-initramfs", "lost"])
    assert [one.where for one in found] == ["dropbear-initramfs", "lost"]


def test_repairs_come_once_and_in_their_order():
    found = [*findings.menu("", [], "BOOT", "here"), *findings.crypttab("", LAYOUT)]
    assert findings.repairs(found) == [Repair.DISKS, Repair.INITRAMFS, Repair.GRUB]
    assert found[0].row()["repair"] == "grub"
    assert findings.Finding("file system", "fstab", "why").row()["repair"] == "by hand"
