from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.client.engine_stub import Engine, Line

StartEngine = Callable[..., Engine]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[StartEngine]:
    """Starts an engine that gives these answers."""
    started: list[Engine] = []

    def start(*answers: list[Line], silent: bool = False) -> Engine:
        started.append(Engine(tmp_path / "engine.sock", *answers, silent=silent))
        return started[-1]

    yield start
    for one in started:
        one.close()
