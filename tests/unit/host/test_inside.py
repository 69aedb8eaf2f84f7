"""A path is looked up inside an image, whatever links lead out of it."""

import os
from pathlib import Path

import pytest

from skerry.host import inside

LINKS = {
    "absolute": "/var/data",
    "relative": "var/data",
    "up": "../../../../var/data",
    "var/back": "../var/./data",
    "chain": "absolute/../data",
    "outside": "/outside",
    "round": "round",
    "a": "b",
    "b": "a",
    "file-link": "file",
    "above": "..",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    root = tmp_path / "root"
    (root / "var/data/deep").mkdir(parents=True)
    (root / "file").write_text("x")
    for name, target in LINKS.items():
        (root / name).symlink_to(target)
    return root


def found(root: Path, path: str) -> str | None:
    opened = inside.folder(str(root), path)
    if opened is None:
        return None
    place = os.readlink(f"/proc/self/fd/{opened}")
    os.close(opened)
    return "/" + os.path.relpath(place, root)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/var/data", "/var/data"),
        ("/absolute", "/var/data"),
        ("/relative/deep", "/var/data/deep"),
        ("/up", "/var/data"),
        ("/var/back", "/var/data"),
        ("/chain", "/var/data"),
        ("/above/var", "/var"),
        ("/../../var", "/var"),
        ("/outside", None),
        ("/round", None),
        ("/a", None),
        ("/file", None),
        ("/file-link", None),
        ("/file/x", None),
        ("/none/x", None),
    ],
)
def test_a_path_stays_inside(root: Path, path: str, place: str | None) -> None:
    assert found(root, path) == place
