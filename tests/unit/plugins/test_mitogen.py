"""The labs run modules by Mitogen, which runs a file that it does not take for a module without its module_utils."""

from pathlib import Path

import pytest
from ansible_mitogen.planner import NewStylePlanner

MODULES = sorted((Path(__file__).parents[3] / "plugins" / "modules").glob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_mitogen_takes_each_module_for_one(module: Path) -> None:
    assert NewStylePlanner.detect(str(module), module.read_bytes())
