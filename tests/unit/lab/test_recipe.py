"""A recipe's hash names its image, so it must change exactly when the content would."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from skerry_base.core.debian import TreeRecipe, recipe_of
from skerry_base.core.files import digest
from skerry_lab.images import build_command
from skerry_lab.recipe import PACKAGES, Flavour, Kind, tree_recipe

BASE = TreeRecipe(
    "trixie", ("deb http://mirror trixie main",), "/keyring", ("dbus", "systemd"), "#!/bin/sh\n"
)


def test_the_same_recipe_has_the_same_digest() -> None:
    assert BASE.digest() == replace(BASE).digest()
    assert len(BASE.digest()) == 24


@pytest.mark.parametrize(
    "changed",
    [
        replace(BASE, suite="forky"),
        replace(BASE, mirrors=("deb http://other trixie main",)),
        replace(BASE, keyring="/other"),
        replace(BASE, packages=("dbus", "systemd", "zstd")),
        replace(BASE, customise="#!/bin/sh\ntrue\n"),
    ],
    ids=["suite", "mirror", "keyring", "packages", "script"],
)
def test_every_part_of_a_recipe_counts(changed: TreeRecipe) -> None:
    assert changed.digest() != BASE.digest()


def test_the_order_of_packages_and_keys_does_not_count() -> None:
    assert recipe_of(["zstd", "lxc"]).digest() == recipe_of(["lxc", "zstd", "lxc"]).digest()
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


@pytest.mark.parametrize("kind", Kind)
def test_the_host_image_has_all_of_the_plain_one(kind: Kind) -> None:
    plain, host = (set(tree_recipe(kind, flavour).packages) for flavour in (Flavour.PLAIN, Flavour.HOST))
    assert plain < host


def test_the_plain_image_has_nothing_that_a_role_brings() -> None:
    wanted = tomllib.loads(PACKAGES.read_text(encoding="utf-8"))
    assert not set(wanted["plain"]) & set(wanted["host"])
    assert "nftables" not in wanted["plain"]


def test_only_a_booting_machine_needs_a_kernel() -> None:
    kernels = {kind: [name for name in tree_recipe(kind, Flavour.HOST).packages if "linux-image" in name]
               for kind in Kind}  # fmt: skip
    assert kernels[Kind.FAST] == []
    assert kernels[Kind.METAL] == ["linux-image-cloud-amd64"]


def test_mmdebstrap_makes_what_the_target_is_called() -> None:
    assert "--format=tar" in build_command(BASE, Path("/cache/root.tar"))
    folder = build_command(BASE, Path("/cache/root"))
    assert "--format=directory" in folder
    assert "--include=dbus,systemd" in folder
    assert folder[-3:] == ["trixie", "/cache/root", "deb http://mirror trixie main"]
