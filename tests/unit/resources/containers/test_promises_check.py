"""Memory promised far beyond what the host has is refused, and only where a plan raises the promise."""

import dataclasses

import pytest

from skerry.host import capacity
from skerry.model.errors import SkerryError
from skerry.resources.containers import promises, store
from tests.unit.engine_fixtures import container, db, host

__all__ = ["container", "db", "host"]
MEBI = 1024**2


@pytest.fixture(autouse=True)
def a_small_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "memory", lambda _host: 200 * MEBI)  # of 256M each


def other(container, number: int, desired: str = "started"):
    key = container.key.model_copy(update={"name": f"n{number}"})
    return dataclasses.replace(container, id=f"{number}" * 24, key=key, slot=number, desired=desired)


def test_up_to_the_ratio_it_is_allowed_and_beyond_refused(host, db, container) -> None:
    with db.transaction():
        for number in (1, 2):
            store.insert(db, other(container, number))
    third, fourth = other(container, 3), other(container, 4)
    promises.check(host, db, None, third)
    with db.transaction():
        store.insert(db, third)
    with pytest.raises(SkerryError, match=r"promised 1\.0 of 0\.2 GiB, more than 4 times what there is"):
        promises.check(host, db, None, fourth)
    promises.check(host, db, None, dataclasses.replace(fourth, desired="stopped"))
    promises.check(dataclasses.replace(host, overcommit_memory=6.0), db, None, fourth)
    strict = dataclasses.replace(host, overcommit_memory=1.0)
    promises.check(strict, db, third, third)  # one that is promised it already goes on
    promises.check(strict, db, third, None)
