"""A start of a unit whose name systemd still knows, on an imaginary manager. The real one is in tests/integration."""

import contextlib

import pytest

from skerry.host import systemd
from skerry.host.systemd import BusError
from skerry.model.errors import Code, SkerryError

KNOWN = "('org.freedesktop.systemd1.UnitExists', 'Unit a.service was already loaded')"


class Manager:
    def __init__(self, *errors: str) -> None:
        self.errors, self.tried = list(errors), 0

    def start_transient_unit(self, *_given: object) -> None:
        self.tried += 1
        if self.errors:
            raise BusError(Code.HOST, self.errors.pop(0))


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Manager:
    found = Manager()
    monkeypatch.setattr(systemd, "_bus", lambda: contextlib.nullcontext(found))
    monkeypatch.setattr(systemd, "journal", lambda _unit: "")
    return found


def test_it_waits_until_systemd_has_forgotten_the_one_before(manager: Manager) -> None:
    manager.errors = [KNOWN, KNOWN]
    systemd.start_transient("a.service", [])
    assert manager.tried == 3


@pytest.mark.parametrize(("error", "seconds"), [(KNOWN, -1.0), ("no such slice", 60.0)])
def test_it_does_not_wait_for_ever_nor_for_anything_else(
    manager: Manager, monkeypatch: pytest.MonkeyPatch, error: str, seconds: float
) -> None:
    monkeypatch.setattr(systemd, "_LONGEST_FORGOTTEN", seconds)
    manager.errors = [error] * 9
    with pytest.raises(SkerryError, match="could not start"):
        systemd.start_transient("a.service", [])
    assert manager.tried == 1
