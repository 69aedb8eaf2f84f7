"""Five programs that people run, stock, in containers. All of programs.toml: `make proof NAME=programs`."""

from collections.abc import Iterator

import pytest

from tests.programs.declared import programs
from tests.programs.running import Programs, table

FIVE = ("nginx", "valkey", "node", "gunicorn", "postgresql")


@pytest.fixture(scope="module")
def running(lab: str) -> Iterator[Programs]:
    with Programs(lab, [programs()[name] for name in FIVE]) as made:
        yield made


@pytest.mark.parametrize("name", FIVE)
def test_it_starts_drops_answers_keeps_its_data_and_ends_cleanly(
    running: Programs, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lived = running.live(programs()[name])
    with capsys.disabled():
        print(table([lived]))
    lived.check()
