"""Safe mode, for real: each refusal shows its message and leaves the disks as they are; what was cut off starts over."""

from collections.abc import Iterator

import pytest

from tests.install.rescue_lab import Machine, machine

TARGET = "/target"
# The rescue system's own root, whose file system is a disk's: the module sees it as a system that runs from a disk.
OWN_SYSTEM = """
medium=/rescue/medium
for folder in dev proc sys run; do mount --rbind /$folder $medium/$folder; done
mount -t tmpfs tmpfs $medium/tmp
mount -t tmpfs tmpfs $medium/root
printf '#!/bin/sh\\nexec chroot %s /usr/bin/python3 "$@"\\n' $medium >/run/own-python
chmod 0755 /run/own-python
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    hardware = ["--firmware", "bios", "--bus", "virtio", "--disks", "2"]
    with machine("safe-mode", tmp_path_factory.mktemp("safe"), hardware) as found:
        yield found


def refused(answer: dict, message: str) -> bool:
    """Whether the module refused with this message, and changed nothing."""
    assert message in answer.get("msg", ""), answer
    return not answer["changed"] and not answer.get("steps")


def test_refusals_leave_the_disks_as_they_are(lab):
    blank, full = lab.disk(0), lab.disk(1)
    lab.run(f"mkfs.ext4 -q {full['id']}")
    before = [lab.digest(0), lab.digest(1)]
    kernels_name = lab.run(f"readlink -f {blank['id']}").strip()

    answers = lab.ask(
        {"name": "kernel's name", "disks": [{**blank, "id": kernels_name}]},
        {"name": "no such disk", "disks": [{**blank, "id": f"{blank['id']}-x"}]},
        {"name": "another serial", "disks": [{**blank, "serial": full["serial"]}], "wipe": [full["serial"]]},
        {"name": "full", "disks": [full]},
        {"name": "half of a mirror is full", "disks": [blank, full]},
        {"name": "another's wipe", "disks": [full], "wipe": [blank["serial"]]},
        {"name": "too small", "disks": [blank], "boot_size": "15G"},
        {"name": "twice", "disks": [blank, blank]},
        {"name": "three", "disks": [blank, full, full]},
        {"name": "running system", "disks": [{"id": "/dev/disk/by-id/virtio-rescue", "serial": "rescue"}]},
        {"name": "short passphrase", "disks": [blank], "passphrase": "too short"},
        {"name": "empty passphrase", "disks": [blank], "passphrase": ""},
    )

    assert refused(answers["kernel's name"], "not a stable name")
    assert refused(answers["no such disk"], "there is no such disk. There is: /dev/disk/by-id/virtio-")
    assert refused(answers["another serial"], f"its serial is {blank['serial']}")
    assert refused(answers["full"], "it is not empty: ")
    assert refused(answers["half of a mirror is full"], f"{full['id']}: it is not empty: ")
    assert refused(answers["another's wipe"], "it is not empty: ")
    assert refused(answers["too small"], "it is too small: 16384 MiB")
    assert refused(answers["twice"], "it is named 2 times")
    assert refused(answers["three"], "3 disks are named")
    assert refused(answers["running system"], "it is the disk of the running system")
    assert refused(answers["short passphrase"], "at least 12")
    assert refused(answers["empty passphrase"], "is empty")

    lab.run(f"mount -o ro,noload {full['id']} /mnt")
    mounted = lab.ask({"name": "mounted", "disks": [full], "wipe": [full["serial"]]})
    assert refused(mounted["mounted"], "it is mounted: /mnt")

    lab.run(f'umount /mnt; dmsetup create held --table "0 2048 linear {full["id"]} 0"')
    held = lab.ask({"name": "held", "disks": [full], "wipe": [full["serial"]]})
    assert refused(held["held"], "it is held by held (dm)")
    lab.run("dmsetup remove held")

    lab.run(OWN_SYSTEM)
    own = lab.ask({"name": "no rescue system", "disks": [blank]}, python="/run/own-python")
    assert refused(own["no rescue system"], "this is not a rescue system: its root is ext4")

    assert [lab.digest(0), lab.digest(1)] == before


def test_a_mirror_that_was_cut_off_starts_over_and_a_finished_one_is_never_touched(lab):
    disks = [lab.disk(0), lab.disk(1)]
    case = {"name": "mirror", "disks": disks, "wipe": [disks[1]["serial"]]}

    first = lab.ask(case)["mirror"]
    assert first["changed"], first
    assert set(first["layout"]["arrays"]) == {"skerry", "skerry-swap", "skerry-tmp"}
    assert lab.run(f"findmnt -no FSTYPE {TARGET}/var/lib/skerry/pool").strip() == "btrfs"
    # As a run leaves it that was cut off while it unpacked, with a bind mount of its own.
    lab.run(f"mkdir {TARGET}/dev; mount --rbind /dev {TARGET}/dev; echo begun >{TARGET}/begun")

    again = lab.ask(case)["mirror"]
    assert again["changed"], again
    assert f"unmount {TARGET}/dev" in " ".join(again["steps"])
    assert again["layout"]["luks"] != first["layout"]["luks"]
    assert (
        lab.run(f"test ! -e {TARGET}/begun; test -c /dev/null; findmnt -no FSTYPE /dev/pts").strip()
        == "devpts"
    )

    finished = lab.ask({**case, "state": "finished"})["mirror"]
    assert finished["changed"], finished
    assert lab.run("dmsetup ls; cat /proc/mdstat").count("active") == 0
    before = [lab.digest(0), lab.digest(1)]

    kept = lab.ask(
        case, {"name": "one alone", "disks": disks[:1]}, {**case, "name": "f", "state": "finished"}
    )
    assert kept["mirror"]["installed"]
    assert not kept["mirror"]["changed"]
    assert not kept["f"]["changed"]
    assert not kept["one alone"]["changed"]
    assert kept["mirror"]["replace"][0].startswith(f"{disks[0]['serial']}:")
    assert [lab.digest(0), lab.digest(1)] == before
