import pytest

from skerry_base.storage.disks.model import ROOT
from skerry_base.storage.mirror.arrays import Array, percent, read, state


def array(root, members, **words):
    """An array in a /sys, as the kernel shows it; members by name with their states."""
    folder = root / "class/block/md127/md"
    folder.mkdir(parents=True)
    defaults = {"raid_disks": "2", "degraded": "0", "component_size": "1024", "sync_completed": "none"}
    for name, word in (defaults | words).items():
        (folder / name).write_text(f"{word}\n")
    for name, said in members.items():
        (folder / f"dev-{name}").mkdir()
        (folder / f"dev-{name}/state").write_text(f"{said}\n")
        (folder / f"dev-{name}/offset").write_text("2048\n")
    return read(ROOT, "md127", root)


@pytest.mark.parametrize(
    ("members", "words", "word", "done"),
    [
        ({"vda7": "in_sync", "vdb7": "in_sync"}, {}, "whole", 100.0),
        ({"vda7": "in_sync", "vdb7": "in_sync"}, {"sync_completed": "5 / 10"}, "whole", 100.0),
        ({"vdb7": "in_sync"}, {"degraded": "1"}, "half", 0.0),
        ({"vda7": "faulty", "vdb7": "in_sync"}, {"degraded": "1"}, "half", 0.0),
        ({"vda7": "spare", "vdb7": "in_sync,write_mostly"}, {"degraded": "1"}, "rebuilding", 0.0),
        (
            {"vda7": "spare", "vdb7": "in_sync"},
            {"degraded": "1", "sync_completed": "delayed"},
            "rebuilding",
            0.0,
        ),
        (
            {"vda7": "spare", "vdb7": "in_sync"},
            {"degraded": "1", "sync_completed": "1 / 4"},
            "rebuilding",
            25.0,
        ),
        # All is copied, and the kernel has not taken the disk for whole yet.
        (
            {"vda7": "spare", "vdb7": "in_sync"},
            {"degraded": "1", "sync_completed": "4 / 4"},
            "rebuilding",
            99.9,
        ),
        (
            {"vda7": "spare", "vdb7": "in_sync"},
            {"degraded": "1", "sync_completed": "99996 / 100000"},
            "rebuilding",
            99.9,
        ),
    ],
)
def test_how_an_array_stands(tmp_path, members, words, word, done):
    found = array(tmp_path, members, **words)
    assert state([found]) == word
    assert percent([found]) == done
    assert found.size == 1024 * 1024 + 2048 * 512
    assert found.whole == tuple(name for name, said in members.items() if said.startswith("in_sync"))


def test_one_array_that_lacks_half_makes_half_a_mirror():
    def member(missing, rebuilt=None):
        return Array(ROOT, "md1", 2, missing, (), (), 100, rebuilt)

    assert state([]) == "none"
    assert state([member(0), member(1)]) == "half"
    assert state([member(1, 0.5), member(1)]) == "half"
    assert state([member(1, 0.5), member(0)]) == "rebuilding"
    assert percent([member(1, 0.5), member(0)]) == 75.0
