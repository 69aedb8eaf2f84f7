"""Our partitions, from what lsblk prints."""

import pytest

from skerry_base.boot.rescue.opening import places
from skerry_base.boot.rescue.parts import parse
from skerry_base.core.errors import SkerryError
from skerry_base.storage.disks.model import MAPPED


def node(path, kind="part", label=None, content=None, children=()):
    values = {"partlabel": label, "partuuid": f"PART-{path}", "fstype": content, "uuid": f"UUID-{path}"}
    return {"path": path, "type": kind, **values, **({"children": list(children)} if children else {})}


def disk(letter, index=0, root="skerry-root", content="crypto_LUKS", above=()):
    path = f"/dev/sd{letter}"
    return node(
        path, "disk", children=[
            node(f"{path}2", label=f"skerry-esp{index}", content="vfat"),
            node(f"{path}3", label=f"skerry-boot{index}", content="ext4"),
            node(f"{path}7", label=f"{root}{index}", content=content, children=above),
        ],
    )  # fmt: skip


MEDIUM = node("/dev/vda", "disk", content="ext4")


def test_one_disk():
    found = parse([MEDIUM, disk("a")])
    assert [part.path for part in found.of("root")] == ["/dev/sda7"]
    assert found.of("boot")[0].uuid == "UUID-/dev/sda3"
    assert not found.mirrored


def test_a_mirror_whose_array_runs_and_whose_disks_changed_places():
    array = node("/dev/md127", "raid1", content="crypto_LUKS")
    found = parse(
        [disk("b", 1, content="linux_raid_member", above=[array]), disk("c", content="linux_raid_member")]
    )
    assert found.mirrored
    assert [(part.path, part.array) for part in found.of("root")] == [
        ("/dev/sdc7", ""),
        ("/dev/sdb7", "/dev/md127"),
    ]


@pytest.mark.parametrize(
    ("disks", "message"),
    [
        ([MEDIUM], "no disk of this machine has a partition called skerry-root0; there are: /dev/vda"),
        ([], "there are: none"),
        ([disk("a", root="skerry-new")], "never brought to its end"),
        ([disk("a"), disk("b")], "several disks hold an installation: /dev/sda7, /dev/sdb7"),
    ],
)
def test_what_is_refused(disks, message):
    with pytest.raises(SkerryError) as refusal:
        parse(disks)
    assert message in str(refusal.value)


@pytest.mark.parametrize(("write", "options"), [(False, "noatime,ro"), (True, "noatime,rw")])
def test_where_everything_is_mounted(write, options):
    found = list(places(parse([disk("a"), disk("b", 1)]), "/target", write=write))
    assert (found[0].source, found[0].place) == (MAPPED, "/target")
    assert [one.place for one in found[-4:]] == [
        "/target/boot", "/target/boot/efi", "/target/boot.1", "/target/boot.1/efi"
    ]  # fmt: skip
    assert found[-2].options == options
    assert all(("ro" in one.options.split(",")) != write for one in found)
