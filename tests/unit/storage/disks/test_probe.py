"""From what lsblk and wipefs print to what is known of a disk."""

import pytest

from skerry_base.storage.disks import probe


def node(name: str, kind: str, *children: dict, **values) -> dict:
    """A device as lsblk --json prints it."""
    empty = dict.fromkeys(("serial", "model", "pttype", "ptuuid", "partlabel", "fstype"))
    common = {
        "name": name,
        "path": f"/dev/{name}",
        "type": kind,
        "size": 1000,
        "log-sec": 512,
        "phy-sec": 4096,
    }
    own = {"ro": False, "mountpoints": [None], "maj:min": "8:0"}
    return {**empty, **common, **own, **values, **({"children": list(children)} if children else {})}


ROOT = node("root_crypt", "crypt", path="/dev/mapper/root_crypt", mountpoints=["/target", "/target/home"])
ARRAY = node("md127", "raid1", ROOT)
DISK = node(
    "nvme0n1", "disk",
    node("nvme0n1p3", "part", partlabel="skerry-boot0", fstype="ext4", mountpoints=["/target/boot"]),
    node("nvme0n1p7", "part", ARRAY, partlabel="skerry-new0", fstype="linux_raid_member"),
    serial="S1 ", model="NVMe  ", pttype="gpt", ptuuid="TABLE",
)  # fmt: skip


def test_a_disk_with_all_that_is_on_it():
    found = probe.disk(DISK, ["nvme0n1: gpt"], frozenset(), busy=True)

    assert (found.path, found.serial, found.model, found.table) == ("/dev/nvme0n1", "S1", "NVMe", "TABLE")
    assert (found.size, found.logical, found.physical) == (1000, 512, 4096)
    assert found.labels == {3: "skerry-boot0", 7: "skerry-new0"}
    assert found.mounts == ("/target/boot", "/target", "/target/home")
    assert found.holders == ("md127 (raid1)", "root_crypt (crypt)")
    assert found.busy
    assert not found.carries_system


@pytest.mark.parametrize(("busy", "carries"), [(True, True), (False, False)])
def test_the_running_systems_disk_is_in_use(busy, carries):
    there = node("sda", "disk", node("sda1", "part", **{"maj:min": "8:1"}))

    assert probe.disk(there, [], frozenset({"8:1"}), busy).carries_system == carries


def test_a_blank_disk_says_nothing():
    assert probe.signs(node("sda", "disk"), [], blank=True) == []


def test_all_that_is_on_a_disk_is_named_once():
    there = node("sda", "disk", node("sda1", "part"), node("sda2", "part"), pttype="gpt")
    wiped = [
        {"device": "sda", "type": "gpt"},
        {"device": "sda", "type": "gpt"},
        {"device": "sda1", "type": "ext4"},
    ]

    assert probe.signs(there, wiped, blank=False) == ["sda: gpt", "sda1: ext4", "sda2: a partition"]


def test_data_that_nobody_can_name_is_data():
    assert probe.signs(node("sda", "disk"), [], blank=False) == [
        "sda: data of no kind that is known, perhaps encrypted"
    ]


@pytest.mark.parametrize(
    ("content", "blank"),
    [
        (bytes(8 * 1024**2), True),
        (b"\xff" * 8 * 1024**2, True),
        (bytes(8 * 1024**2 - 1) + b"x", False),
        (b"x" + bytes(8 * 1024**2), False),
        (b"aa" * 4 * 1024**2, False),
        (bytes(3 * 1024**2) + b"y" * 1024**2 + bytes(4 * 1024**2), False),
        (b"", True),
        (bytes(100), True),
    ],
)
def test_erased_storage(tmp_path, content, blank):
    image = tmp_path / "disk"
    image.write_bytes(content)

    assert probe._is_blank(str(image), len(content)) == blank
