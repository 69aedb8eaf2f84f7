"""What the mount list says of the running root."""

from skerry_base.storage.disks import mounts

RESCUE = """\
25 29 254:0 / /rescue/medium ro,relatime - ext4 /dev/vda ro
26 29 0:22 / /rescue/memory rw,relatime - tmpfs none rw,mode=755,inode64
29 1 0:23 / / rw,relatime - overlay none rw,lowerdir=/medium,upperdir=/memory/upper,workdir=/memory/work,uuid=on
30 29 0:26 / /proc rw,nosuid,nodev,noexec,relatime shared:5 - proc proc rw
41 29 0:40 /@ /target rw,noatime - btrfs /dev/mapper/root_crypt rw,compress=zstd:1,subvol=/@
42 41 259:3 / /target/boot rw,noatime - ext4 /dev/nvme0n1p3 rw
43 29 259:9 / /targets rw - ext4 /dev/nvme1n1p1 rw
44 29 0:50 / /mnt/a\\040b rw - tmpfs none rw
"""
INSTALLED = """\
1 0 0:2 / / rw - rootfs rootfs rw
29 1 0:23 /@ / rw,noatime shared:1 - btrfs /dev/mapper/root_crypt rw,subvol=/@
"""
LIVE = """\
29 1 0:23 / / rw - overlay overlay rw,lowerdir=/run/live/rootfs/filesystem.squashfs,upperdir=/run/live/overlay/rw,workdir=/w
30 29 7:0 / /run/live/rootfs/filesystem.squashfs ro - squashfs /dev/loop0 ro
31 29 8:17 / /run/live/medium ro - iso9660 /dev/sdb1 ro
"""


def parsed(listing: str) -> tuple[mounts.Mounted, ...]:
    return tuple(mounts.parse(listing))


def test_the_root_is_what_was_mounted_last():
    assert mounts.root(parsed(RESCUE)).kind == "overlay"
    assert mounts.root(parsed(INSTALLED)).kind == "btrfs"


def test_an_overlay_is_made_of_what_its_folders_lie_on_even_where_they_were_moved():
    assert mounts.layers(parsed(RESCUE)) == {"0:23", "254:0"}
    assert mounts.layers(parsed(LIVE)) == {"0:23", "7:0"}


def test_any_other_root_is_made_of_itself():
    assert mounts.layers(parsed(INSTALLED)) == {"0:23"}


def test_what_is_mounted_below_the_target():
    assert mounts.below(parsed(RESCUE), "/target") == ("/target", "/target/boot")
    assert mounts.below(parsed(INSTALLED), "/target") == ()


def test_blanks_in_names():
    assert parsed(RESCUE)[-1].place == "/mnt/a b"
