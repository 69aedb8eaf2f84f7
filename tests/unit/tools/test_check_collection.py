"""The collection check finds plugins that Ansible does not, and what must stay out of the tarball."""

import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import check_collection
from tools.files import ROOT

MODULE = '''#!/usr/bin/python
DOCUMENTATION = r"""
module: thing
short_description: A thing
description: [A thing.]
options: {}
author: [The Skerry authors (@skerry)]
"""
'''


@pytest.fixture
def collection(repository: Callable[[dict[str, str]], Path]) -> Path:
    """A repository with one module, built as ours is."""
    root = repository(
        {"plugins/modules/thing.py": MODULE, "README.md": "# R\n", "src/skerry/client.py": "x = 1\n"}
    )
    for name in ("galaxy.yml", "LICENSE", "meta/runtime.yml"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    link = root / "collections/ansible_collections/skerry/host"
    link.parent.mkdir(parents=True)
    link.symlink_to("../../..")
    track(root)
    return root


def track(root: Path) -> None:
    subprocess.run(["git", "-C", str(root), "add", "."], check=True)


def test_a_documented_module_is_found_in_place_and_installed(collection: Path) -> None:
    (collection / "plugins" / "module_utils").mkdir()
    (collection / "plugins" / "module_utils" / "client.py").symlink_to("../../src/skerry/client.py")
    track(collection)
    assert check_collection.main(collection) == 0


def test_a_broken_module_is_told_in_ansibles_words(
    collection: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (collection / "plugins/modules/thing.py").write_text("pass\n")
    assert check_collection.main(collection) == 1
    assert "skerry.host.thing" in capsys.readouterr().out


def test_what_must_stay_out_is_told(collection: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = collection / "galaxy.yml"
    settings.write_text(settings.read_text().replace("  - tests\n", ""))
    (collection / "tests").mkdir()
    (collection / "tests" / "test_a.py").write_text("")
    track(collection)
    tarball = check_collection.build(collection, tmp_path_factory.mktemp("home"))
    assert list(check_collection.strays(tarball)) == [
        "tests does not belong in the collection: see build_ignore"
    ]


def test_what_git_does_not_track_stays_out(
    collection: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for name in ("notes/secret.txt", "plugins/modules/draft.py", "src/skerry/draft.py"):
        (collection / name).parent.mkdir(exist_ok=True)
        (collection / name).write_text("")
    with tarfile.open(check_collection.build(collection, tmp_path_factory.mktemp("out"))) as archive:
        names = set(archive.getnames())
    assert "plugins/modules/thing.py" in names
    assert not {name for name in names if "draft" in name or "notes" in name}
