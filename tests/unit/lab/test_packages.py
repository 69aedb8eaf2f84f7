"""The baked image holds what the roles install: one list, checked here against the others."""

import re
from pathlib import Path

import pytest
import yaml

from skerry_lab.recipe import Flavour, Kind, tree_recipe

ROOT = Path(__file__).parents[3]
BAKED = set(tree_recipe(Kind.METAL, Flavour.HOST).packages)
ESSENTIAL = {"util-linux"}
# For a machine with blank disks: in its tarball, so there is no image that could have them.
INSTALLED = {"_base_system_base_packages", "_remote_unlock_packages"}
OURS = {"skerry-launch"}
BROUGHT = {
    "age",
    "lua-cjson",
    "lua-luaossl",
    "python3-fastapi",
    "python3-uvicorn",
}  # apt brings them to each lab that has what needs them


def package_lists(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


@pytest.mark.parametrize("path", sorted(ROOT.glob("roles/*/vars/main.yml")), ids=lambda path: path.parts[-3])
def test_a_roles_packages_are_baked(path: Path) -> None:
    variables = yaml.safe_load(path.read_text()) or {}
    wanted = {
        name
        for key, value in variables.items()
        if "_packages" in key and key not in INSTALLED
        for name in package_lists(value)
    }
    missing = wanted - BAKED - BROUGHT
    assert not missing, f"add to src/skerry_lab/packages.toml: {sorted(missing)}"


def test_the_engines_packages_are_baked() -> None:
    control = (ROOT / "packaging/skerry/debian/control").read_text()
    depends = re.search(r"^Depends: (.*(?:\n .*)*)", control, re.MULTILINE)
    assert depends is not None
    wanted = {part.split("(")[0].strip() for part in depends[1].split(",")}
    missing = wanted - BAKED - ESSENTIAL - OURS - BROUGHT
    assert not missing, f"add to src/skerry_lab/packages.toml: {sorted(missing)}"
