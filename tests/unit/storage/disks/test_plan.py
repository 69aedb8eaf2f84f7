"""Plans: from what was found to ordered steps."""

import pytest

from skerry_base.core.errors import SkerryError
from skerry_base.storage.disks import plan
from skerry_base.storage.disks.model import GIB, MIB, Sizes, size
from skerry_base.storage.disks.plan import (
    Close,
    Divide,
    Encrypt,
    Finish,
    Format,
    Mirror,
    Mount,
    Stop,
    Subvolumes,
    Unmount,
    Wipe,
)
from tests.unit.storage.disks.machines import disk, rescue, used, wanted


def kinds(steps) -> list[type]:
    """What the steps are, each kind once where it comes several times in a row."""
    found = [type(step) for step in steps]
    return [kind for kind, before in zip(found, [None, *found], strict=False) if kind != before]


WHOLE = [Divide, Format, Encrypt, Format, Subvolumes, Mount]
PLANS = {
    "a blank disk": (wanted("a"), rescue(), WHOLE),
    "a blank mirror": (
        wanted("a", "b"), rescue(disk("a"), disk("b")), [Divide, Mirror, Format, Encrypt, Format, Subvolumes, Mount],
    ),
    "a used disk": (wanted("a", wipe=("Sa",)), rescue(disk(signs=("sda: ext4",))), [Wipe, *WHOLE]),
    "cut off while it was unpacked": (
        wanted("a"),
        rescue(used("a", "skerry-new0", busy=True), target_mounts=("/target", "/target/boot"), mapped=True),
        [Unmount, Close, Wipe, *WHOLE],
    ),
    "a mirror, cut off": (
        wanted("a", "b"),
        rescue(used("a", "skerry-new0"), used("b", "skerry-new1"), arrays=("/dev/md127",), mapped=True),
        [Close, Stop, Wipe, Divide, Mirror, Format, Encrypt, Format, Subvolumes, Mount],
    ),
    "finished": (wanted("a"), rescue(used("a", "skerry-root0")), []),
    "a mirror whose second half was not yet marked": (
        wanted("a", "b"), rescue(used("a", "skerry-root0"), used("b", "skerry-new1")), [Finish],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PLANS)
def test_steps(case):
    want, found, expected = PLANS[case]

    steps = plan.prepare(want, found)

    assert kinds(steps) == expected
    assert all(step.reason and str(step) for step in steps)


def test_what_is_mounted_last_is_unmounted_first():
    found = rescue(used("a", "skerry-new0"), target_mounts=("/target", "/target/boot", "/target/boot/efi"))

    places = [step.place for step in plan.prepare(wanted("a"), found) if isinstance(step, Unmount)]

    assert places == ["/target/boot/efi", "/target/boot", "/target"]


def test_every_disk_has_the_same_partitions_with_its_own_names():
    steps = plan.prepare(wanted("a", "b"), rescue(disk("a"), disk("b")))

    divides = [step for step in steps if isinstance(step, Divide)]
    tables = [[(slot.number, slot.code, slot.label(step.index)) for slot in step.slots] for step in divides]

    assert tables[0] == [
        (1, "ef02", "skerry-bios0"), (2, "ef00", "skerry-esp0"), (3, "8300", "skerry-boot0"),
        (4, "fd00", "skerry-swap0"), (5, "fd00", "skerry-tmp0"), (7, "fd00", "skerry-new0"),
    ]  # fmt: skip
    assert [label for *_, label in tables[1]] == [label.replace("0", "1") for *_, label in tables[0]]


def test_a_partition_for_crash_dumps_only_where_wanted():
    slots = Sizes(crash=GIB).slots(mirror=True)

    assert [(slot.number, slot.code) for slot in slots if slot.role == "crash"] == [(6, "8309")]
    assert not [slot for slot in Sizes().slots(mirror=True) if slot.role == "crash"]


def test_a_mirror_is_below_the_encryption():
    steps = plan.prepare(wanted("a", "b"), rescue(disk("a"), disk("b")))

    mirrors = {step.name: step.members for step in steps if isinstance(step, Mirror)}
    encrypted = [step.device for step in steps if isinstance(step, Encrypt)]

    assert mirrors == {
        "skerry-swap": ("/dev/sda4", "/dev/sdb4"),
        "skerry-tmp": ("/dev/sda5", "/dev/sdb5"),
        "skerry": ("/dev/sda7", "/dev/sdb7"),
    }
    assert encrypted == ["/dev/md/skerry"]


@pytest.mark.parametrize(
    ("path", "partition"),
    [
        ("/dev/sda", "/dev/sda7"),
        ("/dev/nvme0n1", "/dev/nvme0n1p7"),
        ("/dev/vda", "/dev/vda7"),
        ("/dev/mmcblk0", "/dev/mmcblk0p7"),
    ],
)
def test_names_of_partitions(path, partition):
    assert disk(path=path).partition(7) == partition


@pytest.mark.parametrize(
    ("logical", "physical", "sector"),
    [(512, 512, 512), (512, 4096, 4096), (4096, 4096, 4096), (512, 8192, 4096)],
)
def test_sectors_are_as_large_as_the_disks(logical, physical, sector):
    assert plan.sector_size([disk("a"), disk("b", logical=logical, physical=physical)]) == sector


@pytest.mark.parametrize(
    ("ram", "memory"), [(GIB, 256 * MIB), (2 * GIB, 512 * MIB), (4 * GIB, GIB), (256 * GIB, GIB)]
)
def test_the_key_takes_memory_as_the_machine_has_it(ram, memory):
    assert plan.key_memory(ram) == memory


def test_the_pool_is_mounted_without_devices_and_foreign_programs():
    mounts = {
        step.place: step.options for step in plan.prepare(wanted("a"), rescue()) if isinstance(step, Mount)
    }

    assert mounts["/target/var/lib/skerry/pool"] == "subvol=@skerry_pool,noatime,nosuid,nodev,compress=zstd:1"
    assert next(iter(mounts)) == "/target"
    assert list(mounts)[-2:] == ["/target/boot", "/target/boot/efi"]


def test_both_disks_of_a_mirror_are_there_for_the_boot_loader():
    steps = plan.prepare(wanted("a", "b"), rescue(disk("a"), disk("b")))

    mounts = {step.place: step.source for step in steps if isinstance(step, Mount)}

    assert mounts["/target/boot.1"] == "/dev/sdb3"
    assert mounts["/target/boot.1/efi"] == "/dev/sdb2"


def test_finish_marks_once_nothing_is_written_any_more_and_before_the_arrays_end():
    found = rescue(
        used("a", "skerry-new0"), used("b", "skerry-new1"),
        target_mounts=("/target",), mapped=True, arrays=("/dev/md127", "/dev/md126"),
    )  # fmt: skip

    steps = plan.finish(found)

    assert kinds(steps) == [Unmount, Close, Finish, Stop]
    assert [step.label for step in steps if isinstance(step, Finish)] == ["skerry-root0", "skerry-root1"]


def test_finish_once_more_does_nothing():
    assert plan.finish(rescue(used("a", "skerry-root0"))) == ()


@pytest.mark.parametrize(("text", "number"), [("256M", 256 * MIB), ("1G", GIB), ("2T", 2048 * GIB), ("0", 0)])
def test_sizes(text, number):
    assert size(text) == number


@pytest.mark.parametrize("text", ["", "G", "1", "1.5G", "-1G", "1K", "1GB", "\u0661G"])
def test_wrong_sizes(text):
    with pytest.raises(SkerryError, match="is no size"):
        size(text)


def test_the_diff_shows_each_disk_before_and_after():
    found = rescue(disk("a", signs=("sda: ext4",)))

    shown = plan.plan_disks("prepared", wanted("a", wipe=("Sa",)), found).diff()

    (path,) = shown["before"]
    assert shown["before"] == {path: ["sda: ext4"]}
    assert shown["after"][path][0] == "1 bios 1 MiB"
    assert shown["prepared"].startswith(f"  1. wipe {path} (sda: ext4): its wipe is confirmed\n")


def test_a_finished_installation_is_left_as_it_is():
    found = rescue(used("a", "skerry-root0"))

    result = plan.plan_disks("prepared", wanted("a"), found).result()

    assert (result["changed"], result["steps"]) == (False, [])
    assert result["diff"]["before"] == result["diff"]["after"]
