"""The pages are read while the tests run: a test waits for its page."""

from collections.abc import Iterator

import pytest

from tests.docs.reading import Library, Reading
from tests.docs.table import table
from tests.docs.world import held
from tools.files import ROOT

LIBRARY = Library.of(ROOT)
READING = pytest.StashKey[Reading]()


@pytest.fixture(scope="session")
def library() -> Library:
    return LIBRARY


@pytest.fixture(scope="session")
def reading(request: pytest.FixtureRequest) -> Iterator[Reading]:
    """Reads the pages whose tests were chosen; ends its labs whatever happens."""
    chosen = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    wanted = dict.fromkeys(params["page"] for params in chosen if "page" in params)
    with held() as world:
        reading = request.config.stash[READING] = Reading(LIBRARY, world)
        try:
            reading.start(wanted)
            yield reading
        finally:
            reading.stop()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "page" in metafunc.fixturenames:
        metafunc.parametrize("page", list(LIBRARY.items))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if reading := config.stash.get(READING, None):
        terminalreporter.section("commands of the pages")
        for line in table(LIBRARY.commands, reading.ran, LIBRARY.rules):
            terminalreporter.write_line(line)
