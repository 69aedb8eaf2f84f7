"""The playbooks of playbooks/image/: paths as the operator gives them, and what they say."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.image_lab import ImageLab
from tests.integration.playbooks import ROOT, Run, play
from tests.unit.resources.images.tarballs import member, with_root


@pytest.fixture
def name(lab: str) -> Iterator[str]:
    name = f"t-{uuid.uuid4().hex[:8]}"
    yield name
    ImageLab(lab).ask("image_delete", name=name)


def import_from(folder: Path, lab: str, *options: str) -> Run:
    """Run the playbook with a shell in another folder than that of the repository."""
    command = ["ansible-playbook", "--limit", lab, f"{ROOT}/playbooks/image/import.yml", *options]
    environment = {**os.environ, "ANSIBLE_CONFIG": f"{ROOT}/ansible.cfg"}
    done = subprocess.run(
        command, cwd=folder, env=environment, text=True, capture_output=True, check=False, timeout=600
    )
    return Run(done.stdout + done.stderr, done.returncode)


def test_a_relative_path_begins_where_the_command_is_typed(lab: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "shop.tar").write_bytes(with_root(member("mark", data=name.encode())))
    import_from(tmp_path, lab, "-e", f"image={name}", "-e", "path=shop.tar").ok()
    assert ImageLab(lab).image(name)["name"] == name


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ("path=no/such.tar", "path=no/such.tar: there is no {here}/no/such.tar. Give the path of a file"),
        ("folder=web", "folder=web: there is no {here}/web. Give the path of a folder"),
        ("rebuild=false", "{name}: there is no {root}/images/{name}. Give folder=FOLDER"),
    ],
)
def test_what_is_not_there_is_named(lab: str, name: str, tmp_path: Path, option: str, problem: str) -> None:
    said = import_from(tmp_path, lab, "-e", f"image={name}", "-e", option)
    assert said.code != 0
    assert problem.format(here=tmp_path, root=ROOT, name=name) in " ".join(said.output.split())


@pytest.mark.parametrize("check", [[], ["--check"]])
def test_deleting_what_is_not_there_says_so(lab: str, name: str, check: list[str]) -> None:
    told = play(lab, "playbooks/image/delete.yml", "-e", f"image={name}", *check).ok()
    assert told.changed == []
    assert f"there is no image {name}: nothing to do" in told.output
