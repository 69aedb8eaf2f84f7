"""What the lab's images are made of."""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Any

from skerry_base.core.debian import TreeRecipe, recipe_of

_HERE = Path(__file__).parent
CUSTOMISE = _HERE / "customise.sh"
RESCUE = _HERE / "rescue.sh"
PACKAGES = _HERE / "packages.toml"


class Kind(StrEnum):
    """How a lab runs."""

    FAST = "fast"
    METAL = "metal"


class Flavour(StrEnum):
    """How much an image holds already."""

    PLAIN = "plain"
    HOST = "host"
    RESCUE = "rescue"
    """No system at all: blank disks, and a rescue system to install one from."""


def tree_recipe(kind: Kind, flavour: Flavour) -> TreeRecipe:
    """The recipe of a lab's root."""
    wanted = _packages()
    packages = set(wanted["plain"]) | set(wanted["kinds"][kind])
    if flavour is Flavour.HOST:
        packages |= set(wanted["host"]) | set(wanted["hosts"][kind])
    return recipe_of(packages, CUSTOMISE.read_text(encoding="utf-8"))


def rescue_recipe() -> TreeRecipe:
    """The recipe of the rescue system."""
    return recipe_of(_packages()["rescue"], RESCUE.read_text(encoding="utf-8"))


def host_packages() -> list[str]:
    """The platform's packages: where they are in what a machine is installed from, the roles have little to do."""
    wanted = _packages()
    return sorted({*wanted["host"], *wanted["hosts"][Kind.METAL]})


def _packages() -> dict[str, Any]:
    return tomllib.loads(PACKAGES.read_text(encoding="utf-8"))
