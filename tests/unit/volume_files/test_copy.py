"""What an image has in a folder, as the first files of a volume: whole or not at all, and never over what is there."""

import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skerry.volume_files.copy import FOLDER, fill, settle


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(os, "fchown", lambda *_args: None)
    monkeypatch.setattr(os, "chown", lambda *_args, **_more: None)
    image = tmp_path / "image"
    (image / "base/deep").mkdir(parents=True)
    (image / "base/file").write_bytes(b"x" * 100_000)
    (image / "base/file").chmod(0o4640)
    os.link(image / "base/file", image / "hard")
    (image / "soft").symlink_to("base/file")
    os.mkfifo(image / "pipe", 0o600)
    os.utime(image / "base/file", ns=(7, 7_000_000_001))
    image.chmod(0o2770)
    return image


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    (tmp_path / "volume").mkdir()
    return tmp_path / "volume"


def filled(*images: Path, volume: Path) -> None:
    """The topmost image first."""
    sources, top = [os.open(image, FOLDER) for image in images], os.open(volume, FOLDER)
    try:
        fill(sources, top)
    finally:
        for one in (*sources, top):
            os.close(one)


def tree(path: Path) -> dict[str, int]:
    return {str(one.relative_to(path)): one.lstat().st_mode for one in [path, *path.rglob("*")]}


def test_all_of_it_arrives(image: Path, volume: Path) -> None:
    filled(image, volume=volume)
    assert tree(volume) == tree(image)
    assert (volume / "base/file").read_bytes() == b"x" * 100_000
    assert (volume / "hard").stat().st_ino == (volume / "base/file").stat().st_ino
    assert (volume / "base/file").stat().st_mtime_ns == 7_000_000_001
    assert stat.S_IMODE(volume.stat().st_mode) == 0o2770


def test_what_is_there_stays(image: Path, volume: Path) -> None:
    (volume / "mine").write_text("1")
    filled(image, volume=volume)
    assert [path.name for path in volume.iterdir()] == ["mine"]


class Killed(BaseException):
    """Stands for SIGKILL."""


def mortal(call: Callable[..., Any], seen: list[str], at: int) -> Callable[..., Any]:
    """The call, which is not made where it is the ``at``-th of all."""

    def counted(*args: Any, **more: Any) -> Any:
        seen.append(call.__name__)
        if len(seen) == at:
            raise Killed
        return call(*args, **more)

    return counted


@pytest.mark.parametrize("at", range(1, 40))
def test_cut_off_anywhere_it_is_finished_or_nothing_of_it_is_there(
    image: Path, volume: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    with monkeypatch.context() as patched, contextlib.suppress(Killed):
        for name in ("mkdir", "open", "rename", "link", "symlink", "mkfifo", "sendfile", "fchmod", "utime"):
            patched.setattr(os, name, mortal(getattr(os, name), seen, at))
        filled(image, volume=volume)
    assert len(seen) >= at, "there is a point for each"
    top = os.open(volume, FOLDER)
    settle(top)
    os.close(top)
    every = {"base", "hard", "soft", "pipe"}
    assert {path.name for path in volume.iterdir()} in (set(), every)
    filled(image, volume=volume)
    assert {path.name for path in volume.iterdir()} == every


def test_the_topmost_image_wins(image: Path, volume: Path, tmp_path: Path) -> None:
    """As an overlay shows them; without its whiteouts, which only the host's root can make."""
    above = tmp_path / "above"
    (above / "base/deep").mkdir(parents=True)
    (above / "base/deep/new").write_text("new")
    (above / "base/file").write_text("newer")
    (above / "soft").mkdir()
    (above / "pipe").write_text("a file now")
    filled(above, image, volume=volume)
    assert (volume / "base/file").read_text() == "newer"
    assert (volume / "base/deep/new").read_text() == "new"
    assert (volume / "soft").is_dir()
    assert (volume / "pipe").read_text() == "a file now"
    assert (volume / "hard").read_bytes() == b"x" * 100_000
    assert stat.S_IMODE(volume.stat().st_mode) == stat.S_IMODE(above.stat().st_mode)
