"""What the installed system is told to mount."""

from skerry_base.storage.disks.identify import mounts
from skerry_base.storage.disks.model import DiskParts


def parts(index: int) -> DiskParts:
    return DiskParts(f"BOOT{index}", f"ESP{index}", f"boot-part{index}", f"esp-part{index}", "")


def lines(count: int) -> dict[str, tuple[str, str, str]]:
    return {
        one.place: (one.source, one.kind, one.options)
        for one in mounts("ROOT", tuple(map(parts, range(count))))
    }


def test_one_disk():
    found = lines(1)

    assert list(found) == ["/", "/home", "/var/log", "/var/lib/skerry/pool", "/boot", "/boot/efi"]
    assert found["/"] == ("UUID=ROOT", "btrfs", "subvol=@,noatime,compress=zstd:1")
    assert found["/boot"] == ("UUID=BOOT0", "ext4", "noatime,nodev,nosuid,noexec")
    assert found["/boot/efi"] == ("UUID=ESP0", "vfat", "noatime,nodev,nosuid,noexec,umask=0077")


def test_either_disk_of_a_mirror_may_be_gone():
    found = lines(2)

    own = {place: options for place, (source, _, options) in found.items() if "ROOT" not in source}
    assert list(own) == ["/boot", "/boot/efi", "/boot.1", "/boot.1/efi"]
    assert all(options.endswith(",nofail,x-systemd.device-timeout=60s") for options in own.values())
    assert not [place for place in found if place not in own and "nofail" in found[place][2]]
