"""Which lab a test belongs to: `--lab=fast` and `--lab=metal` choose. Nothing runs twice, nothing is skipped."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--lab", choices=("fast", "metal"), help="run only the tests that belong on this kind of lab"
    )


def belongs_on(item: pytest.Item) -> str:
    """Tests of tests/system, and those that need what only a booted machine has, belong on metal; the others on fast."""
    needs = [what for mark in item.iter_markers("needs") for what in mark.args]
    return "metal" if needs or "system" in item.path.relative_to(item.config.rootpath).parts else "fast"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not (lab := config.getoption("--lab")):
        return
    elsewhere = [item for item in items if belongs_on(item) != lab]
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in elsewhere]
