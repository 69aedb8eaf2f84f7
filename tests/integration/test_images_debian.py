"""Debian images: built on the host, and on the controller for it."""

import uuid
from collections.abc import Iterator

import pytest

from tests.integration.image_lab import ImageLab
from tests.integration.playbooks import play


@pytest.fixture(scope="module")
def images(lab: str) -> ImageLab:
    return ImageLab(lab)


@pytest.fixture(scope="module")
def recipe() -> dict[str, object]:
    """A Debian with a mark of this run, so that no other image is the same."""
    files = {
        "/srv/mark": {"content": uuid.uuid4().hex},
        "/usr/bin/hello": {"content": "#!/bin/sh\n", "mode": "0755"},
    }
    return {
        "name": f"t-{uuid.uuid4().hex[:8]}",
        "suite": "trixie",
        "files": files,
        "command": ["/usr/bin/hello"],
    }


@pytest.fixture(scope="module")
def built(images: ImageLab, recipe: dict[str, object]) -> Iterator[dict[str, object]]:
    """The image of that recipe."""
    yield images.ask("image_build", **recipe).ok()["after"]
    images.ask("image_delete", name=recipe["name"]).ok()


def test_a_debian_is_built_as_its_recipe_says(
    images: ImageLab, recipe: dict[str, object], built: dict[str, object]
) -> None:
    root = images.mounted(str(built["digest"]))
    assert images.run(f"cat {root}/srv/mark") == recipe["files"]["/srv/mark"]["content"]  # type: ignore[index]
    assert images.run(f"stat --format %a:%u:%g {root}/usr/bin/hello").strip() == "755:0:0"
    assert images.run(f". {root}/etc/os-release; echo $VERSION_CODENAME").strip() == "trixie"
    assert images.run(f"stat --format '%F %s' {root}/etc/resolv.conf {root}/etc/machine-id").splitlines() == [
        "regular empty file 0",
        "regular empty file 0",
    ]


def test_it_holds_no_devices_and_no_leftovers(images: ImageLab, built: dict[str, object]) -> None:
    root = images.mounted(str(built["digest"]))
    assert images.run(f"find {root} -type b -o -type c") == ""
    assert images.run(f"find {root}/var/lib/apt/lists {root}/var/cache/apt/archives -name '*deb*'") == ""
    assert images.run(f"find {root}/usr/share/doc -type f -not -name copyright") == ""
    assert (
        images.run(f"test -d {root}/dev && test -d {root}/proc && test -d {root}/sys && echo yes").strip()
        == "yes"
    )


@pytest.mark.usefixtures("built")
def test_the_same_recipe_changes_nothing(images: ImageLab, recipe: dict[str, object]) -> None:
    assert images.plan("image_build", **recipe)["changed"] is False
    assert images.ask("image_build", **recipe).ok()["changed"] is False


def test_built_anew_of_the_same_packages_it_is_the_same_to_the_byte(
    images: ImageLab, recipe: dict[str, object], built: dict[str, object]
) -> None:
    before = images.traces()
    again = images.ask("image_build", rebuild=True, **recipe).ok()
    assert (again["changed"], again["after"]["digest"]) == (False, built["digest"])
    assert images.traces() == before


def test_a_package_that_does_not_exist_is_told(images: ImageLab, recipe: dict[str, object]) -> None:
    before = images.traces()
    refused = images.ask("image_build", **{**recipe, "name": "t-none", "packages": ["no-such-package"]}).error
    assert "mmdebstrap" in refused["message"]
    assert "no-such-package" in refused["journal"]
    assert images.traces() == before


def test_a_missing_file_of_the_host_is_told(images: ImageLab, recipe: dict[str, object]) -> None:
    files = {"/srv/x": {"path": "/var/lib/skerry/not-there"}}
    refused = images.ask("image_build", **{**recipe, "files": files}).error
    assert "files: /var/lib/skerry/not-there cannot be read" in refused["message"]


def test_the_playbook_brings_the_sample_app_and_then_changes_nothing(lab: str, hello: str) -> None:
    again = play(lab, "playbooks/image/import.yml", "-e", f"image={hello}", "--diff").ok()
    assert again.changed == []
    checked = play(lab, "playbooks/image/import.yml", "-e", f"image={hello}", "--check").ok()
    assert checked.changed == []


def test_the_sample_app_is_as_its_recipe_says(images: ImageLab, hello: str) -> None:
    assert images.image(hello)["command"][0] == "/usr/bin/python3"
    assert images.run(f"ls {images.mounted(images.image(hello)['digest'])}/srv/hello").split() == [
        "app.py",
        "index.html",
    ]
