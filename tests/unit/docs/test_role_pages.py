"""Each role's page says what it needs, shows it with variables that it has, and names suites that exist."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.files import ROOT

ROLES = sorted((ROOT / "roles").iterdir())
PARTS = ("## Requirements", "## Example", "## Tested by")


def example(page: str) -> list[dict[str, Any]]:
    """The play that a page shows."""
    (text,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    return yaml.safe_load(text)


def uses(play: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each role that a play runs, with the variables that it is given there."""
    for entry in play.get("roles", []):
        given = {name: value for name, value in entry.items() if name != "role"}
        yield entry["role"].removeprefix("skerry.host."), given
    for task in play.get("tasks", []):
        yield task["ansible.builtin.include_role"]["name"].removeprefix("skerry.host."), task.get("vars", {})


def variables(role: str) -> set[str]:
    """Every variable that a role declares."""
    entries = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text())
    return {name for entry in entries["argument_specs"].values() for name in entry.get("options", {})}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_page_has_its_parts_in_order(role: Path) -> None:
    titles = re.findall(r"^## .*$", (role / "README.md").read_text(), re.MULTILINE)
    assert tuple(titles) == PARTS


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_an_example_gives_variables_that_the_role_declares(role: Path) -> None:
    used = [use for play in example((role / "README.md").read_text()) for use in uses(play)]
    assert role.name in [name for name, _ in used]
    for name, given in used:
        assert set(given) <= variables(name)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_page_names_suites_and_scenarios_that_exist(role: Path) -> None:
    page = (role / "README.md").read_text().partition("## Tested by")[2]
    suites = tomllib.loads((ROOT / "tests/suites.toml").read_text())["suites"]
    named = re.findall(r"SUITES=(\S+?)`", page)
    assert named
    assert set(named) <= set(suites)
    for scenario in re.findall(r"`(molecule/\w+)`", page):
        assert (ROOT / scenario).is_dir()
