"""The roots of a container: taken, put aside, given back, cut off at every point, and counted."""

import itertools
import os
import shutil
from pathlib import Path

import pytest

from skerry.host import btrfs, quotas
from skerry.model.host import HostConfig
from skerry.parts import root as parts
from skerry.parts.base import Part
from skerry.parts.root import KeptRoot, Root, written
from skerry.parts.storage import Volume

ID = "c" * 24
OLD, NEW = Root(ID, 1, 1 << 30, without=2), Root(ID, 2, 1 << 29)
RESTORED = Root(ID, 2, 1 << 29, origin="s/container/one")


class Cut(BaseException):
    """A power cut."""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HostConfig:
    def delete(path: str) -> None:
        shutil.rmtree(path, ignore_errors=True)

    def snapshot(source: str, target: str, *, writable: bool) -> None:
        assert writable
        if not Path(target).exists():
            shutil.copytree(source, target)

    monkeypatch.setattr(btrfs, "make", lambda path: os.makedirs(path, exist_ok=True))
    monkeypatch.setattr(btrfs, "snapshot", snapshot)
    monkeypatch.setattr(btrfs, "delete", delete)
    monkeypatch.setattr(quotas, "create", lambda path, _group, _limit: os.makedirs(path, exist_ok=True))
    (tmp_path / "c").mkdir()
    found = HostConfig("example.org", state=str(tmp_path), pool=str(tmp_path))
    Volume(ID, 1 << 30).make(found)
    shutil.copytree(tmp_path / "c" / ID, tmp_path / RESTORED.origin)
    (tmp_path / RESTORED.origin / "upper" / "kept").touch()
    (tmp_path / "c" / ID / "upper" / "old").write_text("old")
    return found


def there(host: HostConfig) -> dict[str, list[str]]:
    """The files in each root, those that are kept by their number."""
    places = {"": Path(host.pool, "c", ID)} | {
        path.name.removeprefix(f"{ID}-"): path for path in Path(host.pool, "kept").glob("*")
    }
    return {name: sorted(os.listdir(path / "upper")) for name, path in sorted(places.items())}


def test_a_fresh_root_keeps_the_old_one_aside(host: HostConfig) -> None:
    assert OLD.exists(host)
    for _ in range(2):
        NEW.make(host)
        assert there(host) == {"": [], "1": ["old"]}
    assert NEW.exists(host)
    assert not OLD.exists(host)
    assert KeptRoot(ID, 1).exists(host)


def test_an_undo_gives_the_old_one_back_and_takes_the_fresh_one_away(host: HostConfig) -> None:
    NEW.make(host)
    for _ in range(2):
        OLD.make(host)
        assert there(host) == {"": ["old"]}


def test_a_rollback_exchanges_the_two(host: HostConfig) -> None:
    NEW.make(host)
    Path(host.pool, "c", ID, "upper", "new").write_text("new")
    Root(ID, 1, 1 << 30).make(host)
    assert there(host) == {"": ["old"], "2": ["new"]}
    NEW.make(host)
    assert there(host) == {"": ["new"], "1": ["old"]}
    KeptRoot(ID, 1).remove(host)
    KeptRoot(ID, 1).remove(host)
    assert there(host) == {"": ["new"]}


def cut_at(monkeypatch: pytest.MonkeyPatch, point: int) -> None:
    """The power goes at the ``point``-th rename or making of a folder."""
    count = itertools.count(1)

    def cutting(action):
        def wrapped(*args, **kwargs):
            if next(count) == point:
                raise Cut
            return action(*args, **kwargs)

        return wrapped

    for owner, name in (
        (Path, "rename"),
        (Path, "write_text"),
        (parts.files, "make_folder"),
        (quotas, "create"),
        (btrfs, "delete"),
        (btrfs, "make"),
        (btrfs, "snapshot"),
    ):
        monkeypatch.setattr(owner, name, cutting(getattr(owner, name)))


@pytest.mark.parametrize("begun", [NEW, RESTORED])
@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize("point", range(1, 10))
def test_cut_off_at_any_point_it_can_be_done_or_undone(
    host: HostConfig, point: int, begun: Root, finished: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        cut_at(patched, point)
        try:
            begun.make(host)
        except Cut:
            pass
        else:
            assert point > 7, "there are more points than this test knows"
    (begun if finished else OLD).make(host)
    whole = {"": ["kept"] if begun.origin else [], "1": ["old"]}
    assert there(host) == (whole if finished else {"": ["old"]})


def test_a_restored_root_begins_anew_where_half_of_one_is_there(host: HostConfig) -> None:
    """A snapshot may have the number of the root that it was taken of: that of the new one says nothing yet."""
    half = Path(host.pool, "kept", f"{ID}-2")
    shutil.copytree(Path(host.pool, RESTORED.origin), half)
    (half / "upper" / "strange").touch()
    RESTORED.make(host)
    assert there(host) == {"": ["kept"], "1": ["old"]}


@pytest.mark.parametrize("part", [OLD, NEW, RESTORED, KeptRoot(ID, 1)])
def test_the_journal_gives_the_same_part_back(part: Part) -> None:
    assert Part.from_json(part.to_json()) == part


def test_kept_roots_that_nobody_knows_go(host: HostConfig) -> None:
    NEW.make(host)
    assert parts.remove_orphans(host, {(ID, 1)}) == []
    (gone,) = parts.remove_orphans(host, {(ID, 3)})
    assert gone.endswith(f"{ID}-1")
    assert there(host) == {"": []}


def test_what_was_written_is_counted_by_files_and_bytes(host: HostConfig) -> None:
    upper = Path(host.pool, "c", ID, "upper")
    (upper / "etc").mkdir()
    (upper / "etc" / "resolv.conf").touch()  # the host's own, mounted over
    (upper / "etc" / "motd").symlink_to("/etc/shadow")
    (upper / "data").write_bytes(b"x" * 100_000)
    os.mkfifo(upper / "fifo")
    os.makedirs(upper / "empty" / "folders")
    found = written(host, ID)
    assert (found.files, found.whole) == (4, True)
    assert 100_000 <= found.size < 200_000
    assert sorted(found.names) == ["/data", "/etc/motd", "/fifo", "/old"]
    assert str(found).startswith("4 files (1")


def test_what_shells_and_python_leave_behind_by_themselves_is_not_counted(host: HostConfig) -> None:
    upper = Path(host.pool, "c", ID, "upper")
    names = ["usr/lib/app/__pycache__/app.cpython-313.pyc", "root/.bash_history", "home/me/.python_history"]
    counted = ["srv/app.pyc", "srv/no__pycache__/app.pyc", "srv/__pycache__/data", "srv/bash_history"]
    for name in names + counted:
        (upper / name).parent.mkdir(parents=True, exist_ok=True)
        (upper / name).write_text("written")
    found = written(host, ID)
    assert found.files == len(["old", *counted])
    (upper / "old").unlink()
    shutil.rmtree(upper / "srv")
    assert written(host, ID).nothing


def test_the_refusal_says_how_to_leave_them_behind(host: HostConfig) -> None:
    hint = parts.would_stay_behind("it", written(host, ID)).hint
    assert hint.startswith("Give discard_root (-e discard_root=true, --discard-root) to leave them behind")
    assert hint.endswith("such as /old")


def test_hostile_names_and_depths_end_the_count_and_not_us(
    host: HostConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    upper = Path(host.pool, "c", ID, "upper")
    (upper / "loop").symlink_to(".")
    Path(os.fsdecode(os.fsencode(upper) + b"/\xff\n\x1b[31m")).touch()
    deep = os.open(upper, os.O_RDONLY)
    for _ in range(300):  # deeper than a path may be long
        os.mkdir("d" * 20, dir_fd=deep)
        inner = os.open("d" * 20, os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = inner
    os.close(deep)
    found = written(host, ID)
    assert (found.files, found.whole) == (3, False)
    assert str(found).startswith("at least 3 files")
    assert any("\ufffd" in name for name in found.names)
    monkeypatch.setattr(parts, "_MOST_ENTRIES", 1)
    assert not written(host, ID).whole
    shutil.rmtree(upper, ignore_errors=True)


def test_a_container_without_a_root_wrote_nothing(host: HostConfig) -> None:
    assert written(host, "d" * 24).files == 0
