"""What containers are promised together, against what the host has: a warning where that is too much."""

import dataclasses

import pytest

from skerry.host import capacity
from skerry.model.container import ContainerKey, Spec
from skerry.resources.containers import promises
from skerry.resources.containers import store as containers
from skerry.resources.containers.store import Promise

GIB = 1024**3


def with_options(container, desired="started", **options):
    return dataclasses.replace(container, desired=desired, spec=Spec(image="hello", **options))


@pytest.fixture
def neighbours(db, container, monkeypatch):
    """A host for 4 GiB of memory and 10 GiB of disk; one container that runs has 3 of each, a stopped one as well."""
    monkeypatch.setattr(capacity, "memory", lambda _host: 4 * GIB)
    monkeypatch.setattr(capacity, "disk", lambda _host: 10 * GIB)
    with db.transaction():
        for slot, desired in enumerate(("started", "stopped"), start=1):
            one = with_options(container, desired, memory="3G", disk="3G")
            key = ContainerKey(name=f"n{slot}")
            containers.insert(db, dataclasses.replace(one, id=f"{slot:024x}", key=key, slot=slot))
    return db


def test_the_sum_counts_memory_of_those_that_run_and_disk_of_all(neighbours):
    assert containers.promised(neighbours) == Promise(3 * GIB, 6 * GIB)
    assert containers.promised(neighbours, besides=f"{1:024x}") == Promise(0, 3 * GIB)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (None, {"memory": "1G", "disk": "4G"}, []),
        (None, {"memory": "1025M", "disk": "1G"}, ["memory: promised 4.0 of 4.0 GiB"]),
        (None, {"memory": "2G", "disk": "5G"},
         ["memory: promised 5.0 of 4.0 GiB", "disk: promised 11.0 of 10.0 GiB"]),
        (None, {"memory": "2G", "desired": "stopped"}, []),
        ({"memory": "2G", "desired": "stopped"}, {"memory": "2G"}, ["memory: promised 5.0 of 4.0 GiB"]),
        ({"memory": "2G"}, {"memory": "3G"}, ["memory: promised 6.0 of 4.0 GiB"]),
        ({"memory": "3G"}, {"memory": "2G"}, []),
        ({"memory": "2G"}, {"memory": "2G"}, []),
        ({"memory": "2G"}, None, []),
    ],
)  # fmt: skip
def test_only_what_raises_a_promise_beyond_the_host_is_warned_about(
    host, neighbours, container, before, after, said
):
    old, new = (
        None if options is None else with_options(container, **options) for options in (before, after)
    )
    found = list(promises.warnings(host, neighbours, old, new))
    assert [line.split(". When")[0] for line in found] == said
