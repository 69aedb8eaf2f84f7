"""What an image is made of, and the hash that names it."""

import hashlib
import json
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True)
class TreeRecipe:
    """A Debian root: everything that decides its content."""

    suite: str
    mirrors: tuple[str, ...]
    keyring: str
    packages: tuple[str, ...]
    customise: str
    """The script that finishes the root, whole: its text is part of the hash."""

    def digest(self) -> str:
        """24 hex digits that name the image; any change of the recipe changes them."""
        return digest(asdict(self))


def digest(content: object) -> str:
    """24 hex digits of anything JSON can hold."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def tree_recipe(kind: Kind, flavour: Flavour) -> TreeRecipe:
    """The recipe of a lab's root."""
    wanted = _packages()
    packages = set(wanted["plain"]) | set(wanted["kinds"][kind])
    if flavour is Flavour.HOST:
        packages |= set(wanted["host"]) | set(wanted["hosts"][kind])
    return source(packages, CUSTOMISE.read_text(encoding="utf-8"))


def rescue_recipe() -> TreeRecipe:
    """The recipe of the rescue system."""
    return source(_packages()["rescue"], RESCUE.read_text(encoding="utf-8"))


def host_packages() -> list[str]:
    """The platform's packages: where they are in what a machine is installed from, the roles have little to do."""
    wanted = _packages()
    return sorted({*wanted["host"], *wanted["hosts"][Kind.METAL]})


def source(packages: Iterable[str], customise: str = "") -> TreeRecipe:
    """The recipe for these packages, from where packages.toml says."""
    wanted = _packages()
    suite = wanted["suite"]
    return TreeRecipe(
        suite=suite,
        mirrors=tuple(wanted["mirrors"]),
        keyring=wanted["keyring"],
        packages=tuple(sorted(set(packages))),
        customise=customise,
    )


def _packages() -> dict[str, Any]:
    return tomllib.loads(PACKAGES.read_text(encoding="utf-8"))
