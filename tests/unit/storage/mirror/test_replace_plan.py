from dataclasses import replace

import pytest

from skerry_base.core.errors import SkerryError
from skerry_base.storage.disks import plan
from skerry_base.storage.disks.model import (
    ARRAYS,
    BOOT,
    ESP,
    GIB,
    MIB,
    ROOT,
    SWAP,
    TMP,
    DiskParts,
    FoundDisk,
    Layout,
    Partition,
)
from skerry_base.storage.mirror.arrays import Array
from skerry_base.storage.mirror.replace_plan import (
    Bootable,
    Forget,
    Join,
    Leave,
    Remount,
    finish,
    replace_disk,
)
from tests.unit.storage.disks.machines import disk, rescue, wanted

SIZES = {ESP: 256 * MIB, BOOT: 512 * MIB, SWAP: GIB, TMP: 2 * GIB, ROOT: 8 * GIB}


def member(letter: str, index: int, label: str = "skerry-root", **changes) -> FoundDisk:
    parts = tuple(
        Partition(f"/dev/sd{letter}{number}", number, f"{label}{index}" if number == ROOT else "", size=size)
        for number, size in SIZES.items()
    )
    return disk(letter, partitions=parts, signs=("gpt",), table=f"TABLE-{letter}", **changes)


def mirror(*letters: str, rebuilt: str = "") -> tuple[Array, ...]:
    """The arrays on these disks; on that of `rebuilt` they are not whole yet."""
    whole = [letter for letter in letters if letter != rebuilt]
    return tuple(
        Array(
            number=number,
            device=f"md{number}",
            disks=2,
            missing=2 - len(whole),
            members=tuple(f"sd{letter}{number}" for letter in letters),
            whole=tuple(f"sd{letter}{number}" for letter in whole),
            size=SIZES[number],
        )
        for number in ARRAYS
    )


def running(*disks):
    return rescue(*disks, root="btrfs", mapped=True)


def refused(disks, arrays, wish) -> str:
    with pytest.raises(SkerryError) as caught:
        replace_disk(wish, running(*disks), arrays)
    return str(caught.value)


@pytest.mark.parametrize("rebuilt", ["", "b"])
def test_a_mirror_of_its_two_disks_is_left_alone(rebuilt):
    disks = member("a", 0), member("b", 1)
    assert replace_disk(wanted("a", "b"), running(*disks), mirror("a", "b", rebuilt=rebuilt)) == ()


@pytest.mark.parametrize("survivor", [0, 1])
def test_a_blank_disk_is_made_like_the_other_and_boots_before_it_is_rebuilt(survivor):
    disks = [disk("n"), disk("n")]
    letters = ["n", "n"]
    letters[survivor], disks[survivor] = "s", member("s", survivor)
    steps = replace_disk(wanted(*letters), running(*disks), mirror("s"))

    kinds = [type(step) for step in steps]
    assert kinds == [Forget] * 3 + [plan.Divide, plan.Format, plan.Format, Bootable] + [Join] * 3
    divide, bootable = steps[3], steps[6]
    assert isinstance(divide, plan.Divide)
    assert (divide.disk.path, divide.index) == ("/dev/sdn", 1 - survivor)
    assert {slot.number: slot.size for slot in divide.slots} == SIZES | {1: MIB, ROOT: 0}
    assert isinstance(bootable, Bootable)
    assert bootable.source == ("/boot.1" if survivor else "/boot")
    assert [step.partition for step in steps if isinstance(step, Join)] == [
        "/dev/sdn4",
        "/dev/sdn5",
        "/dev/sdn7",
    ]


def test_a_replacement_that_was_cut_off_starts_over():
    new = member("n", 1, "skerry-new")
    arrays = mirror("s")
    half = (replace(arrays[0], members=("sds4", "sdn4")), *arrays[1:])
    steps = replace_disk(wanted("s", "n"), running(member("s", 0), new), half)
    assert Leave("/dev/md4", "/dev/sdn4", "a replacement that was cut off starts over") in steps
    assert any(isinstance(step, plan.Wipe) and step.disk == "/dev/sdn" for step in steps)


@pytest.mark.parametrize(
    ("new", "wish", "message"),
    [
        (None, wanted("s", "n"), "there is no such disk"),
        (disk("n", serial="other"), wanted("s", "n"), "its serial is other"),
        (disk("n", signs=("sdn: ext4",)), wanted("s", "n"), "it is not empty: sdn: ext4"),
        (disk("n", mounts=("/mnt",)), wanted("s", "n"), "it is mounted: /mnt"),
        (disk("n", holders=("md9 (raid1)",)), wanted("s", "n"), "it is held by md9 (raid1)"),
        (
            disk("n", size=8 * GIB),
            wanted("s", "n"),
            "it is too small: 8192 MiB, and the mirror takes 12036 MiB",
        ),
        (
            disk("n", logical=4096),
            wanted("s", "n"),
            "its sectors have 4096 bytes, those of the other disk 512",
        ),
        (member("n", 1), wanted("s", "n"), "put its serial 'Sn' into luks_root_wipe"),
        (disk("n"), wanted("n", "s"), "is this server's disk 0, and stands in the other's place"),
        (disk("n"), wanted("n", "m"), "neither of the disks named"),
        (disk("n"), wanted("s"), "this is no mirror of two disks"),
    ],
)
def test_what_is_refused(new, wish, message):
    there = {"Sn": new, "Ss": member("s", 0), "Sm": disk("m")}
    disks = [there[one.serial] for one in wish.disks]
    assert message in refused(disks, mirror("s"), wish)


def test_a_wipe_that_is_confirmed():
    old = member("n", 1)
    steps = replace_disk(wanted("s", "n", wipe=("Sn",)), running(member("s", 0), old), mirror("s"))
    assert any(isinstance(step, plan.Wipe) and step.disk == old.path for step in steps)


def test_the_new_boot_is_mounted_and_the_disk_marked_as_finished():
    found = running(member("n", 0, "skerry-new"), member("s", 1))
    parts = tuple(DiskParts(uuid, "", "", "", "") for uuid in ("NEW", "OLD"))
    layout = Layout("", "", "", "", 512, parts, ())
    assert finish(found, layout, ["OLD", "OLD"]) == (
        Remount("/boot", "it is the new disk's"),
        plan.Finish("/dev/sdn", "skerry-root0", "it is part of the mirror"),
    )
    assert finish(running(member("n", 0), member("s", 1)), layout, ["NEW", "OLD"]) == ()
