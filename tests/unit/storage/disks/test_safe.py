"""Safe mode: each refusal by its own message, and what is let through."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry_base.core.errors import SkerryError
from skerry_base.storage.disks import plan, safe
from skerry_base.storage.disks.model import GIB, MIB, Sizes, Wanted, WantedDisk
from tests.unit.storage.disks.machines import disk, rescue, used, wanted

BY_ID = "/dev/disk/by-id/ata-Sa"


def named(name: str, serial: str = "Sa") -> Wanted:
    return replace(wanted("a"), disks=(WantedDisk(name, serial),))


REFUSED = {
    "no stable id": (named("/dev/sda"), rescue(disk()), "/dev/sda: this is not a stable name"),
    "a link of a link": (named("/dev/disk/by-id/../../sda"), rescue(disk()), "is not a stable name"),
    "by-path": (named("/dev/disk/by-path/pci-0"), rescue(disk()), "is not a stable name"),
    "no such id": (
        wanted("a"),
        rescue(None, here=("/dev/disk/by-id/ata-Sz (16.0 GiB, serial Sz)",)),
        f"{BY_ID}: there is no such disk. There is: /dev/disk/by-id/ata-Sz (16.0 GiB, serial Sz)",
    ),
    "another serial": (
        named(BY_ID, "Sb"), rescue(disk()), "its serial is Sa, and the inventory says 'Sb'",
    ),
    "no serial": (named(BY_ID, ""), rescue(disk(serial="")), "reports no serial"),
    "a partition": (wanted("a"), rescue(disk(kind="part")), "not a whole disk but a part"),
    "read-only": (wanted("a"), rescue(disk(read_only=True)), "it is read-only"),
    "not empty": (
        wanted("a"),
        rescue(disk(signs=("sda1: ntfs", "sda2: ext4"))),
        "it is not empty: sda1: ntfs, sda2: ext4. To destroy all that, put its serial 'Sa' into luks_root_wipe",
    ),
    "another's wipe is confirmed": (
        wanted("a", wipe=("Sb",)), rescue(disk(signs=("sda: ext4",))), "it is not empty: sda: ext4",
    ),
    "mounted": (
        wanted("a", wipe=("Sa",)), rescue(disk(mounts=("/mnt",), busy=True)), "it is mounted: /mnt",
    ),
    "swap": (wanted("a"), rescue(disk(mounts=("[SWAP]",), busy=True)), "it is mounted: [SWAP]"),
    "held": (
        wanted("a", wipe=("Sa",)),
        rescue(disk(holders=("md127 (raid1)", "vg-data (lvm)"), busy=True)),
        "it is held by md127 (raid1), vg-data (lvm)",
    ),
    "busy": (wanted("a"), rescue(disk(busy=True)), "the kernel says that it is in use"),
    "the running system's": (
        wanted("a", wipe=("Sa",)),
        rescue(disk(carries_system=True, busy=True, mounts=("/",))),
        "it is the disk of the running system (/dev/sda)",
    ),
    "a partition of nothing": (
        replace(wanted("a"), sizes=Sizes(swap=0)), rescue(disk()),
        "luks_root_swap_size: 0 MiB are too few; it takes 16M at least",
    ),
    "everything as the target": (
        replace(wanted("a"), target="/"), rescue(disk(), target_mounts=("/", "/dev")),
        "luks_root_target: '/' is no folder such as /target",
    ),
    "too small": (
        wanted("a"), rescue(disk(size=4 * GIB)), "it is too small: 4096 MiB, and the layout needs 6404 MiB",
    ),
    "no rescue system": (
        wanted("a"), rescue(disk(), root="ext4"), "this is not a rescue system: its root is ext4, on a disk",
    ),
    "the same name twice": (
        wanted("a", "a"), rescue(disk(), disk()), f"{BY_ID}: it is named 2 times. A mirror needs two disks",
    ),
    "two names of one disk": (
        replace(wanted("a"), disks=(WantedDisk(BY_ID, "Sa"), WantedDisk("/dev/disk/by-id/wwn-1", "Sa"))),
        rescue(disk(), disk()),
        "/dev/disk/by-id/wwn-1: it leads to the same disk as",
    ),
    "three disks": (
        wanted("a", "b", "c"), rescue(disk("a"), disk("b"), disk("c")), "3 disks are named. Name one, or two",
    ),
    "no disk": (replace(wanted("a"), disks=()), replace(rescue(), disks=()), "0 disks are named"),
    "half of it is finished": (
        wanted("a", "b", wipe=("Sa", "Sb")),
        rescue(used("a", "skerry-root0"), disk("b")),
        "it belongs to a finished installation of Skerry, and the other disk does not",
    ),
    "a mount of a stranger on ours": (
        wanted("a"), rescue(used("a", "skerry-new0", mounts=("/mnt",), busy=True)), "it is mounted: /mnt",
    ),
    "a holder of a stranger on ours": (
        wanted("a"),
        rescue(used("a", "skerry-new0", holders=("vg-data (lvm)",), busy=True)),
        "it is held by vg-data (lvm)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case):
    want, found, message = REFUSED[case]

    reasons = list(safe.refusals(want, found))

    assert [reason for reason in reasons if message in reason], reasons
    with pytest.raises(SkerryError, match="The disks were not touched"):
        plan.prepare(want, found)


@pytest.mark.parametrize(
    "case", [case for case in REFUSED if "twice" not in case and "two names" not in case]
)
def test_says_nothing_else(case):
    want, found, _ = REFUSED[case]

    assert len(list(safe.refusals(want, found))) == 1


def test_says_everything_at_once():
    found = rescue(disk(size=GIB, signs=("sda: ext4",), mounts=("/mnt",)), root="btrfs")

    assert len(list(safe.refusals(named(BY_ID, "other"), found))) == 5


@pytest.mark.parametrize("root", sorted(safe.IN_MEMORY))
def test_takes_rescue_systems(root):
    assert not list(safe.refusals(wanted("a"), rescue(root=root)))


@pytest.mark.parametrize("root", ["btrfs", "ext4", "f2fs", "xfs", "zfs"])
def test_takes_no_system_of_a_disk(root):
    assert list(safe.refusals(wanted("a"), rescue(root=root)))


LET_THROUGH = {
    "blank": (wanted("a"), rescue()),
    "a blank mirror": (wanted("a", "b"), rescue(disk("a"), disk("b"))),
    "its wipe is confirmed": (wanted("a", wipe=("Sa",)), rescue(disk(signs=("sda: ext4",)))),
    "cut off before": (wanted("a"), rescue(used("a", "skerry-new0"))),
    "cut off, still mounted and open": (
        wanted("a"),
        rescue(
            used("a", "skerry-new0", mounts=("/target", "/target/boot"), holders=("root_crypt (crypt)",), busy=True)
        ),
    ),
    "a mirror that was cut off": (
        wanted("a", "b"),
        rescue(
            used("a", "skerry-new0", holders=("md127 (raid1)", "root_crypt (crypt)"), busy=True),
            used("b", "skerry-new1", holders=("md127 (raid1)", "root_crypt (crypt)"), busy=True),
        ),
    ),
    "finished, and named to be destroyed": (
        wanted("a", wipe=("Sa:TABLE-a",)), rescue(used("a", "skerry-root0")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LET_THROUGH)
def test_lets_through(case):
    want, found = LET_THROUGH[case]

    assert not list(safe.refusals(want, found))
    assert not safe.installed(want, found)
    assert plan.prepare(want, found)


INSTALLED = {
    "one disk": (wanted("a"), rescue(used("a", "skerry-root0"))),
    "its serial was left in the list of wipes": (wanted("a", wipe=("Sa",)), rescue(used("a", "skerry-root0"))),
    "another installation's name": (wanted("a", wipe=("Sa:OLD",)), rescue(used("a", "skerry-root0"))),
    "it runs": (
        wanted("a"), rescue(used("a", "skerry-root0", mounts=("/",), carries_system=True, busy=True), root="btrfs"),
    ),
    "a mirror": (wanted("a", "b"), rescue(used("a", "skerry-root0"), used("b", "skerry-root1"))),
}  # fmt: skip


@pytest.mark.parametrize("case", INSTALLED)
def test_leaves_a_finished_installation_alone(case):
    want, found = INSTALLED[case]

    assert safe.installed(want, found)
    assert plan.prepare(want, found) == ()


@given(
    wipe=st.frozensets(st.sampled_from(["Sa", "Sb", "Sc", "sa", "", "Sa:TABLE-a", "Sb:TABLE-b"])),
    signs=st.lists(st.sampled_from(["sda: ext4", "sda1: crypto_LUKS"]), max_size=2).map(tuple),
    label=st.sampled_from(["", "skerry-boot0", "skerry-root0", "skerry-new0", "root"]),
    serial=st.sampled_from(["Sa", "Sb"]),
    root=st.sampled_from(["overlay", "ext4"]),
    size=st.integers(0, 20 * GIB),
    mounted=st.booleans(),
)
def test_what_holds_something_is_written_to_only_where_that_was_said(
    wipe, signs, label, serial, root, size, mounted
):
    """Whatever is found: a plan that wipes exists only for the right disk, in a rescue system, with its consent."""
    there = used("a", label, size=size, serial=serial, mounts=("/mnt",) if mounted else ())
    there = replace(there, signs=signs or there.signs)
    try:
        steps = plan.prepare(wanted("a", wipe=tuple(wipe)), rescue(there, root=root))
    except SkerryError:
        return
    if steps:
        assert serial == "Sa"
        assert root == "overlay"
        assert size >= 6 * GIB + 3 * MIB
        assert not mounted
        consent = "Sa:TABLE-a" if label == "skerry-root0" else "Sa"
        assert label == "skerry-new0" or consent in wipe
